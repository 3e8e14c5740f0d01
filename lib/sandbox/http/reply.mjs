/** Replies: as text, as JSON, without reading the request, and after an exception. */

import { constants } from 'node:http2'
import { textOf } from '../providers/validation.mjs'

/** @typedef {import('./server.mjs').Request} Request */
/** @typedef {import('./server.mjs').Response} Response */

/** How long a connection stays open after the reply to a request that was not read, so that its client can read the reply. */
const LINGER_MS = 500
const MAX_WARNINGS = 10
const JSON_HEADERS = { 'content-type': 'application/json; charset=utf-8' }
const TEXT_HEADERS = { 'content-type': 'text/plain; charset=utf-8' }

/**
 * The client has disconnected, or the reply is complete. In HTTP/2, only the stream knows it.
 * @param {Response} res
 */
export const isOver = res => res.destroyed || res.writableEnded || res.stream?.destroyed === true

/**
 * @param {Response} res
 * @param {number} status
 * @param {string | Uint8Array} body
 * @param {Record<string, string>} headers
 */
export function send(res, status, body, headers) {
  if (isOver(res)) return
  res.writeHead(status, { 'content-length': Buffer.byteLength(body), ...headers })
  res.end(body)
}

/**
 * @param {Response} res
 * @param {number} status
 * @param {unknown} body
 * @param {Record<string, string>} [headers]
 */
export function sendJson(res, status, body, headers) {
  send(res, status, JSON.stringify(body), headers ? { ...JSON_HEADERS, ...headers } : JSON_HEADERS)
}

/**
 * Replies to a request without reading its body, and closes the connection (in HTTP/2, the stream).
 * @param {Request} req
 * @param {Response} res
 * @param {number} status
 * @param {string} text
 */
export function replyUnread(req, res, status, text) {
  req.on('error', () => {})
  if (isOver(res)) return
  const body = `${text}\n`
  const { stream } = res
  if (stream) {
    send(res, status, body, TEXT_HEADERS)
    stream.close(constants.NGHTTP2_NO_ERROR)
    return
  }
  const { 'content-length': length = '0', 'transfer-encoding': encoding } = req.headers
  if (length === '0' && encoding === undefined) return send(res, status, body, TEXT_HEADERS)
  // The reply is complete but not ended: Node.js would then read the rest of the request, or reset the connection.
  req.pause()
  res.writeHead(status, { 'content-length': Buffer.byteLength(body), connection: 'close', ...TEXT_HEADERS })
  res.write(body)
  const timer = setTimeout(() => res.destroy(), LINGER_MS)
  res.once('close', () => clearTimeout(timer))
}

let warnings = 0

/** @param {unknown} error */
function messageOf(error) {
  const message = error instanceof Error ? error.message : textOf(error)
  return message.replace(/\s+/g, ' ').slice(0, 500) || 'a function threw'
}

/**
 * Calls a function for a request. If it throws or rejects, the reply is 500: a user's function must not end the process.
 * @param {Response} res
 * @param {() => unknown} run
 */
export function contain(res, run) {
  /** @param {unknown} error */
  const fail = error => {
    if (++warnings <= MAX_WARNINGS)
      process.emitWarning('A request to the sandbox failed', {
        type: 'SandboxWarning',
        detail: error instanceof Error ? String(error.stack) : messageOf(error),
      })
    if (isOver(res)) return
    if (!res.headersSent) return send(res, 500, `The sandbox failed: ${messageOf(error)}\n`, TEXT_HEADERS)
    if (res.stream) res.stream.close(constants.NGHTTP2_INTERNAL_ERROR)
    else res.destroy()
  }
  try {
    const result = run()
    if (result instanceof Promise) result.catch(fail)
  } catch (error) {
    fail(error)
  }
}
