/**
 * `node in-doubt.mjs` prints the jobs in doubt, and retries those whose task is known after all, which costs nothing. Whether to pay again for
 * the others is your decision.
 */

import { realpathSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Queue } from 'bullmq'
import { connection, QUEUE } from './config.mjs'

/**
 * Returns the jobs that were put back into the queue.
 *
 * @param {import('bullmq').Queue} queue
 */
export async function retryKnown(queue) {
  const known = (await inDoubt(queue)).filter(job => job.data.taskId)
  for (const job of known) await job.retry()
  return known
}

/** @param {import('bullmq').Queue} queue */
export async function inDoubt(queue) {
  return (await queue.getJobs(['failed'])).filter(job => job.failedReason?.startsWith('IN DOUBT'))
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const queue = new Queue(QUEUE, { connection })
  const retried = await retryKnown(queue)
  for (const { id, data } of retried) console.log(`${id}: waits again for task ${data.taskId}`)
  for (const { id, failedReason } of await inDoubt(queue)) console.log(`${id}: ${failedReason}`)
  await queue.close()
}
