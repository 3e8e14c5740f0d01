/** The provider's state: accounts, tasks, points, and the totals for stats(). */

import { textOf } from './providers/validation.mjs'
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

/** The fields of all tasks together. A character takes up to two bytes. */
const MAX_BYTES = 64 * 1024 * 1024
/** Whatever a task is, its summary and its state are small. */
const MAX_TASKS = 500_000
const MAX_SUMMARY = 2048
/** Cloudflare allows 255 characters in cData and 32 in an action; a host name has 253 at most. */
const MAX_BINDING = 255

/** @param {Record<string, any>} task @returns {import('./index.d.mts').SandboxTaskFields} */
function summaryOf({ type, websiteURL, websiteKey }) {
  /** @type {Record<string, string>} */
  const summary = {}
  for (const [name, value] of Object.entries({ type, websiteURL, websiteKey }))
    if (typeof value === 'string') summary[name] = value.slice(0, MAX_SUMMARY)
  return /** @type {any} */ (summary)
}

/**
 * @typedef {object} Task
 * @property {number} taskNumber 1 for the first task created
 * @property {string | number} taskId
 * @property {string} key
 * @property {import('./index.d.mts').SandboxTaskFields} summary
 * @property {string | null} sent JSON of the task and the developer ids as they were sent; null once it was dropped to bound the memory
 * @property {{ hostname: string, action: string, cdata: string }} binding what siteverify says of its token
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
 * @property {boolean} [accepted] as the client reported
 * @property {{ idempotencyKey: string, reply: import('./widget/siteverify.mjs').Verification } | null} verification
 */

/**
 * @typedef {object} StoreOptions
 * @property {import('./providers/record.mjs').ProviderRecord} provider
 * @property {Record<string, number>} accounts
 * @property {(type: string) => number} price
 * @property {number | readonly [number, number] | ((task: any) => number)} solveTimeMs
 * @property {string} seed
 * @property {() => number} now
 * @property {{ bytes: number, tasks: number }} [limits]
 */

/** @param {StoreOptions} options */
export function createStore({ provider, accounts, price, seed, now, ...options }) {
  const { bytes: maxBytes, tasks: maxTasks } = options.limits ?? { bytes: MAX_BYTES, tasks: MAX_TASKS }
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
  // Tasks before this one have lost their fields.
  let shortened = 0
  let bytes = 0
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
      if (/** @type {unknown} */ (ms) instanceof Promise) /** @type {any} */ (ms).catch(() => {})
      throw new TypeError(`solveTimeMs(task) must return milliseconds, it returned ${String(ms)}`)
    }
    return ms
  }

  /** @param {Task} task */
  const forgetFields = task => {
    bytes -= 2 * (task.sent?.length ?? 0)
    task.sent = null
  }

  const expireNext = () => {
    const task = order[expired++]
    if (!task.delivered && !task.failed) totals.expired++
  }

  const dropNext = () => {
    if (expired <= dropped) expireNext()
    const task = order[dropped++]
    forgetFields(task)
    tasks.delete(task.taskId)
    shortened = Math.max(shortened, dropped)
  }

  /** Tasks expire after five minutes, and are removed after five more; earlier where there are too many. */
  const sweep = () => {
    const at = now()
    while (expired < order.length && order[expired].createdAt + TASK_LIFE_MS <= at) expireNext()
    while (dropped < expired && order[dropped].createdAt + 2 * TASK_LIFE_MS <= at) dropNext()
    while (order.length - dropped > maxTasks) dropNext()
    while (bytes > maxBytes) forgetFields(order[shortened++])
    if (dropped > 1024 && dropped * 2 > order.length) {
      order = order.slice(dropped)
      droppedBefore += dropped
      expired -= dropped
      shortened -= dropped
      dropped = 0
    }
  }

  /** @param {Record<string, any>} task */
  const bindingOf = task => {
    const website = textOf(task.websiteURL)
    const { action, cdata } = provider.widget(task)
    const hostname = URL.canParse(website) ? new URL(website).hostname : ''
    const cut = (/** @type {string} */ text) => text.slice(0, MAX_BINDING)
    return { hostname: cut(hostname), action: cut(action), cdata: cut(cdata) }
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
     * @param {string} [type] as the provider spells it
     * @returns {Task | null}
     */
    create(key, body, type = body.task.type) {
      sweep()
      const points = price(type)
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
        taskId: provider.taskIds === 'integer' ? identities.integer(taskNumber) : identities.uuid(taskNumber),
        key,
        summary: summaryOf(body.task),
        sent: JSON.stringify({ task: body.task, appId: body.appId, softID: body.softID ?? body.softId }),
        binding: bindingOf(body.task),
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
      bytes += 2 * (task.sent?.length ?? 0)
      sweep()
      return task
    },

    /**
     * The task and the developer ids as they were sent.
     * @param {Task} task
     * @returns {{ task: import('./index.d.mts').SandboxTaskFields, truncated?: true, appId?: unknown, softID?: unknown }}
     */
    fields: ({ sent, summary }) =>
      sent === null ? { task: { ...summary }, truncated: true } : JSON.parse(sent),

    /**
     * The task, while the provider keeps it.
     * @param {unknown} taskId
     */
    find(taskId) {
      const task = tasks.get(/** @type {string} */ (taskId))
      if (!task) return undefined
      const { keptAfterReadyMs = Number.POSITIVE_INFINITY } = provider
      const end = Math.min(
        task.createdAt + TASK_LIFE_MS,
        Math.min(task.readyAt, task.failsAt) + keptAfterReadyMs,
      )
      return now() < end ? task : undefined
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
      return TEST_SITEKEYS.has(task.summary.websiteKey ?? '')
        ? DUMMY_TOKEN
        : identities.token(task.taskNumber)
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
