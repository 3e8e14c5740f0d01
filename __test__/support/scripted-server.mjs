import { createServer } from 'node:http'

/**
 * @typedef {object} RecordedRequest
 * @property {string} method
 * @property {string} path
 * @property {import('node:http').IncomingHttpHeaders} headers
 * @property {string} text the body as it came
 * @property {any} body the body parsed as JSON, `undefined` where it is none
 */

/**
 * Answers by hand. It need not answer: the socket is closed with the server.
 * @callback Handler
 * @param {RecordedRequest} request
 * @param {import('node:http').ServerResponse} response
 * @param {import('node:net').Socket} socket
 * @returns {unknown}
 */

/**
 * One scripted answer. Without `hang`, `reset` or `handler` it is a plain reply: 200 and an empty body by default.
 * @typedef {object} Answer
 * @property {string} [path] the path that the request must have; any if absent
 * @property {number} [status]
 * @property {import('node:http').OutgoingHttpHeaders} [headers]
 * @property {unknown} [body] text and bytes go out as they are, anything else as JSON
 * @property {boolean} [hang] read the request, never answer
 * @property {boolean} [reset] read the request, then reset the connection
 * @property {Handler} [handler]
 */

/**
 * @typedef {object} Script
 * @property {string} baseURL
 * @property {RecordedRequest[]} requests every complete request, in order of arrival, unexpected ones included
 * @property {(...answers: (Answer | Handler)[]) => void} push adds answers to the end of the queue
 * @property {() => Promise<void>} close rejects if the script was not followed; a second call does the same
 */

/** @typedef {Script & AsyncDisposable} ScriptedServer */

/**
 * Starts an HTTP server on loopback that gives its answers one by one, each to one request. A request that was not
 * scripted, an answer that was not used and a handler that threw make `close` reject; `loose` forgives only
 * answers left over.
 * @param {(Answer | Handler)[]} [script]
 * @param {{ loose?: boolean }} [options]
 * @returns {Promise<ScriptedServer>}
 */
export async function startScriptedServer(script = [], { loose = false } = {}) {
  /** @type {Answer[]} */
  const queue = []
  /** @type {RecordedRequest[]} */
  const requests = []
  /** @type {string[]} */
  const problems = []
  /** @type {Promise<void> | undefined} */
  let closed

  /** @param {(Answer | Handler)[]} answers */
  const push = (...answers) => {
    for (const answer of answers) queue.push(typeof answer === 'function' ? { handler: answer } : answer)
  }

  const server = createServer(async (message, response) => {
    const { socket } = message
    const request = await record(message).catch(() => undefined)
    // Cut off before it was complete: no request, so no answer is spent on it.
    if (!request) return
    requests.push(request)
    const answer = queue.shift()
    const title = `request ${requests.length}, ${request.method} ${request.path}`
    if (!answer) {
      problems.push(`${title}: no answer was scripted for it`)
    } else if (answer.path !== undefined && answer.path !== request.path) {
      problems.push(`${title}: the script expected ${answer.path}`)
    } else {
      try {
        await give(answer, request, response, socket)
      } catch (error) {
        problems.push(`${title}: the handler failed: ${error}`)
        socket.destroy()
      }
      return
    }
    // A status that no client repeats, so that one surprise does not become a storm.
    response.writeHead(400, { 'content-type': 'text/plain' }).end('not in the script')
  })

  const stop = async () => {
    await new Promise(resolve => {
      server.close(resolve)
      server.closeAllConnections()
    })
    if (queue.length > 0 && !loose) problems.push(`${queue.length} scripted answer(s) were never fetched`)
    if (problems.length > 0) throw new Error(`The script was not followed:\n  ${problems.join('\n  ')}`)
  }
  const close = () => {
    closed ??= stop()
    return closed
  }

  // A connection stays as long as the client keeps it.
  server.keepAliveTimeout = 0
  push(...script)
  await new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => resolve(undefined))
  })
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  return { baseURL: `http://127.0.0.1:${port}`, requests, push, close, [Symbol.asyncDispose]: close }
}

/**
 * @param {import('node:http').IncomingMessage} message
 * @returns {Promise<RecordedRequest>}
 */
async function record(message) {
  const chunks = []
  for await (const chunk of message) chunks.push(chunk)
  const text = Buffer.concat(chunks).toString()
  const { method = '', url: path = '', headers } = message
  return { method, path, headers, text, body: parse(text) }
}

/** @param {string} text */
function parse(text) {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/**
 * @param {Answer} answer
 * @param {RecordedRequest} request
 * @param {import('node:http').ServerResponse} response
 * @param {import('node:net').Socket} socket
 */
async function give({ status = 200, headers, body = '', ...answer }, request, response, socket) {
  if (answer.handler) await answer.handler(request, response, socket)
  else if (answer.reset) socket.resetAndDestroy()
  else if (!answer.hang) {
    const asIs = typeof body === 'string' || body instanceof Uint8Array
    response.writeHead(status, headers ?? (asIs ? {} : { 'content-type': 'application/json' }))
    response.end(asIs ? body : JSON.stringify(body))
  }
}
