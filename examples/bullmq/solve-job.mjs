/** One job, from "nothing bought" to its token. It may be begun by one worker and ended by another. */

import { RateLimitError, UnrecoverableError } from 'bullmq'
import { createTask, getBalance, isTurnstileError, waitForTask } from 'turnstile-solver'
import { account, buyMs, lockMs, pollIntervalMs, restMs } from './fleet.mjs'

/** @typedef {import('bullmq').Job<import('./fleet.mjs').JobData, import('./fleet.mjs').JobResult>} SolveJob */
/** @typedef {{ queue: import('bullmq').Queue, claims: import('./claims.mjs').Claims, owner: string, lane: ReturnType<typeof createLane> }} Fleet */

/**
 * @param {SolveJob} job
 * @param {Fleet} fleet
 * @returns {Promise<import('./fleet.mjs').JobResult>}
 */
export async function solveJob(job, fleet) {
  const taskId = job.data.taskId ?? (await fleet.lane(() => buy(job, fleet)))
  try {
    const { token, expiresAt } = await waitForTask({
      ...account,
      taskId,
      pollIntervalMs,
      onProgress: ({ phase, polls }) => {
        // Progress is a courtesy: where it cannot be written, the solve goes on.
        job.updateProgress({ phase, polls, taskId }).catch(() => {})
      },
    })
    return { token, taskId, expiresAt }
  } catch (error) {
    // The task is paid for and its id is in the job: after a rest it is asked for again, and not bought again.
    // A task that is merely slow is no outage: it spends one of the job's attempts.
    if (isTimeout(error) && !error.cause) throw error
    if (isOutage(error)) throw await rest(fleet, error)
    throw new UnrecoverableError(messageOf(error))
  }
}

/**
 * @param {SolveJob} job
 * @param {Fleet} fleet
 */
async function buy(job, fleet) {
  const id = String(job.id)
  if (await fleet.claims.isResting()) throw new RateLimitError()
  if (await fleet.claims.isOutage()) await askFirst(fleet)
  // A worker that slept past its lock leaves the job to whoever has it now.
  if (!(await job.extendLock(String(job.token), lockMs))) throw new Error('The job is no longer ours.')
  const claim = await fleet.claims.take(id, fleet.owner)
  if (!claim) {
    // Whoever has the claim may have come through since this worker read the job.
    const bought = (await fleet.queue.getJob(id))?.data.taskId
    if (bought) return bought
    throw inDoubt('A worker ended, or lost the job, while it bought.')
  }

  const { websiteURL, websiteKey } = job.data
  /** @type {import('turnstile-solver').Task} */
  let task
  try {
    task = await createTask({ ...account, websiteURL, websiteKey, timeoutMs: buyMs })
  } catch (error) {
    const { mayBeCharged } = /** @type {{ mayBeCharged?: boolean }} */ (error)
    if (mayBeCharged !== false) {
      // A gateway that lost one reply loses the next: the queue rests, so that doubt takes one job of each worker and not all.
      if (isOutage(error)) await rest(fleet, error)
      throw inDoubt(messageOf(error))
    }
    await fleet.claims.giveBack(id, claim)
    if (isOutage(error)) throw await rest(fleet, error)
    throw new UnrecoverableError(messageOf(error))
  }
  // THE GAP. Between the request leaving and this line being in Redis, a `kill -9` leaves a task that nobody knows: the claim says so.
  await job.updateData({ ...job.data, taskId: task.taskId, createdAt: task.createdAt })
  return task.taskId
}

/**
 * One purchase at a time in each process. Waiting is what takes long and stays side by side; but whoever is killed, or cut off from the
 * vendor, takes the purchases under way with it, and so that is one.
 */
export function createLane() {
  /** @type {Promise<unknown>} */
  let last = Promise.resolve()
  return (/** @type {() => Promise<string>} */ purchase) => {
    const mine = last.then(purchase)
    last = mine.catch(() => {})
    return mine
  }
}

/** A balance is free and safe to ask for, so it finds out whether the vendor is back. @param {Fleet} fleet */
async function askFirst(fleet) {
  try {
    await getBalance({ ...account, timeoutMs: Math.min(buyMs, 5000) })
  } catch (error) {
    if (isOutage(error)) throw await rest(fleet, error)
    throw new UnrecoverableError(messageOf(error))
  }
  await fleet.claims.outageEnds()
}

/**
 * Every worker stops starting jobs; the job goes back into the line, and none of its attempts is spent.
 *
 * @param {Fleet} fleet
 * @param {unknown} why
 */
async function rest({ queue, claims }, why) {
  console.error(`The queue rests: ${messageOf(why)}`)
  await claims.outageBegins(restMs)
  await queue.rateLimit(restMs)
  return new RateLimitError()
}

/** Nothing is wrong with the job: the vendor, the way there, or the account is out of order. @param {unknown} error */
function isOutage(error) {
  if (!isTurnstileError(error)) return false
  // An empty balance or a wrong key refuses every job alike. To go on asking would fail them all, and get the key banned.
  if (error.code === 'PROVIDER_ERROR') return ['busy', 'banned', 'account'].includes(error.reason ?? '')
  return ['CONNECTION_FAILED', 'HTTP_ERROR', 'INVALID_RESPONSE', 'TIMEOUT'].includes(error.code)
}

/** @param {unknown} error @returns {error is import('turnstile-solver').TurnstileError} */
const isTimeout = error => isTurnstileError(error) && error.code === 'TIMEOUT'

/** @param {string} why */
const inDoubt = why => new UnrecoverableError(`IN DOUBT, not bought again: ${why}`)

/** @param {unknown} error */
const messageOf = error => (error instanceof Error ? error.message : String(error))
