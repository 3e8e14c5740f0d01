/**
 * The failures that are injected into a run. Each happens after a number of requests to the sandbox and not after a time, so that the speed of
 * the machine does not matter.
 */

import { createRandom } from '../support/random.mjs'

/** @typedef {import('../../lib/sandbox/index.mjs').Sandbox} Sandbox */

/**
 * @typedef {object} Run
 * @property {Sandbox} sandbox
 * @property {import('./worker-pool.mjs').WorkerPool} pool
 * @property {{ restart: () => Promise<void> }} redis
 * @property {any} events the QueueEvents of BullMQ
 */

/** Called when the run starts; the run waits for its promise. @typedef {(run: Run) => void | Promise<void>} Chaos */

/**
 * Kills workers as they create tasks and poll. Two kills in five happen while a task is created, far more than at random times.
 *
 * @param {{ kills: number, jobs: number, seed: number }} plan
 * @returns {Chaos}
 */
export const killAtRandom =
  ({ kills, jobs, seed }) =>
  ({ sandbox, pool }) => {
    const random = createRandom(seed)
    // For each job a task is created, and polled at least once.
    const points = 2 * jobs
    /** @type {Set<number>} */
    const chosen = new Set()
    while (chosen.size < Math.min(kills, points)) chosen.add(1 + Math.floor(random() * points))
    let seen = 0
    let due = 0
    sandbox.events.on('*', ({ type }) => {
      if (type !== 'task:created' && type !== 'task:polled') return
      seen++
      if (chosen.has(seen)) due++
      if (due > 0 && pool.killOne(random())) due--
    })
  }

/**
 * Calls back in the gap: the task is charged, and the reply with its id is delayed.
 *
 * @param {Sandbox} sandbox
 * @param {number} task its number, from 1
 * @param {() => void} callback
 */
function duringCreateTask(sandbox, task, callback) {
  sandbox.addFault({ method: 'createTask', task, fault: 'latency', delayMs: 1500 })
  sandbox.events.on('*', event => {
    if (event.type === 'task:created' && event.taskNumber === task) callback()
  })
}

/** @param {number} task @returns {Chaos} */
export const killInTheGap =
  task =>
  ({ sandbox, pool }) =>
    duringCreateTask(sandbox, task, pool.killAll)

/**
 * Freezes all workers in the gap until others have found the job without an id. Settles when a frozen one has resumed and has the token.
 *
 * @param {number} task
 * @returns {Chaos}
 */
export const freezeInTheGap =
  task =>
  ({ sandbox, pool, events }) => {
    duringCreateTask(sandbox, task, () => events.once('failed', pool.freeze()))
    return new Promise(resolve => {
      sandbox.events.on('*', event => {
        if (event.type === 'task:delivered' && event.taskNumber === task) resolve()
      })
    })
  }

/** Restarts Redis in the gap. @param {number} task @returns {Chaos} */
export const restartRedisInTheGap =
  task =>
  ({ sandbox, redis }) =>
    new Promise((resolve, reject) => {
      duringCreateTask(sandbox, task, () => redis.restart().then(resolve, reject))
    })

/**
 * `busy` answers createTask with 429 and polls with 503; `account` refuses the key; `lost-replies` creates the task and replies with the
 * error page of a gateway. The outage ends with the eighth request for the balance.
 *
 * @param {'busy' | 'account' | 'lost-replies'} kind
 * @param {number} nth the first createTask that fails
 * @returns {Chaos}
 */
export const outage =
  (kind, nth) =>
  ({ sandbox }) => {
    const times = Number.POSITIVE_INFINITY
    const refused = /** @type {const} */ ({ fault: 'error', errorCode: 'ERROR_KEY_DOES_NOT_EXIST', times })
    const unavailable = /** @type {const} */ ({ fault: '503', times })
    if (kind === 'busy') sandbox.addFault({ method: 'createTask', nth, fault: '429', times })
    if (kind === 'account') sandbox.addFault({ method: 'createTask', nth, ...refused })
    if (kind === 'lost-replies')
      sandbox.addFault({ method: 'createTask', nth, fault: '502', processed: true, times })
    sandbox.addFault({ method: 'getBalance', ...(kind === 'account' ? refused : unavailable) })
    let started = false
    let balanceRequests = 0
    sandbox.events.on('*', event => {
      if (event.type !== 'fault') return
      if (!started && kind === 'busy') sandbox.addFault({ method: 'getTaskResult', ...unavailable })
      started = true
      if (event.call === 'getBalance' && ++balanceRequests === 8) sandbox.clearFaults()
    })
  }
