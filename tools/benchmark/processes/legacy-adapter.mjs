/**
 * Translates the legacy protocol of 2captcha-ts (in.php and res.php, everything in the query) for the sandbox. It runs in the sandbox's
 * process, so that it costs the client under test nothing.
 */

import http from 'node:http'
import https from 'node:https'

/**
 * @param {import('../../../lib/sandbox/index.mjs').Sandbox} sandbox
 * @param {{ key: Buffer, cert: Buffer }} [tls]
 */
export async function startLegacyAdapter(sandbox, tls) {
  const base = new URL(sandbox.baseURL)
  const inner = base.protocol === 'https:' ? https : http
  const agent = new inner.Agent({ keepAlive: true, maxSockets: 32 })
  const { clientKey } = sandbox.account
  const connections = { opened: 0, open: 0 }

  /** @param {string} method @param {object} fields @param {(reply: any) => void} use */
  const ask = (method, fields, use) => {
    const body = JSON.stringify({ clientKey, ...fields })
    const options = {
      agent,
      method: 'POST',
      host: base.hostname,
      port: base.port,
      path: `/${method}`,
      headers: { 'content-type': 'application/json', 'content-length': body.length },
      // It is its own certificate, in its own process.
      rejectUnauthorized: false,
    }
    const request = inner.request(options, response => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', chunk => {
        text += chunk
      })
      response.on('end', () => use(JSON.parse(text)))
    })
    request.end(body)
  }

  /** @param {http.IncomingMessage} req @param {http.ServerResponse} res */
  const onRequest = (req, res) => {
    const { pathname, searchParams } = new URL(req.url ?? '/', 'http://legacy')
    const answer = (/** @type {number} */ status, /** @type {string} */ request) => {
      const body = JSON.stringify({ status, request })
      res.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length })
      res.end(body)
    }
    if (pathname === '/in.php') {
      const task = {
        type: sandbox.taskType,
        websiteURL: searchParams.get('pageurl'),
        websiteKey: searchParams.get('sitekey'),
      }
      ask('createTask', { task }, reply =>
        answer(reply.errorId === 0 ? 1 : 0, reply.taskId ?? reply.errorCode),
      )
    } else {
      ask('getTaskResult', { taskId: searchParams.get('id') }, reply => {
        if (reply.status === 'ready') answer(1, reply.solution.token)
        else answer(0, reply.errorId === 0 ? 'CAPCHA_NOT_READY' : reply.errorCode)
      })
    }
  }

  const server = tls ? https.createServer(tls, onRequest) : http.createServer(onRequest)
  server.on('connection', socket => {
    connections.opened++
    connections.open++
    socket.setNoDelay(true)
    socket.once('close', () => {
      connections.open--
    })
  })
  server.on('tlsClientError', () => {})
  server.keepAliveTimeout = 120_000
  await new Promise(resolve => {
    server.listen({ host: '127.0.0.1', port: 0, backlog: 4096 }, () => resolve(undefined))
  })
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  return { url: `${tls ? 'https' : 'http'}://127.0.0.1:${port}`, connections }
}
