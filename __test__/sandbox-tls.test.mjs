import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import http2 from 'node:http2'
import { test } from 'node:test'
import tls from 'node:tls'
import { faults } from '../lib/sandbox/index.mjs'
import { exchange, KEY, open } from './support/sandbox-client.mjs'

/** @param {string} name */
const pem = name => readFileSync(new URL(`fixtures/tls/${name}.pem`, import.meta.url), 'utf8')
const ca = pem('ca.cert')
/** @param {string} name */
const pair = name => ({ key: pem(`${name}.key`), cert: pem(`${name}.cert`) })

/** @param {string} text */
function parse(text) {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/**
 * @param {import('node:test').TestContext} t
 * @param {string} baseURL
 */
function dial(t, baseURL) {
  const session = http2.connect(baseURL, { ca })
  session.on('error', () => {})
  t.after(() => session.destroy())
  /** @param {string} path @param {unknown} body @returns {Promise<{ status?: number, json?: any, text: string, code?: string }>} */
  const post = (path, body) =>
    new Promise(resolve => {
      const stream = session.request({ ':method': 'POST', ':path': path, 'content-type': 'application/json' })
      /** @type {number | undefined} */
      let status
      let text = ''
      stream.on('response', headers => {
        status = headers[':status']
      })
      stream.on('data', chunk => {
        text += chunk
      })
      stream.on('error', error => resolve({ status, text, code: /** @type {any} */ (error).code }))
      stream.on('end', () => resolve({ status, text, json: parse(text) }))
      stream.on('close', () => resolve({ status, text, code: `closed ${stream.rstCode}` }))
      stream.end(JSON.stringify(body))
    })
  return { session, post }
}

test('over TLS, HTTP/2 is negotiated and many requests share one connection', async t => {
  const { sandbox } = await open(t, { tls: pair('localhost'), balance: 1e6 })
  assert.match(sandbox.baseURL, /^https:/)
  const { session, post } = dial(t, sandbox.baseURL)
  const task = { type: 'TurnstileTaskProxyless', websiteURL: 'https://shop.example/', websiteKey: 'k' }
  const answers = await Promise.all(
    Array.from({ length: 300 }, () => post('/createTask', { clientKey: KEY, task })),
  )
  assert.equal(session.alpnProtocol, 'h2')
  for (const { status, json } of answers) assert.deepEqual([status, json.errorId], [200, 0])
  assert.equal(new Set(answers.map(({ json }) => json.taskId)).size, 300)
  assert.deepEqual(sandbox.stats().connections, { opened: 1, open: 1 })
})

test('over TLS, an HTTP/1.1 client is served too', async t => {
  const { balance, sandbox } = await open(t, { tls: pair('localhost') })
  const { json } = await exchange(`${sandbox.baseURL}/getBalance`, {
    ca,
    body: JSON.stringify({ clientKey: KEY }),
  })
  assert.equal(json.balance, 10_000)
  assert.ok((await balance()).error, 'not without the authority')
})

test('with http2 false a client that offers both gets HTTP/1.1', async t => {
  const { sandbox } = await open(t, { tls: pair('localhost'), http2: false })
  const protocol = await new Promise((resolve, reject) => {
    const offer = { ca, host: '127.0.0.1', port: sandbox.port, ALPNProtocols: ['h2', 'http/1.1'] }
    const socket = tls.connect(offer, () => resolve(socket.alpnProtocol))
    socket.on('error', reject)
    t.after(() => socket.destroy())
  })
  assert.equal(protocol, 'http/1.1')
})

for (const http2 of [true, false]) {
  test(`over TLS, HTTP/1.1 has resets and truncated bodies as without TLS (http2: ${http2})`, async t => {
    const faults = /** @type {const} */ ([
      'connection-reset',
      'connection-reset-after-processing',
      'goaway',
      'truncated-body',
      'close-after',
      'slow-body',
    ])
    const { sandbox } = await open(t, {
      tls: pair('localhost'),
      http2,
      faults: faults.map((fault, index) => ({ fault, nth: index + 1, intervalMs: 0 })),
    })
    const send = () =>
      exchange(`${sandbox.baseURL}/getBalance`, { ca, body: JSON.stringify({ clientKey: KEY }) })
    const reset = [await send(), await send()]
    for (const { status, error } of reset) assert.deepEqual([status, error?.code], [undefined, 'ECONNRESET'])
    const closed = await send()
    assert.deepEqual([closed.status, closed.error?.code], [undefined, 'ECONNRESET'])
    const cut = await send()
    assert.deepEqual([cut.status, cut.error?.code], [200, 'ECONNRESET'])
    assert.equal((await send()).json.balance, 10_000)
    assert.equal((await send()).json.balance, 10_000)
  })
}

test('over HTTP/2, a reset ends the connection, and a stream reset only one request', async t => {
  const { sandbox } = await open(t, {
    tls: pair('localhost'),
    faults: [
      { method: 'getBalance', fault: 'stream-reset' },
      { method: 'getBalance', fault: 'stream-reset', nth: 2, http2Code: 7 },
      { method: 'getBalance', fault: 'truncated-body', nth: 3 },
      { method: 'getBalance', fault: 'connection-reset', nth: 5 },
    ],
  })
  const { session, post } = dial(t, sandbox.baseURL)
  const balance = () => post('/getBalance', { clientKey: KEY })
  assert.equal((await balance()).code, 'ERR_HTTP2_STREAM_ERROR')
  assert.match((await balance()).code ?? '', /ERR_HTTP2_STREAM_ERROR|closed 7/)
  const cut = await balance()
  assert.deepEqual([cut.status, cut.code], [200, 'ERR_HTTP2_STREAM_ERROR'])
  assert.equal((await balance()).json.balance, 10_000)
  const gone = new Promise(resolve => session.once('close', resolve))
  assert.ok((await balance()).code)
  await gone
  assert.equal(sandbox.stats().connections.opened, 1)
})

test('over HTTP/2, goaway marks the request as not processed', async t => {
  const { sandbox } = await open(t, {
    tls: pair('localhost'),
    faults: [{ method: 'createTask', fault: 'goaway' }],
  })
  const { session, post } = dial(t, sandbox.baseURL)
  assert.equal((await post('/getBalance', { clientKey: KEY })).json.balance, 10_000)
  const notice = new Promise(resolve => session.once('goaway', (code, last) => resolve([code, last])))
  assert.ok((await post('/createTask', { clientKey: KEY })).code)
  assert.deepEqual(await notice, [0, 1], 'the first request was the last one seen')
  assert.equal(sandbox.stats().tasks.created, 0)
})

test('over HTTP/2, replies with faults are the same', async t => {
  const { sandbox } = await open(t, {
    tls: pair('localhost'),
    faults: [
      { fault: '502' },
      { fault: 'oversized', nth: 2 },
      { fault: 'truncated-json', nth: 3 },
      { fault: 'redirect', nth: 4 },
      { fault: 'slow-body', nth: 5, intervalMs: 0 },
      { fault: 'close-after', nth: 6 },
    ],
  })
  const { session, post } = dial(t, sandbox.baseURL)
  const balance = () => post('/getBalance', { clientKey: KEY })
  assert.equal((await balance()).status, 502)
  assert.ok((await balance()).text.length > 1 << 20)
  const cut = await balance()
  assert.deepEqual([cut.status, cut.json], [200, undefined])
  assert.match(cut.text, /^\{"errorId"/)
  assert.equal((await balance()).status, 307)
  assert.equal((await balance()).json.balance, 10_000)
  const closed = new Promise(resolve => session.once('close', resolve))
  assert.equal((await balance()).json.balance, 10_000)
  await closed
})

test('over HTTP/2, a client may disconnect early during any fault', async t => {
  const names = faults.filter(({ calls }) => calls.includes('getBalance')).map(({ name }) => name)
  const delayed = names.filter(
    name =>
      !['connection-reset', 'connection-reset-after-processing', 'goaway', 'close-after'].includes(name),
  )
  const { sandbox } = await open(t, { tls: pair('localhost') })
  const { session, post } = dial(t, sandbox.baseURL)
  for (const fault of delayed) {
    for (const delayMs of [0, 5]) {
      sandbox.addFault({ method: 'getBalance', fault, delayMs, intervalMs: 0, times: 1 })
      const struck = new Promise(resolve => sandbox.events.once('*', () => sandbox.events.once('*', resolve)))
      const stream = session.request({ ':method': 'POST', ':path': '/getBalance' })
      stream.on('error', () => {})
      stream.end(JSON.stringify({ clientKey: KEY }))
      await struck
      stream.close(http2.constants.NGHTTP2_CANCEL)
      sandbox.clearFaults()
      sandbox.addFault({ method: 'getBalance', fault: 'latency', delayMs: 10 })
      assert.equal((await post('/getBalance', { clientKey: KEY })).json?.balance, 10_000, fault)
    }
  }
})

test('close ends HTTP/2 requests without a reply at once', async t => {
  const { sandbox } = await open(t, { tls: pair('localhost'), faults: [{ fault: 'no-response' }] })
  const { post } = dial(t, sandbox.baseURL)
  const struck = new Promise(resolve => sandbox.events.on('fault', resolve))
  const pending = post('/getBalance', { clientKey: KEY })
  await struck
  await sandbox.close()
  assert.equal((await pending).status, undefined)
  assert.equal(sandbox.stats().connections.open, 0)
})

test('it listens on IPv6 loopback', async t => {
  const { sandbox } = await open(t, { tls: pair('localhost'), host: '::1' })
  assert.match(sandbox.baseURL, /^https:\/\/\[::1\]:\d+$/)
  const { json } = await exchange(`${sandbox.baseURL}/getBalance`, {
    ca,
    body: JSON.stringify({ clientKey: KEY }),
  })
  assert.equal(json.balance, 10_000)
})

test('an expired certificate and one for another host are refused with their reasons', async t => {
  for (const [name, code] of [
    ['expired', 'CERT_HAS_EXPIRED'],
    ['wrong-host', 'ERR_TLS_CERT_ALTNAME_INVALID'],
  ]) {
    const { sandbox } = await open(t, { tls: pair(name) })
    const { error } = await exchange(`${sandbox.baseURL}/getBalance`, { ca, body: '{}' })
    assert.equal(error?.code, code)
  }
  const valid = new X509Certificate(pem('localhost.cert'))
  assert.ok(Date.parse(valid.validTo) > Date.parse('2100-01-01'))
  assert.equal(valid.subjectAltName, 'DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1')
})
