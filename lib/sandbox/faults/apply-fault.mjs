/** What each fault does to an exchange: one function for each fault. */

import { isOver, send, sendJson } from '../http/reply.mjs'
import { textOf } from '../providers/validation.mjs'

/**
 * @typedef {object} Exchange
 * @property {import('../http/server.mjs').Request} req
 * @property {import('../http/server.mjs').Response} res
 * @property {string} call
 * @property {any} body the parsed request, if it was an object
 * @property {import('../index.d.mts').FaultRule} rule
 * @property {import('../providers/replies.mjs').Reply | null} reply the reply without the fault; null if the request was not processed
 * @property {import('../providers/record.mjs').ProviderRecord} provider
 * @property {import('../providers/replies.mjs').Replies} replies
 * @property {(task: import('../store.mjs').Task) => void} deliver marks the task's token as sent
 * @property {import('../http/server.mjs').Listener} listener
 * @property {(callback: () => void, ms: number) => void} later a timer that close() clears
 * @property {() => Promise<string>} redirectTarget base URL of the listener that counts the clients that follow a redirect
 */

const KIBIBYTE = 1024
const SPACES = Buffer.alloc(64 * KIBIBYTE, ' ')
const DEFAULT_DELAY_MS = 1000

/**
 * @param {number} status
 * @param {string} title
 */
const page = (status, title) =>
  `<!DOCTYPE html>\n<html><head><title>${status} ${title}</title></head><body><center><h1>${status} ${title}</h1></center><hr></body></html>\n`

/**
 * @param {number} status
 * @param {string} title
 * @returns {(exchange: Exchange) => void}
 */
const gateway = (status, title) => exchange =>
  send(exchange.res, status, page(status, title), {
    'content-type': 'text/html',
    ...retryAfter(exchange.rule),
  })

/**
 * @param {import('../index.d.mts').FaultRule} rule
 * @returns {Record<string, string>}
 */
function retryAfter({ retryAfter, retryAfterDate }) {
  if (retryAfterDate !== undefined) {
    return { 'retry-after': new Date(Math.ceil(Date.now() / 1000 + retryAfterDate) * 1000).toUTCString() }
  }
  return retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }
}

/**
 * Sends the reply; if it is a success, with some of its fields changed.
 * @param {Exchange} exchange
 * @param {(body: Record<string, any>) => Record<string, any>} change
 */
function sendChanged({ res, reply }, change) {
  if (!reply) return
  sendJson(res, reply.status, reply.body.errorId === 0 ? change(reply.body) : reply.body)
}

/** @param {Exchange} exchange */
const replyOf = ({ reply, replies }) => reply ?? replies.processing()

/** @param {Exchange} exchange */
const solutionWithoutToken = ({ provider }) => {
  const { token: _, ...rest } = provider.solution('')
  return rest
}

/** @param {any} value @returns {any} */
function wrongType(value) {
  if (typeof value === 'number') return [value]
  if (typeof value === 'string') return { value }
  if (typeof value === 'boolean') return 'perhaps'
  if (value === null) return 0
  return Array.isArray(value) ? {} : 7
}

/** @param {string} key @param {string | undefined} encoding */
function encodeKey(key, encoding) {
  if (encoding === 'base64') return Buffer.from(key).toString('base64')
  // A lone surrogate has no percent-encoding; a buffer replaces it.
  return encoding === 'percent' ? encodeURIComponent(String(Buffer.from(key))) : key
}

/** @type {Record<string, (exchange: Exchange) => void>} */
export const applyFault = {
  'connection-reset': ({ res, listener }) => listener.reset(res),
  'connection-reset-after-processing': ({ res, listener }) => listener.reset(res),
  'stream-reset': ({ res, listener, rule }) => listener.resetStream(res, rule.http2Code ?? 2),
  goaway: ({ res, listener }) => listener.goAway(res),
  'close-after': ({ res, reply, listener, deliver }) => {
    const close = listener.closer(res)
    if (!reply) return close()
    if (reply.delivers) deliver(reply.delivers)
    res.once('finish', () => setImmediate(close))
    sendJson(res, reply.status, reply.body)
  },
  'no-response': () => {},
  'no-response-after-processing': () => {},
  latency: exchange => {
    const { res, reply, deliver } = exchange
    if (reply?.delivers) deliver(reply.delivers)
    const { status, body } = replyOf(exchange)
    sendJson(res, status, body)
  },
  'slow-body': exchange => {
    const { res, rule, later } = exchange
    const { status, body } = replyOf(exchange)
    const bytes = Buffer.from(JSON.stringify(body))
    res.writeHead(status, { 'content-type': 'application/json', 'content-length': bytes.length })
    let sent = 0
    const next = () => {
      if (isOver(res)) return
      const byte = bytes.subarray(sent, ++sent)
      if (sent === bytes.length) return res.end(byte)
      res.write(byte)
      later(next, rule.intervalMs ?? DEFAULT_DELAY_MS)
    }
    next()
  },
  'truncated-json': exchange => {
    const { status, body } = replyOf(exchange)
    const text = JSON.stringify(body)
    send(exchange.res, status, text.slice(0, text.length >> 1), { 'content-type': 'application/json' })
  },
  'truncated-body': exchange => {
    const { res, listener } = exchange
    const { status, body } = replyOf(exchange)
    const bytes = Buffer.from(JSON.stringify(body))
    res.writeHead(status, { 'content-type': 'application/json', 'content-length': bytes.length })
    res.write(bytes.subarray(0, bytes.length >> 1), () => listener.cut(res))
  },
  'empty-body': ({ res }) => send(res, 200, '', { 'content-type': 'application/json' }),
  html: gateway(200, 'Welcome'),
  408: gateway(408, 'Request Timeout'),
  429: gateway(429, 'Too Many Requests'),
  502: gateway(502, 'Bad Gateway'),
  503: gateway(503, 'Service Temporarily Unavailable'),
  '500-html': gateway(500, 'Internal Server Error'),
  redirect: async ({ req, res, rule, redirectTarget }) => {
    const location = rule.location ?? `${await redirectTarget()}${req.url}`
    send(res, 307, '', { location })
  },
  oversized: exchange => {
    const { status, body } = replyOf(exchange)
    sendJson(exchange.res, status, {
      ...body,
      padding: 'x'.repeat(exchange.rule.bytes ?? 2 * KIBIBYTE * KIBIBYTE),
    })
  },
  whitespace: ({ res }) => {
    res.writeHead(200, { 'content-type': 'application/json' })
    const writeMore = () => {
      if (isOver(res)) return
      // Through the event loop each time, so that a fast reader does not delay other requests.
      if (res.write(SPACES)) setImmediate(writeMore)
      else res.once('drain', writeMore)
    }
    writeMore()
  },
  'deep-json': ({ res, rule }) => {
    const depth = rule.depth ?? 100_000
    const text = `{"errorId":0,"status":"ready","taskId":"x","solution":${'['.repeat(depth)}${']'.repeat(depth)}}`
    send(res, 200, text, { 'content-type': 'application/json' })
  },
  'unexpected-json': ({ res }) => sendJson(res, 200, {}),
  'wrong-types': exchange => {
    const { status, body } = replyOf(exchange)
    const changed = Object.fromEntries(Object.entries(body).map(([name, value]) => [name, wrongType(value)]))
    sendJson(exchange.res, status, changed)
  },
  'created-without-id': exchange => sendChanged(exchange, ({ taskId: _, ...rest }) => rest),
  'unknown-status': exchange =>
    sendChanged(exchange, ({ solution: _, ...rest }) => ({
      ...rest,
      status: exchange.rule.taskStatus ?? 'pondering',
    })),
  'ready-without-token': exchange =>
    sendChanged(exchange, body => ({ ...body, status: 'ready', solution: solutionWithoutToken(exchange) })),
  'ready-null-solution': exchange =>
    sendChanged(exchange, body => ({ ...body, status: 'ready', solution: null })),
  // app.mjs has marked the task as unsolvable before the call was processed: the reply is the failure.
  'failed-task': exchange => {
    const { status, body } = replyOf(exchange)
    sendJson(exchange.res, status, body)
  },
  'echo-key': ({ res, body, rule, provider, replies }) => {
    const key = encodeKey(textOf(body?.clientKey), rule.encoding)
    const reply = replies.error(rule.errorCode ?? provider.code.badRequest, {
      description: `The request of client key ${key} could not be served (key=${key})`,
      status: rule.status,
    })
    sendJson(res, reply.status, reply.body)
  },
  error: ({ res, rule, call, provider, replies }) => {
    const code = rule.errorCode ?? 'ERROR_INTERNAL_SERVER_ERROR'
    if (call === 'siteverify') {
      const errorCode = rule.errorCode ?? 'internal-error'
      return sendJson(res, rule.status ?? 200, { success: false, 'error-codes': [errorCode], messages: [] })
    }
    const failed =
      call === 'getTaskResult' && (code === provider.code.unsolvable || code === provider.code.tooLong)
    const { status, body } = failed ? replies.failed(code) : replies.error(code)
    sendJson(res, rule.status ?? status, body, retryAfter(rule))
  },
  reply: ({ res, rule }) => {
    const { status = 200, headers = {}, body = '' } = rule
    const raw = typeof body === 'string' || body instanceof Uint8Array
    send(res, status, raw ? body : JSON.stringify(body), { 'content-type': 'application/json', ...headers })
  },
}
