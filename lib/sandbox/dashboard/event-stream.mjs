/** Server-sent events for the dashboard, in batches. Without a viewer, there is no listener and no timer. */

import { isOver } from '../http/reply.mjs'
import { textOf } from '../providers/validation.mjs'
import { TOKEN_LIFE_MS } from '../widget/siteverify.mjs'

const BATCH_MS = 100
const HEARTBEAT_MS = 1000
/** Tasks that the page shows; older ones are only in the counts. */
const MAX_ROWS = 200
/** After more events in one batch, the whole state is sent instead. */
const MAX_BATCH = 500
const MAX_VIEWERS = 16
/** A viewer with this many unread bytes gets nothing more until it has read them, and then the whole state. */
const MAX_BACKLOG = 1024 * 1024

/** @typedef {import('../http/server.mjs').Response} Response */
/** @typedef {import('../store.mjs').Task} Task */
/** @typedef {import('../index.d.mts').SandboxEvent} SandboxEvent */
/** @typedef {Omit<import('../index.d.mts').SandboxStats, 'polls'>} Counts */

/** Enough of a key to distinguish two accounts, and never the whole key. @param {string} key */
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
    type: short(task.summary.type),
    websiteURL: short(task.summary.websiteURL),
    websiteKey: short(task.summary.websiteKey),
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
 * @param {() => Counts} parts.counts
 * @param {string} parts.baseURL
 * @param {import('node:events').EventEmitter} parts.events
 * @param {() => number} parts.now
 */
export function createEventStream({ store, plan, counts, baseURL, events, now }) {
  /** @type {Map<Response, { behind: boolean }>} */
  const viewers = new Map()
  /** @type {SandboxEvent[]} */
  let batch = []
  let overflowed = false
  /** @type {NodeJS.Timeout | undefined} */
  let flushing
  /** @type {NodeJS.Timeout | undefined} */
  let heartbeat

  const state = () => {
    const { balances, ...rest } = counts()
    const solveTime = store.solveTime()
    return {
      now: now(),
      counts: rest,
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
    const shown = batch.filter(({ type }) => type !== 'request')
    return message('change', { ...state(), events: shown, rows: [...rows.values()] })
  }

  const flush = () => {
    clearTimeout(flushing)
    flushing = undefined
    try {
      sendBatch()
    } catch {
      // The clock is a function of the user. The events stay in the batch, and are sent when it works again.
    }
  }

  const sendBatch = () => {
    const all = overflowed ? everything() : ''
    const text = all || change()
    batch = []
    overflowed = false
    for (const [res, viewer] of viewers) {
      if (res.writableLength > MAX_BACKLOG) viewer.behind = true
      else if (viewer.behind) {
        viewer.behind = false
        res.write(all || everything())
      } else res.write(text)
    }
  }

  const touch = () => {
    if (viewers.size > 0) flushing ??= setTimeout(flush, BATCH_MS)
  }

  /** @param {SandboxEvent} event */
  const onEvent = event => {
    if (batch.length < MAX_BATCH) batch.push(event)
    else overflowed = true
    touch()
  }

  /** @param {Response} res */
  const leave = res => {
    if (!viewers.delete(res) || viewers.size > 0) return
    events.off('*', onEvent)
    clearTimeout(flushing)
    clearInterval(heartbeat)
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
      if (viewers.size >= MAX_VIEWERS) {
        res.writeHead(503, { ...headers, 'content-type': 'text/plain', 'content-length': 0 })
        return res.end()
      }
      const text = everything()
      res.writeHead(200, { ...headers, 'content-type': 'text/event-stream' })
      res.once('close', () => leave(res))
      if (viewers.size === 0) {
        events.on('*', onEvent)
        heartbeat = setInterval(touch, HEARTBEAT_MS)
      } else if (batch.length > 0) flush()
      viewers.set(res, { behind: false })
      res.write(`retry: 1000\n\n${text}`)
    },

    close() {
      for (const res of [...viewers.keys()]) leave(res)
    },
  }
}

/** @param {string} name @param {unknown} data */
const message = (name, data) => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`
