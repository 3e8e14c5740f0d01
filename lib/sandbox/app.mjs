/** One request from arrival to reply: route it, read it, apply a fault or process it, reply, count. */

import { createBans } from './bans.mjs'
import { createDashboard, DASHBOARD } from './dashboard/dashboard.mjs'
import { applyFault } from './faults/apply-fault.mjs'
import { createPlan } from './faults/plan.mjs'
import { createHandlers } from './handlers.mjs'
import { createBodyReader } from './http/body.mjs'
import { parseJson } from './http/json.mjs'
import { contain, isOver, send, sendJson } from './http/reply.mjs'
import { listen } from './http/server.mjs'
import { providers } from './providers/index.mjs'
import { createReplies } from './providers/replies.mjs'
import { createIdentities } from './random.mjs'
import { createStore } from './store.mjs'
import { createSiteverify, readFields } from './widget/siteverify.mjs'
import { createWidget } from './widget/widget.mjs'

const SITEVERIFY = '/turnstile/v0/siteverify'
const CALLS = new Map([
  ['/createTask', 'createTask'],
  ['/getTaskResult', 'getTaskResult'],
  ['/getBalance', 'getBalance'],
  [SITEVERIFY, 'siteverify'],
])

/** @typedef {import('./http/server.mjs').Request} Request */
/** @typedef {import('./http/server.mjs').Response} Response */

/** @param {Request} req @returns {import('./handlers.mjs').Caller} */
const callerOf = req => ({
  address: req.socket?.remoteAddress ?? '',
  contentType: req.headers['content-type'] ?? '',
})

/**
 * Builds a sandbox that listens. start.mjs makes the public object of it.
 * @param {import('./options.mjs').Options} options
 * @param {(event: Record<string, unknown> & { type: string }) => void} emit
 * @param {import('node:events').EventEmitter} events where emit publishes
 */
export async function createApp(options, emit, events) {
  const { accounts, price, solveTimeMs, now } = options
  const provider = providers[options.provider]
  // Two providers with the same seed share no ids.
  const seed = `${provider.name} ${options.seed}`
  const identities = createIdentities(seed)
  const plan = createPlan(options.faults, seed)
  const bans = createBans(provider.bans, now)
  const store = createStore({ provider, accounts, price, solveTimeMs, seed, now })
  const readBody = createBodyReader()
  let replyCount = 0
  const replies = createReplies(provider, () => identities.requestId(++replyCount))
  const handlers = createHandlers({
    ...{ provider, replies, store, bans, emit, now },
    createdStatus: options.createdStatus ?? provider.createdStatus,
  })
  const siteverify = createSiteverify({ store, now })

  /** @param {string} path */
  const callOf = path => {
    if (provider.feedback && Object.hasOwn(provider.feedback, path)) return 'reportTask'
    if (provider.softIdReply && path === '/getSoftID') return 'getSoftID'
    return CALLS.get(path)
  }

  /** @type {Record<string, number>} */
  const requests = {}
  /** @type {Record<string, number>} */
  const faultHits = {}
  const totals = { verified: 0, rejected: 0, redirectsFollowed: 0 }
  /** @type {Set<NodeJS.Timeout>} */
  const timers = new Set()
  /** @type {Promise<import('./http/server.mjs').Listener> | undefined} */
  let redirectListener

  /** @param {() => void} callback @param {number} ms */
  const later = (callback, ms) => {
    const timer = setTimeout(() => {
      timers.delete(timer)
      callback()
    }, ms)
    timers.add(timer)
  }

  /** Starts the listener that a redirect leads to. It replies with success, so a client that follows does not notice. */
  const redirectTarget = async () => {
    redirectListener ??= listen({ ...options, port: 0 }, (req, res) => {
      totals.redirectsFollowed++
      readBody(req, res, () =>
        sendJson(res, 200, { ...replies.created('followed-a-redirect').body, status: 'processing' }),
      )
    })
    return (await redirectListener).origin
  }

  /** @param {unknown} fields */
  const verify = fields => {
    const { reply, task } = siteverify(fields)
    totals[reply.success ? 'verified' : 'rejected']++
    emit({
      type: 'verified',
      success: reply.success,
      errorCodes: reply['error-codes'],
      taskNumber: task?.taskNumber ?? 0,
      taskId: task?.taskId,
    })
    return reply
  }
  const widget = createWidget(verify)

  /** @param {import('./store.mjs').Task} task */
  const deliver = task => {
    store.deliver(task)
    emit({ type: 'task:delivered', taskId: task.taskId, taskNumber: task.taskNumber })
  }

  /**
   * Processes a call without a fault.
   * @param {string} call
   * @param {any} body
   * @param {Request} req
   * @returns {import('./providers/replies.mjs').Reply & { created?: import('./store.mjs').Task }}
   */
  const processCall = (call, body, req) => {
    if (call === 'siteverify') {
      const reply = verify(body)
      return { status: reply['error-codes'][0] === 'bad-request' ? 400 : 200, body: reply }
    }
    return handlers[/** @type {'createTask'} */ (call)](body, callerOf(req))
  }

  /**
   * @param {string} call
   * @param {any} body
   * @param {Request} req
   * @param {Response} res
   */
  const handle = (call, body, req, res) => {
    const task = call === 'getTaskResult' ? store.find(body?.taskId) : undefined
    const taskNumber = call === 'createTask' ? store.totals.created + 1 : (task?.taskNumber ?? 0)
    const planned = plan.take(call, taskNumber, task ? ++task.attempts : 0)
    if (!planned) {
      const reply = processCall(call, body, req)
      if (reply.delivers) deliver(reply.delivers)
      sendJson(res, reply.status, reply.body)
      return
    }

    const { fault, rule } = planned
    faultHits[fault] = (faultHits[fault] ?? 0) + 1
    emit({ type: 'fault', call, fault, taskNumber, taskId: task?.taskId })
    const fails = fault === 'failed-task' && planned.processed
    if (fails && task) store.markUnsolvable(task, now())
    const reply = planned.processed ? processCall(call, body, req) : null
    const created = reply && 'created' in reply ? reply.created : undefined
    if (fails && created) store.markUnsolvable(created, created.readyAt)
    const { listener } = app
    const exchange = {
      req,
      res,
      call,
      body,
      rule,
      reply,
      provider,
      replies,
      deliver,
      listener,
      redirectTarget,
      later: (/** @type {() => void} */ callback, /** @type {number} */ ms) =>
        later(() => contain(res, callback), ms),
    }
    const delayMs = rule.delayMs ?? (fault === 'latency' ? 1000 : 0)
    const apply = () => (isOver(res) ? undefined : applyFault[fault](exchange))
    if (delayMs === 0) return apply()
    later(() => contain(res, apply), delayMs)
  }

  /**
   * @param {Request} req
   * @param {Response} res
   * @param {string} target path and query
   */
  const onRequest = (req, res, target) => {
    const [path] = target.split('?', 1)
    const call = callOf(path)
    // Dashboard requests are not counted and emit no event.
    if (!call && dashboard?.serves(path)) return dashboard.answer(req, res, path, readBody)
    const knownPath = call ? path : widget.pathOf(path)
    const name = knownPath ?? 'other'
    requests[name] = (requests[name] ?? 0) + 1
    emit({ type: 'request', method: req.method?.slice(0, 20), path: name, httpVersion: req.httpVersion })

    readBody(req, res, raw => {
      if (!knownPath) return refuse(req, res, provider.code.notFound)
      if (!call) return widget.answer(req, res, path, new URLSearchParams(target.slice(path.length)), raw)
      if (req.method !== 'POST') {
        if (call !== 'siteverify') return refuse(req, res, provider.code.badMethod)
        return send(res, 405, 'Only POST\n', { 'content-type': 'text/plain', allow: 'POST' })
      }
      if (call === 'reportTask' || call === 'getSoftID') {
        const { status, body } = handlers[call](parseJson(raw), callerOf(req), path)
        return sendJson(res, status, body)
      }
      if (call !== 'siteverify') return handle(call, parseJson(raw), req, res)
      return readFields(raw, req.headers['content-type'] ?? '').then(fields => handle(call, fields, req, res))
    })
  }

  /**
   * @param {Request} req
   * @param {Response} res
   * @param {string} code
   */
  const refuse = (req, res, code) => {
    // A page of another site can make an old browser send a GET without saying so: it must not ban this address.
    const counts = req.method === 'POST'
    const { status, body } = counts ? handlers.refuse('other', code, '', callerOf(req)) : replies.error(code)
    sendJson(res, status, body)
  }

  const counts = () => {
    store.sweep()
    const { created, delivered, failed, expired, pointsCharged } = store.totals
    return {
      provider: provider.name,
      requests: { ...requests },
      tasks: { created, delivered, failed, expired },
      pointsCharged,
      balances: store.balances(),
      connections: { ...listener.connections },
      faults: { ...faultHits },
      bans: bans.count,
      verifications: { success: totals.verified, failure: totals.rejected },
      redirectsFollowed: totals.redirectsFollowed,
    }
  }

  /** @param {string} path @returns {import('./http/guard.mjs').Exposure} */
  const exposureOf = path => {
    if (widget.isEmbeddable(path)) return 'widget'
    return dashboard && path === DASHBOARD ? 'link' : 'private'
  }
  const listener = await listen(options, onRequest, exposureOf)
  const { origin: baseURL } = listener
  const dashboard = options.dashboard
    ? createDashboard({ baseURL, store, plan, provider, counts, events, now })
    : undefined
  const app = {
    listener,
    baseURL,
    dashboardURL: dashboard?.url,
    siteverifyURL: `${baseURL}${SITEVERIFY}`,
    provider,
    store,
    plan,

    stats: () => ({
      ...counts(),
      polls: Object.fromEntries(store.list().map(task => [task.taskId, task.polls])),
    }),

    async close() {
      dashboard?.close()
      for (const timer of timers) clearTimeout(timer)
      timers.clear()
      await Promise.all([listener.close(), redirectListener?.then(other => other.close())])
    },
  }
  return app
}
