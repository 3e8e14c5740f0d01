/** Listens on loopback with TLS and HTTP/2, refuses requests of foreign web pages, and breaks connections on demand. */

import http from 'node:http'
import http2 from 'node:http2'
import https from 'node:https'
import { createGuard } from './guard.mjs'
import { contain, replyUnread } from './reply.mjs'

/** @typedef {http.IncomingMessage | http2.Http2ServerRequest} Request */
/** @typedef {http.ServerResponse & { stream?: http2.ServerHttp2Stream }} Response  the HTTP/2 one is compatible */

/** Longer than any client keeps an idle connection, so that a reused connection is closed only on demand. */
const KEEP_ALIVE_MS = 120_000

/**
 * @typedef {object} ListenOptions
 * @property {string} host
 * @property {readonly string[]} [allowedHosts]
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
 * @param {(req: Request, res: Response, target: string) => unknown} onRequest gets the path and query
 * @param {(path: string) => import('./guard.mjs').Exposure} [exposureOf]
 */
export async function listen(options, onRequest, exposureOf = () => 'private') {
  const protocol = options.tls ? 'https:' : 'http:'
  const name = options.host.includes(':') ? `[${options.host}]` : options.host
  /** @type {ReturnType<typeof createGuard>} */
  let guard
  /** @param {Request} req @param {Response} res */
  const guarded = (req, res) => {
    res.on('error', () => {})
    contain(res, () => {
      const admitted = guard(req)
      if ('refusal' in admitted) return replyUnread(req, res, 403, admitted.refusal)
      return onRequest(req, res, admitted.target)
    })
  }
  const server = createServer(options, guarded)
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
  // The body is asked for when it is read (body.mjs).
  server.on('checkContinue', /** @type {any} */ (guarded))
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
  guard = createGuard({ protocol, name, port, allowedHosts: options.allowedHosts }, exposureOf)

  /** @param {Response} res */
  const socketOf = res => sockets.get(clientOf(res.stream?.session?.socket ?? res.socket ?? undefined))

  const listener = {
    port,
    origin: `${protocol}//${name}:${port}`,
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
