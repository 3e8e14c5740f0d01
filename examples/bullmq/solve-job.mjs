/** One job, from its start to its token. One worker may start it and another one finish it. */

import { RateLimitError, UnrecoverableError } from 'bullmq'
import { createTask, getBalance, isTurnstileError, waitForTask } from 'turnstile-solver'
import { account, createTimeoutMs, lockMs, pauseMs, pollIntervalMs } from './config.mjs'

/** @typedef {import('bullmq').Job<import('./config.mjs').JobData, import('./config.mjs').JobResult>} SolveJob */
/** @typedef {{ queue: import('bullmq').Queue, claims: import('./claims.mjs').Claims, owner: string, runExclusive: ReturnType<typeof createMutex> }} Context */

/**
 * @param {SolveJob} job
 * @param {Context} context
 * @returns {Promise<import('./config.mjs').JobResult>}
 */
export async function solveJob(job, context) {
  const taskId = job.data.taskId ?? (await context.runExclusive(() => createOnce(job, context)))
  try {
    const { token, expiresAt } = await waitForTask({
      ...account,
      taskId,
      pollIntervalMs,
      onProgress: ({ phase, polls }) => {
        // Progress is optional: where it cannot be written, the solve goes on.
        job.updateProgress({ phase, polls, taskId }).catch(() => {})
      },
    })
    return { token, taskId, expiresAt }
  } catch (error) {
    // The task is paid for and its id is in the job: the job waits for it again, and creates no other.
    // A task that is merely slow is no outage: it uses one of the job's attempts.
    if (isTimeout(error) && !error.cause) throw error
    if (isOutage(error)) throw await pause(context, error)
    throw new UnrecoverableError(messageOf(error))
  }
}

/**
 * Creates the task, and returns its id once the id is in the job.
 *
 * @param {SolveJob} job
 * @param {Context} context
 */
async function createOnce(job, context) {
  const id = String(job.id)
  if (await context.claims.isPaused()) throw new RateLimitError()
  if (await context.claims.isOutage()) await probe(context)
  // A worker that was frozen for longer than its lock leaves the job to the worker that has it now.
  if (!(await job.extendLock(String(job.token), lockMs)))
    throw new Error('The job belongs to another worker.')
  const claim = await context.claims.take(id, context.owner)
  if (!claim) {
    // The worker with the claim may have stored the id since this worker read the job.
    const taskId = (await context.queue.getJob(id))?.data.taskId
    if (taskId) return taskId
    throw inDoubt('A worker ended, or lost the job, while it created a task.')
  }

  const { websiteURL, websiteKey } = job.data
  /** @type {import('turnstile-solver').Task} */
  let task
  try {
    task = await createTask({ ...account, websiteURL, websiteKey, timeoutMs: createTimeoutMs })
  } catch (error) {
    const { mayBeCharged } = /** @type {{ mayBeCharged?: boolean }} */ (error)
    if (mayBeCharged !== false) {
      // A gateway that lost one reply will lose the next. Pausing the queue limits this to one job of each worker.
      if (isOutage(error)) await pause(context, error)
      throw inDoubt(messageOf(error))
    }
    await context.claims.release(id, claim)
    if (isOutage(error)) throw await pause(context, error)
    throw new UnrecoverableError(messageOf(error))
  }
  // The gap: between sending the request and storing the id in Redis, a `kill -9` leaves a task whose id is unknown: the claim shows it.
  await job.updateData({ ...job.data, taskId: task.taskId, createdAt: task.createdAt })
  return task.taskId
}

/**
 * Lets each process create one task at a time. Waiting takes long and stays concurrent; creating does not, and every request in flight is
 * lost with a process that is killed.
 */
export function createMutex() {
  /** @type {Promise<unknown>} */
  let last = Promise.resolve()
  return (/** @type {() => Promise<string>} */ callback) => {
    const result = last.then(callback)
    last = result.catch(() => {})
    return result
  }
}

/** Checks whether the provider is available again: requesting the balance is free and can be repeated safely. @param {Context} context */
async function probe(context) {
  try {
    await getBalance({ ...account, timeoutMs: Math.min(createTimeoutMs, 5000) })
  } catch (error) {
    if (isOutage(error)) throw await pause(context, error)
    throw new UnrecoverableError(messageOf(error))
  }
  await context.claims.endOutage()
}

/**
 * Stops all workers from starting jobs for a while. The error puts the job back into the queue without using one of its attempts.
 *
 * @param {Context} context
 * @param {unknown} cause
 */
async function pause({ queue, claims }, cause) {
  console.error(`The queue is paused: ${messageOf(cause)}`)
  await claims.startOutage(pauseMs)
  await queue.rateLimit(pauseMs)
  return new RateLimitError()
}

/** Whether the provider, the connection or the account failed, and not this job. @param {unknown} error */
function isOutage(error) {
  if (!isTurnstileError(error)) return false
  // An empty balance or a wrong key refuses every job alike. Further requests would fail all jobs, and get the key banned.
  if (error.code === 'PROVIDER_ERROR') return ['busy', 'banned', 'account'].includes(error.reason ?? '')
  return ['CONNECTION_FAILED', 'HTTP_ERROR', 'INVALID_RESPONSE', 'TIMEOUT'].includes(error.code)
}

/** @param {unknown} error @returns {error is import('turnstile-solver').TurnstileError} */
const isTimeout = error => isTurnstileError(error) && error.code === 'TIMEOUT'

/** @param {string} why */
const inDoubt = why => new UnrecoverableError(`IN DOUBT, no second task is created: ${why}`)

/** @param {unknown} error */
const messageOf = error => (error instanceof Error ? error.message : String(error))
