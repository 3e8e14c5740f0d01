/** A forward proxy on loopback: it opens tunnels to where a test says that a name is. */

import { once } from 'node:events'
import http from 'node:http'
import https from 'node:https'
import net from 'node:net'

/** @typedef {import('node:stream').Duplex} Duplex */
/** @typedef {{ target: string, headers: http.IncomingHttpHeaders, nth: number }} Connect */

/**
 * @typedef {object} ProxyOptions
 * @property {Record<string, number>} [routes] `host:port` -> the port on loopback that it leads to
 * @property {(connect: Connect, client: Duplex) => boolean} [refuse] answers by itself and says so
 * @property {{ key: string, cert: string }} [tls] the proxy itself is spoken to over TLS
 */

/**
 * The test's end closes it.
 * @param {import('node:test').TestContext} t
 * @param {ProxyOptions} [options]
 */
export async function startProxy(t, { routes = {}, refuse, tls } = {}) {
  /** @type {Connect[]} */
  const connects = []
  /** @type {string[]} */
  const forwarded = []
  /** @type {string[]} */
  const seen = []
  /** @type {Set<Duplex>} */
  const ends = new Set()
  const keep = (/** @type {Duplex} */ end) => {
    ends.add(end)
    end.on('error', () => end.destroy())
    end.on('close', () => ends.delete(end))
  }

  const server = tls ? https.createServer({ ...tls, ALPNProtocols: ['http/1.1'] }) : http.createServer()
  server.on('connection', keep)
  server.on('request', (request, response) => {
    forwarded.push(`${request.method} ${request.url}`)
    response.writeHead(500).end()
  })
  server.on('connect', (request, client, early) => {
    keep(client)
    const connect = { target: request.url ?? '', headers: request.headers, nth: connects.length + 1 }
    connects.push(connect)
    if (refuse?.(connect, client)) return
    const port = routes[connect.target]
    if (port === undefined) return client.end('HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n')
    const far = net.connect(port, '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n')
      far.write(early)
      client.on('data', bytes => seen.push(bytes.toString('latin1')))
      client.pipe(far).pipe(client)
    })
    keep(far)
    far.on('close', () => client.destroy())
    client.on('close', () => far.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(async () => {
    for (const end of ends) end.destroy()
    await new Promise(resolve => server.close(resolve))
  })
  const { port } = /** @type {net.AddressInfo} */ (server.address())
  return {
    url: tls ? `https://localhost:${port}` : `http://127.0.0.1:${port}`,
    authority: tls ? `localhost:${port}` : `127.0.0.1:${port}`,
    connects,
    /** Requests that came in plain, to be forwarded. */
    forwarded,
    /** What went through the tunnels from the client's side. */
    tunnelled: () => seen.join(''),
  }
}
