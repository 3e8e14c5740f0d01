/** Those who look on: what happens, in batches, as server-sent events. While nobody does, nothing is listened to and no timer runs. */

import { isOver } from '../http/server.mjs'
import { textOf } from '../validation.mjs'
import { TOKEN_LIFE_MS } from '../widget/siteverify.mjs'

const BATCH_MS = 100
const PULSE_MS = 1000
/** What a page can show; a crowd's other tasks are in the counts. */
const MAX_ROWS = 200
/** More than this in one batch is nothing to read: the newest rows tell as much. */
const MAX_BATCH = 500
const MAX_WATCHERS = 16
/** A watcher that reads no more is told nothing until it does, and then how things are by then. */
const MAX_BACKLOG = 1024 * 1024

/** @typedef {import('../http/server.mjs').Response} Response */
/** @typedef {import('../store.mjs').Task} Task */
/** @typedef {import('../index.d.mts').SandboxEvent} SandboxEvent */
/** @typedef {Omit<import('../index.d.mts').SandboxStats, 'polls'>} Counted */

/** Enough of a key to tell two accounts apart, and never a whole one. @param {string} key */
export const masked = key => (key.length >= 12 ? `…${key.slice(-4)}` : '…')

/** @param {unknown} value */
const short = value => textOf(value).slice(0, 200)

/** @param {number} instant */
const finite = instant => (Number.isFinite(instant) ? instant : null)

/**
 * @param {Task} task
 * @param {import('../store.mjs').Store} store
 */
function rowOf(task, store) {
  const token = task.issued ? store.token(task) : ''
  return {
    taskNumber: task.taskNumber,
    taskId: task.taskId,
    account: masked(task.key),
    type: short(task.task.type),
    websiteURL: short(task.task.websiteURL),
    websiteKey: short(task.task.websiteKey),
    points: task.price,
    createdAt: task.createdAt,
    readyAt: finite(task.readyAt),
    failsAt: finite(task.failsAt),
    failCode: task.failCode,
    polls: task.polls,
    delivered: task.delivered,
    failed: task.failed,
    token: token ? { starts: token.slice(0, 14), length: token.length } : null,
    verified: task.verification !== null,
  }
}

/** @param {import('../faults/plan.mjs').Planned} plan */
function ruleOf({ id, rule, fault, processed, first, times, seen, hits }) {
  const { method = '*', probability, task, delayMs, errorCode, retryAfter } = rule
  const over = probability === undefined ? seen >= first + times - 1 : hits >= times
  return {
    ...{ id, fault, method, processed, nth: first, times: finite(times), probability, task, delayMs },
    ...{ errorCode: errorCode && short(errorCode), retryAfter: retryAfter && short(retryAfter), hits, over },
  }
}

/**
 * @param {object} parts
 * @param {import('../store.mjs').Store} parts.store
 * @param {import('../faults/plan.mjs').Plan} parts.plan
 * @param {() => Counted} parts.counted
 * @param {string} parts.baseURL
 * @param {import('node:events').EventEmitter} parts.events
 * @param {() => number} parts.now
 */
export function createEventStream({ store, plan, counted, baseURL, events, now }) {
  /** @type {Map<Response, { behind: boolean }>} */
  const watchers = new Map()
  /** @type {SandboxEvent[]} */
  let batch = []
  let overflowed = false
  /** @type {NodeJS.Timeout | undefined} */
  let flushing
  /** @type {NodeJS.Timeout | undefined} */
  let pulse

  const state = () => {
    const { balances, ...counts } = counted()
    const solveTime = store.solveTime()
    return {
      now: now(),
      counts,
      accounts: Object.entries(balances)
        .slice(0, 20)
        .map(([key, points]) => ({ key: masked(key), points })),
      solveTimeMs:
        typeof solveTime === 'function' ? 'function' : solveTime === Infinity ? 'never' : solveTime,
      rules: plan.list().map(ruleOf),
    }
  }

  const everything = () => {
    const rows = store
      .list()
      .slice(-MAX_ROWS)
      .map(task => rowOf(task, store))
    return message('everything', { ...state(), baseURL, tokenLifeMs: TOKEN_LIFE_MS, rows })
  }

  const change = () => {
    /** @type {Map<number, unknown>} */
    const rows = new Map()
    for (const event of batch) {
      const task = 'taskId' in event && store.find(event.taskId)
      if (task) rows.set(task.taskNumber, rowOf(task, store))
    }
    const told = batch.filter(({ type }) => type !== 'request')
    return message('change', { ...state(), events: told, rows: [...rows.values()] })
  }

  const flush = () => {
    clearTimeout(flushing)
    flushing = undefined
    const all = overflowed ? everything() : ''
    const text = all || change()
    batch = []
    overflowed = false
    for (const [res, watcher] of watchers) {
      if (res.writableLength > MAX_BACKLOG) watcher.behind = true
      else if (watcher.behind) {
        watcher.behind = false
        res.write(all || everything())
      } else res.write(text)
    }
  }

  const touch = () => {
    if (watchers.size > 0) flushing ??= setTimeout(flush, BATCH_MS)
  }

  /** @param {SandboxEvent} event */
  const hear = event => {
    if (batch.length < MAX_BATCH) batch.push(event)
    else overflowed = true
    touch()
  }

  /** @param {Response} res */
  const leave = res => {
    if (!watchers.delete(res) || watchers.size > 0) return
    events.off('*', hear)
    clearTimeout(flushing)
    clearInterval(pulse)
    flushing = undefined
    batch = []
    overflowed = false
  }

  return {
    touch,

    /**
     * @param {Response} res
     * @param {Record<string, string>} headers
     */
    join(res, headers) {
      if (isOver(res)) return
      if (watchers.size >= MAX_WATCHERS) {
        res.writeHead(503, { ...headers, 'content-type': 'text/plain', 'content-length': 0 })
        return res.end()
      }
      res.writeHead(200, { ...headers, 'content-type': 'text/event-stream' })
      res.once('close', () => leave(res))
      if (watchers.size === 0) {
        events.on('*', hear)
        pulse = setInterval(touch, PULSE_MS)
      } else if (batch.length > 0) flush()
      watchers.set(res, { behind: false })
      res.write(`retry: 1000\n\n${everything()}`)
    },

    close() {
      for (const res of [...watchers.keys()]) leave(res)
    },
  }
}

/** @param {string} name @param {unknown} data */
const message = (name, data) => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`
