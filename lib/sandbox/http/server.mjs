/** Listens on loopback with TLS and HTTP/2, reads bodies, writes replies, and breaks connections on demand. */

import http from 'node:http'
import http2 from 'node:http2'
import https from 'node:https'

/** @typedef {http.IncomingMessage | http2.Http2ServerRequest} Request */
/** @typedef {http.ServerResponse & { stream?: http2.ServerHttp2Stream }} Response  the HTTP/2 one is compatible */

/** A createTask body may be large (the client passes extra fields on), but not boundless. */
const MAX_BODY = 32 * 1024 * 1024
/** Longer than any client keeps an idle connection, so that a reused connection is closed only on demand. */
const KEEP_ALIVE_MS = 120_000

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
 * Reads the whole body; null if it is too large. `done` is not called if the client disconnects before the end.
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
  // Thousands of polls may wait on one connection; the default limit for a session's memory is too low for that.
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
   * Raw TCP sockets by the client's address and port: with TLS, only the raw socket can send a RST.
   * @type {Map<string, import('node:net').Socket>}
   */
  const sockets = new Map()
  /** @param {{ remoteAddress?: string, remotePort?: number }} [socket] */
  const clientOf = socket => `${socket?.remoteAddress} ${socket?.remotePort}`
  const connections = { opened: 0, open: 0 }

  server.on('connection', (/** @type {import('node:net').Socket} */ socket) => {
    const client = clientOf(socket)
    connections.opened++
    connections.open++
    socket.setNoDelay(true)
    sockets.set(client, socket)
    socket.once('close', () => {
      connections.open--
      if (sockets.get(client) === socket) sockets.delete(client)
    })
  })
  // Clients disconnect in tests all the time: not an error of the sandbox.
  server.on('sessionError', () => {})
  server.on('tlsClientError', () => {})
  const limits = /** @type {http.Server} */ (server)
  limits.keepAliveTimeout = KEEP_ALIVE_MS
  limits.requestTimeout = 0
  limits.headersTimeout = 0

  await new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host: options.host, port: options.port, backlog: 4096 }, () => resolve(undefined))
  })
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())

  /** @param {Response} res */
  const socketOf = res => sockets.get(clientOf(res.stream?.session?.socket ?? res.socket ?? undefined))

  const listener = {
    port,
    connections,

    /** @param {Response} res */
    reset: res => {
      socketOf(res)?.resetAndDestroy()
    },

    /**
     * Returns a function that closes the connection gracefully. Called before the reply, which detaches the socket.
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
     * Ends the reply in the middle of its body: FIN, or a reset of the stream in HTTP/2.
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
