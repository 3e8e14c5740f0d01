/** One worker process: `node worker.mjs`. Start as many as you like; SIGTERM and Ctrl+C let it finish what it has. */

import { hostname } from 'node:os'
import { Queue, Worker } from 'bullmq'
import { Redis } from 'ioredis'
import { createClaims } from './claims.mjs'
import { account, concurrency, connection, limiter, lockMs, QUEUE } from './fleet.mjs'
import { createLane, solveJob } from './solve-job.mjs'

// Without a key every job would be refused, and fail.
if (!account.clientKey) {
  console.error('SOLVER_API_KEY is missing.')
  process.exit(2)
}

const redis = new Redis(connection)
const queue = new Queue(QUEUE, { connection })
const fleet = {
  queue,
  claims: createClaims(redis),
  owner: `${hostname()}:${process.pid}`,
  lane: createLane(),
}

const worker = new Worker(QUEUE, job => solveJob(job, fleet), {
  connection,
  concurrency,
  limiter,
  lockDuration: lockMs,
  stalledInterval: lockMs,
  // BullMQ gives a job up when its worker died under it twice. A resumed job costs nothing here, so it is never given up.
  maxStalledCount: 1_000_000,
  // How long after the end of an outage the last worker may notice.
  maximumRateLimitDelay: 1000,
})
// Redis going away is no reason to end: commands wait until it is back.
const say = (/** @type {Error} */ { message }) => console.error(message)
redis.on('error', say)
queue.on('error', say)
worker.on('error', say)

for (const signal of /** @type {const} */ (['SIGTERM', 'SIGINT'])) {
  process.once(signal, async () => {
    await worker.close()
    await queue.close()
    redis.disconnect()
  })
}
await worker.waitUntilReady()
console.log('ready')
