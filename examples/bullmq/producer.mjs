/** Puts jobs into the queue: `node producer.mjs 200`. A job has an id of its own, so putting it in twice adds nothing. */

import { Queue } from 'bullmq'
import { connection, QUEUE } from './fleet.mjs'

const count = Number(process.argv[2] ?? 200)
const queue = new Queue(QUEUE, { connection })

await queue.addBulk(
  Array.from({ length: count }, (_, index) => ({
    name: 'solve',
    data: {
      websiteURL: `https://shop.example/login?job=${index + 1}`,
      websiteKey: '0x4AAAAAAAExampleSitekey',
    },
    // What failed stays: a job that is in doubt is a question to a person, and must not be tidied away. What is done stays only for
    // the books of the run: it holds a token, and a queue in earnest removes it.
    opts: { jobId: `job-${index + 1}`, attempts: 3, removeOnComplete: false, removeOnFail: false },
  })),
)
console.log(`${count} jobs`)
await queue.close()
