/** One worker process: `node worker.mjs`. Start as many as you like; SIGTERM lets it finish what it has. */

import { hostname } from 'node:os'
import { Queue, Worker } from 'bullmq'
import { Redis } from 'ioredis'
import { createClaims } from './claims.mjs'
import { concurrency, connection, limiter, lockMs, QUEUE } from './fleet.mjs'
import { createLane, solveJob } from './solve-job.mjs'

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

process.once('SIGTERM', async () => {
  await worker.close()
  await queue.close()
  redis.disconnect()
})
await worker.waitUntilReady()
console.log('ready')
