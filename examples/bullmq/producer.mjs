/** Adds jobs to the queue: `node producer.mjs 200`. Each job has an id of its own, so that adding it again has no effect. */

import { Queue } from 'bullmq'
import { connection, QUEUE } from './config.mjs'

const count = Number(process.argv[2] ?? 200)
const queue = new Queue(QUEUE, { connection })

await queue.addBulk(
  Array.from({ length: count }, (_, index) => ({
    name: 'solve',
    data: {
      websiteURL: `https://shop.example/login?job=${index + 1}`,
      websiteKey: '0x4AAAAAAAExampleSitekey',
    },
    // Failed jobs are kept: one that is in doubt needs a person's decision. Completed jobs are kept to be counted; in production remove
    // them, since they hold a token.
    opts: { jobId: `job-${index + 1}`, attempts: 3, removeOnComplete: false, removeOnFail: false },
  })),
)
console.log(`${count} jobs`)
await queue.close()
