/** The provider's state: accounts, tasks, points, and the totals for stats(). */

import { createIdentities, unit } from './random.mjs'

/** A task and its result are kept this long from creation. */
export const TASK_LIFE_MS = 5 * 60_000
/** The token that Cloudflare's sitekeys for testing return. */
export const DUMMY_TOKEN = 'XXXX.DUMMY.TOKEN.XXXX'

/** Cloudflare's documented sitekeys for testing; all of them return the dummy token. */
export const TEST_SITEKEYS = new Set([
  '1x00000000000000000000AA',
  '1x00000000000000000000BB',
  '2x00000000000000000000AB',
  '2x00000000000000000000BB',
  '3x00000000000000000000FF',
])

/**
 * @typedef {object} Task
 * @property {number} taskNumber 1 for the first task created
 * @property {string | number} taskId
 * @property {string} key
 * @property {import('./index.d.mts').SandboxTaskFields & Record<string, any>} task as it was sent
 * @property {unknown} appId
 * @property {unknown} softID
 * @property {number} price
 * @property {number} createdAt
 * @property {number} readyAt
 * @property {number} failsAt
 * @property {string} failCode
 * @property {number} attempts getTaskResult requests that arrived, those with a fault included
 * @property {number} polls those that were processed
 * @property {boolean} delivered
 * @property {boolean} failed counted as failed
 * @property {boolean} issued its token was sent
 * @property {{ idempotencyKey: string, reply: import('./widget/siteverify.mjs').Verification } | null} verification
 */

/**
 * @typedef {object} StoreOptions
 * @property {import('./providers.mjs').ProviderRecord} provider
 * @property {Record<string, number>} accounts
 * @property {(type: string) => number} price
 * @property {number | readonly [number, number] | ((task: any) => number)} solveTimeMs
 * @property {string} seed
 * @property {() => number} now
 */

/** @param {StoreOptions} options */
export function createStore({ provider, accounts, price, seed, now, ...options }) {
  let { solveTimeMs } = options
  const identities = createIdentities(seed)
  const balances = new Map(Object.entries(accounts))
  /** @type {Map<string | number, Task>} */
  const tasks = new Map()
  // In order of creation, so in order of expiry: two cursors move along it, and nothing is searched.
  /** @type {Task[]} */
  let order = []
  let expired = 0
  let dropped = 0
  let droppedBefore = 0
  const totals = { created: 0, delivered: 0, failed: 0, expired: 0, pointsCharged: 0 }

  /**
   * @param {Record<string, any>} task
   * @param {number} taskNumber
   */
  const solveTime = (task, taskNumber) => {
    if (typeof solveTimeMs === 'number') return solveTimeMs
    if (typeof solveTimeMs !== 'function') {
      const [min, max] = solveTimeMs
      return Math.round(min + unit(seed, `solve time ${taskNumber}`) * (max - min))
    }
    const ms = solveTimeMs(structuredClone(task))
    if (typeof ms !== 'number' || !(ms >= 0)) {
      throw new TypeError(`solveTimeMs(task) must return milliseconds, it returned ${String(ms)}`)
    }
    return ms
  }

  /** Tasks expire after five minutes, and are removed after five more. */
  const sweep = () => {
    const at = now()
    while (expired < order.length && order[expired].createdAt + TASK_LIFE_MS <= at) {
      const task = order[expired++]
      if (!task.delivered && !task.failed) totals.expired++
    }
    while (dropped < expired && order[dropped].createdAt + 2 * TASK_LIFE_MS <= at) {
      tasks.delete(order[dropped++].taskId)
    }
    if (dropped > 1024 && dropped * 2 > order.length) {
      order = order.slice(dropped)
      droppedBefore += dropped
      expired -= dropped
      dropped = 0
    }
  }

  const store = {
    totals,

    /** @param {string} key */
    has: key => balances.has(key),
    /** @param {string} key */
    balance: key => balances.get(key) ?? 0,
    balances: () => Object.fromEntries(balances),

    /**
     * Creates and charges a task, or returns null where the balance does not cover it.
     * @param {string} key
     * @param {Record<string, any>} body
     * @returns {Task | null}
     */
    create(key, body) {
      sweep()
      const points = price(body.task.type)
      const balance = store.balance(key)
      if (balance <= 0 || balance < points) return null
      const taskNumber = totals.created + 1
      const createdAt = now()
      const readyAt = createdAt + solveTime(body.task, taskNumber)
      totals.created = taskNumber
      balances.set(key, balance - points)
      totals.pointsCharged += points
      const failsAt = createdAt + provider.solveLimitMs
      /** @type {Task} */
      const task = {
        taskNumber,
        taskId: provider.integerIds ? identities.integer(taskNumber) : identities.uuid(taskNumber),
        key,
        task: body.task,
        appId: body.appId,
        softID: body.softID ?? body.softId,
        price: points,
        createdAt,
        readyAt,
        failsAt: readyAt <= failsAt ? Number.POSITIVE_INFINITY : failsAt,
        failCode: provider.code.tooLong,
        attempts: 0,
        polls: 0,
        delivered: false,
        failed: false,
        issued: false,
        verification: null,
      }
      tasks.set(task.taskId, task)
      order.push(task)
      return task
    },

    /**
     * The task, while the provider keeps it.
     * @param {unknown} taskId
     */
    find(taskId) {
      const task = tasks.get(/** @type {string} */ (taskId))
      return task && now() < task.createdAt + TASK_LIFE_MS ? task : undefined
    },

    /**
     * @param {Task} task
     * @returns {'processing' | 'ready' | 'failed'}
     */
    state(task) {
      const at = now()
      if (at >= task.failsAt) return 'failed'
      return at >= task.readyAt ? 'ready' : 'processing'
    },

    /** @param {Task} task */
    token(task) {
      task.issued = true
      return TEST_SITEKEYS.has(task.task.websiteKey ?? '') ? DUMMY_TOKEN : identities.token(task.taskNumber)
    },

    /** @param {Task} task */
    deliver(task) {
      if (!task.delivered) totals.delivered++
      task.delivered = true
    },

    /** @param {Task} task */
    fail(task) {
      if (!task.failed) totals.failed++
      task.failed = true
    },

    /**
     * From this instant on, the task is unsolvable.
     * @param {Task} task
     * @param {number} at
     */
    markUnsolvable(task, at) {
      task.failsAt = at
      task.failCode = provider.code.unsolvable
    },

    /**
     * The task whose token this is, `'gone'` if it was removed, or null for a token that was never issued.
     * @param {string} token
     * @returns {Task | 'gone' | null}
     */
    tokenOwner(token) {
      const taskNumber = identities.taskNumberOf(token)
      if (taskNumber === 0 || taskNumber > totals.created) return null
      const index = taskNumber - 1 - droppedBefore
      if (index < dropped) return 'gone'
      return order[index].issued ? order[index] : null
    },

    solveTime: () => solveTimeMs,
    /** For the tasks that are created from now on. @param {StoreOptions['solveTimeMs']} value */
    setSolveTime(value) {
      solveTimeMs = value
    },

    sweep,
    /** Every task that is kept, oldest first. */
    list: () => order.slice(dropped),
  }
  return store
}

/** @typedef {ReturnType<typeof createStore>} Store */
