/** A worker process: `node worker.mjs`. Start any number of them. On SIGTERM and Ctrl+C it finishes the jobs it has. */

import { hostname } from 'node:os'
import { Queue, Worker } from 'bullmq'
import { Redis } from 'ioredis'
import { createClaims } from './claims.mjs'
import { account, concurrency, connection, limiter, lockMs, QUEUE } from './config.mjs'
import { createMutex, solveJob } from './solve-job.mjs'

// Without a key every job would be refused, and fail.
if (!account.clientKey) {
  console.error('SOLVER_API_KEY is missing.')
  process.exit(2)
}

const redis = new Redis(connection)
const queue = new Queue(QUEUE, { connection })
const context = {
  queue,
  claims: createClaims(redis),
  owner: `${hostname()}:${process.pid}`,
  runExclusive: createMutex(),
}

const worker = new Worker(QUEUE, job => solveJob(job, context), {
  connection,
  concurrency,
  limiter,
  lockDuration: lockMs,
  stalledInterval: lockMs,
  // BullMQ fails a job whose worker died twice. Resuming a job costs nothing here, so there is no such limit.
  maxStalledCount: 1_000_000,
  // After an outage a worker resumes at most this much later.
  maximumRateLimitDelay: 1000,
})
// A lost connection to Redis is no reason to end: commands wait until it is back.
const logError = (/** @type {Error} */ { message }) => console.error(message)
redis.on('error', logError)
queue.on('error', logError)
worker.on('error', logError)

for (const signal of /** @type {const} */ (['SIGTERM', 'SIGINT'])) {
  process.once(signal, async () => {
    await worker.close()
    await queue.close()
    redis.disconnect()
  })
}
await worker.waitUntilReady()
console.log('ready')
