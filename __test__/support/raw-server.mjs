/** A TCP server on loopback that sends given bytes, for replies that no HTTP library would send. */

import { once } from 'node:events'
import { createServer } from 'node:net'

/**
 * @typedef {object} RawRequest
 * @property {string} path
 * @property {string} head from the request line to the last header
 * @property {any} body parsed as JSON
 * @property {number} nth of all requests, from 1
 * @property {number} onConnection how many came over this connection, from 1
 */

/** @typedef {import('node:net').Socket} Socket */
/** @typedef {(request: RawRequest, socket: Socket) => unknown} Answer */

/**
 * Hands every complete request over; the test's end closes it.
 * @param {import('node:test').TestContext} t
 * @param {Answer} answer
 */
export async function startRawServer(t, answer) {
  /** @type {RawRequest[]} */
  const requests = []
  /** @type {Set<Socket>} */
  const sockets = new Set()
  const server = createServer({ noDelay: true, allowHalfOpen: true }, socket => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    // Half of these tests break the connection on purpose, from either end.
    socket.on('error', () => socket.destroy())
    let received = Buffer.alloc(0)
    let onConnection = 0
    socket.on('end', () => socket.end())
    socket.on('data', chunk => {
      received = Buffer.concat([received, chunk])
      for (let taken = take(received); taken; taken = take(received)) {
        received = received.subarray(taken.size)
        const request = { ...taken.request, nth: requests.length + 1, onConnection: ++onConnection }
        requests.push(request)
        answer(request, socket)
      }
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise(resolve => server.close(resolve))
  })
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  return { baseURL: `http://127.0.0.1:${port}`, port, requests, sockets }
}

/** The first complete request in what was received. @param {Buffer} received */
function take(received) {
  const headEnd = received.indexOf('\r\n\r\n')
  if (headEnd < 0) return undefined
  const head = received.toString('latin1', 0, headEnd)
  const size = headEnd + 4 + Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0)
  if (received.length < size) return undefined
  const text = received.toString('utf8', headEnd + 4, size)
  const path = head.split(' ')[1]
  return { size, request: { path, head, body: JSON.parse(text || 'null') } }
}

/** A whole and honest reply. @param {unknown} body @param {string[]} headers */
export function reply(body, ...headers) {
  const text = JSON.stringify(body)
  const all = ['content-type: application/json', `content-length: ${Buffer.byteLength(text)}`, ...headers]
  return `HTTP/1.1 200 OK\r\n${all.join('\r\n')}\r\n\r\n${text}`
}

/**
 * Writes a piece again and again, as fast as the other side takes it, until the connection is gone.
 * @param {Socket} socket
 * @param {string | Buffer} piece
 */
export function pour(socket, piece) {
  const next = () => {
    if (socket.destroyed || socket.writableEnded) return
    // Through the event loop each time, so that a fast reader cannot starve everybody else.
    if (socket.write(piece)) setImmediate(next)
    else socket.once('drain', next)
  }
  next()
}
