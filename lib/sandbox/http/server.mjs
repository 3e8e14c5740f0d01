/** Sockets: listening on loopback, TLS and HTTP/2, reading bodies, writing replies, and breaking connections on purpose. */

import http from 'node:http'
import http2 from 'node:http2'
import https from 'node:https'

/** @typedef {http.IncomingMessage | http2.Http2ServerRequest} Request */
/** @typedef {http.ServerResponse & { stream?: http2.ServerHttp2Stream }} Response  the HTTP/2 one is compatible */

/** A createTask body may be large (the client passes extra fields on), but not boundless. */
const MAX_BODY = 32 * 1024 * 1024
/** Longer than any client keeps an idle connection, so that the classic race happens only on demand. */
const KEEP_ALIVE_MS = 120_000

/**
 * Nobody is there to answer any more, or all has been said. HTTP/2's response knows it only from its stream.
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

const JSON_HEADERS = { 'content-type': 'application/json; charset=utf-8' }

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
 * Hands the whole body over; null if it is too large. Nobody hears of a request whose sender has left.
 * @param {Request} req
 * @param {(body: Buffer | null) => void} done
 */
export function readBody(req, done) {
  /** @type {Buffer[]} */
  const chunks = []
  let size = 0
  req.on('data', chunk => {
    size += chunk.length
    if (size <= MAX_BODY) chunks.push(chunk)
    else chunks.length = 0
  })
  req.on('end', () => done(size > MAX_BODY ? null : chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)))
  req.on('error', () => {})
}

/**
 * @typedef {object} ListenOptions
 * @property {string} host
 * @property {number} port
 * @property {{ key: string | Buffer, cert: string | Buffer } | undefined} tls
 * @property {boolean} http2
 */

/**
 * @param {ListenOptions} options
 * @param {(req: Request, res: Response) => void} onRequest
 */
function createServer(options, onRequest) {
  const handler = /** @type {any} */ (onRequest)
  if (!options.tls) return http.createServer(handler)
  const { key, cert } = options.tls
  if (!options.http2) return https.createServer({ key, cert, ALPNProtocols: ['http/1.1'] }, handler)
  // Thousands of polls may wait on one connection; the default memory of a session is meant for browsers.
  const settings = { maxConcurrentStreams: 256 }
  return http2.createSecureServer({ key, cert, allowHTTP1: true, maxSessionMemory: 1000, settings }, handler)
}

/**
 * @param {ListenOptions} options
 * @param {(req: Request, res: Response) => void} onRequest
 */
export async function listen(options, onRequest) {
  const server = createServer(options, onRequest)
  /**
   * Raw TCP sockets by the client's end: under TLS only the raw one can send a RST.
   * @type {Map<string, import('node:net').Socket>}
   */
  const sockets = new Map()
  /** @param {{ remoteAddress?: string, remotePort?: number }} [socket] */
  const endOf = socket => `${socket?.remoteAddress} ${socket?.remotePort}`
  const connections = { opened: 0, open: 0 }

  server.on('connection', (/** @type {import('node:net').Socket} */ socket) => {
    const end = endOf(socket)
    connections.opened++
    connections.open++
    socket.setNoDelay(true)
    sockets.set(end, socket)
    socket.once('close', () => {
      connections.open--
      if (sockets.get(end) === socket) sockets.delete(end)
    })
  })
  // What a vanished client leaves behind is no news to a stand-in whose business is vanishing.
  server.on('sessionError', () => {})
  server.on('tlsClientError', () => {})
  const tunable = /** @type {http.Server} */ (server)
  tunable.keepAliveTimeout = KEEP_ALIVE_MS
  tunable.requestTimeout = 0
  tunable.headersTimeout = 0

  await new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host: options.host, port: options.port, backlog: 4096 }, () => resolve(undefined))
  })
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())

  /** @param {Response} res */
  const socketOf = res => sockets.get(endOf(res.stream?.session?.socket ?? res.socket ?? undefined))

  const listener = {
    port,
    connections,

    /** @param {Response} res */
    reset: res => {
      socketOf(res)?.resetAndDestroy()
    },

    /**
     * How to close the connection in good order; asked before the reply, which parts the two.
     * @param {Response} res
     */
    closer: res => {
      const session = res.stream?.session
      const { socket } = res
      return () => {
        if (session) session.close()
        else socket?.end()
      }
    },

    /**
     * A reply broken off in its body: FIN, or on HTTP/2 a reset of the stream.
     * @param {Response} res
     */
    cut: res => {
      if (res.stream) res.stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR)
      else res.socket?.end()
    },

    /**
     * @param {Response} res
     * @param {number} code
     */
    resetStream: (res, code) => {
      if (res.stream) res.stream.close(code)
      else listener.reset(res)
    },

    /** @param {Response} res */
    goAway: res => {
      const session = res.stream?.session
      if (!session) return listener.closer(res)()
      session.goaway(http2.constants.NGHTTP2_NO_ERROR, Math.max((res.stream?.id ?? 1) - 2, 0))
      res.stream?.close(http2.constants.NGHTTP2_REFUSED_STREAM)
      session.close()
    },

    async close() {
      const closed = new Promise(resolve => server.close(resolve))
      for (const socket of sockets.values()) socket.destroy()
      await closed
    },
  }
  return listener
}

/** @typedef {Awaited<ReturnType<typeof listen>>} Listener */
