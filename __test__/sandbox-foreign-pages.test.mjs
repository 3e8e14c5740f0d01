/** What a web page of another site can send to a sandbox on the developer's machine reaches nothing. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import http2 from 'node:http2'
import net from 'node:net'
import { describe, test } from 'node:test'
import { startSandbox } from '../lib/sandbox/index.mjs'
import { createClock, exchange, KEY, open, SITEKEY } from './support/sandbox-client.mjs'

/** @param {string} name */
const pem = name => readFileSync(new URL(`fixtures/tls/${name}.pem`, import.meta.url), 'utf8')

/** Every kind of path, with the method that it takes. @type {[method: string, path: string][]} */
const paths = [
  ['POST', '/createTask'],
  ['POST', '/getTaskResult'],
  ['POST', '/getBalance'],
  ['POST', '/turnstile/v0/siteverify'],
  ['POST', '/login'],
  ['GET', '/widget'],
  ['GET', '/turnstile/v0/api.js'],
  ['GET', '/widget/page.js'],
  ['GET', '/cdn-cgi/challenge-platform/x'],
  ['GET', '/favicon.ico'],
  ['GET', '/unknown'],
  ['POST', '/unknown'],
  ['GET', '/sandbox'],
  ['GET', '/sandbox/events'],
  ['GET', '/sandbox/faults.json'],
  ['POST', '/sandbox/controls'],
]

/** @param {import('./support/sandbox-client.mjs').Sandbox} sandbox */
const state = sandbox => {
  const { connections: _, ...counts } = sandbox.stats()
  return counts
}

/**
 * A request written by hand, and all of the reply.
 * @param {number} port
 * @param {string} text
 * @returns {Promise<string>}
 */
async function raw(port, text) {
  const socket = net.connect({ host: '127.0.0.1', port })
  socket.on('error', () => {})
  socket.write(text.replaceAll('\n', '\r\n'))
  let reply = ''
  socket.setEncoding('utf8').on('data', chunk => {
    reply += chunk
  })
  await once(socket, 'close')
  return reply
}

/** @param {string} reply */
const statusOf = reply => Number(/^HTTP\/1\.1 (\d+)/.exec(reply)?.[1])

describe('a request of a web page of another site is refused on every path', () => {
  /** @type {[string, (port: number) => Record<string, string>][]} */
  const foreign = [
    ['with the origin of another site', () => ({ origin: 'https://evil.example' })],
    ['with an opaque origin', () => ({ origin: 'null' })],
    ['with the origin of another port', () => ({ origin: 'http://127.0.0.1:1' })],
    ['with the origin of another scheme', port => ({ origin: `https://127.0.0.1:${port}` })],
    [
      'with an origin that only begins like this one',
      port => ({ origin: `http://127.0.0.1:${port}.evil.example` }),
    ],
    ['with two origins', port => ({ origin: `http://127.0.0.1:${port}, https://evil.example` })],
    ['marked as cross-site', () => ({ 'sec-fetch-site': 'cross-site' })],
    [
      'marked as cross-site and sent without CORS',
      () => ({ 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }),
    ],
    ['under a name that resolves to this machine', port => ({ host: `evil.example:${port}` })],
    [
      'under such a name, with its own origin',
      port => ({ host: `evil.example:${port}`, origin: `http://evil.example:${port}` }),
    ],
    [
      'under such a name, marked as same-origin',
      port => ({ host: `evil.example:${port}`, 'sec-fetch-site': 'same-origin' }),
    ],
    ['under a name that begins with this address', port => ({ host: `127.0.0.1.evil.example:${port}` })],
    ['under a name that begins with localhost', port => ({ host: `localhost.evil.example:${port}` })],
    ['under a name with user information', port => ({ host: `evil.example@127.0.0.1:${port}` })],
    ['under a name that ends with localhost', port => ({ host: `evil-localhost:${port}` })],
    ['under the address of another port', () => ({ host: '127.0.0.1:1' })],
    ['under a public address', port => ({ host: `203.0.113.7:${port}` })],
  ]
  for (const [what, headersOf] of foreign) {
    test(what, async t => {
      const { sandbox } = await open(t, { dashboard: true })
      const before = state(sandbox)
      /** @type {unknown[]} */
      const events = []
      sandbox.events.on('*', event => events.push(event))
      const body = JSON.stringify({
        clientKey: KEY,
        task: { type: 'TurnstileTaskProxyless', websiteURL: 'https://a.example', websiteKey: 'k' },
      })
      for (const [method, path] of paths) {
        for (const type of ['application/json', 'text/plain']) {
          const { status, text, json } = await exchange(`${sandbox.baseURL}${path}`, {
            method,
            body: method === 'POST' ? body : undefined,
            headers: { 'content-type': type, ...headersOf(sandbox.port) },
          })
          assert.ok(status === 403 || status === 400, `${method} ${path}: ${status}`)
          assert.equal(json, undefined, text)
          assert.doesNotMatch(text, /cf-turnstile|<html/)
        }
      }
      assert.deepEqual(state(sandbox), before)
      assert.deepEqual(events, [])
    })
  }

  test('in the request target', async t => {
    const { sandbox } = await open(t)
    const { port } = sandbox
    const rest = `content-type: application/json\nconnection: close\ncontent-length: 2\n\n{}`
    for (const target of [
      `http://evil.example:${port}/createTask`,
      'http://evil.example/createTask',
      `http://u@127.0.0.1:${port}/createTask`,
      'evil.example:80',
    ])
      assert.ok(
        [400, 403].includes(
          statusOf(await raw(port, `POST ${target} HTTP/1.1\nhost: 127.0.0.1:${port}\n${rest}`)),
        ),
        target,
      )
    const own = await raw(
      port,
      `POST http://127.0.0.1:${port}/createTask HTTP/1.1\nhost: 127.0.0.1:${port}\n${rest}`,
    )
    assert.match(own, /ERROR_REQUIRED_FIELDS/)
    assert.deepEqual(sandbox.stats().requests, { '/createTask': 1 })
  })

  test('in the second of two Host headers, in either order, and without one', async t => {
    const { sandbox } = await open(t)
    const { port } = sandbox
    const rest = `content-type: application/json\nconnection: close\ncontent-length: 2\n\n{}`
    for (const hosts of [
      `host: 127.0.0.1:${port}\nhost: evil.example:${port}\n`,
      `host: evil.example:${port}\nhost: 127.0.0.1:${port}\n`,
      `host: 127.0.0.1:${port}\nhost: 127.0.0.1:${port}\n`,
      'host:\n',
      '',
    ])
      assert.ok(
        [400, 403].includes(statusOf(await raw(port, `POST /createTask HTTP/1.1\n${hosts}${rest}`))),
        hosts,
      )
    for (const target of ['/createTask', `http://127.0.0.1:${port}/createTask`])
      assert.equal(statusOf(await raw(port, `POST ${target} HTTP/1.0\n${rest}`)), 403)
    assert.deepEqual(sandbox.stats().requests, {})
  })

  test('in :authority or host of HTTP/2', async t => {
    const { sandbox } = await open(t, { tls: { key: pem('localhost.key'), cert: pem('localhost.cert') } })
    const session = http2.connect(sandbox.baseURL, { ca: pem('ca.cert') })
    session.on('error', () => {})
    t.after(() => session.destroy())
    /** @param {http2.OutgoingHttpHeaders} headers */
    const send = async headers => {
      const stream = session.request({
        ':method': 'POST',
        ':path': '/createTask',
        'content-type': 'application/json',
        ...headers,
      })
      stream.end('{}')
      const [{ ':status': status }] = await once(stream, 'response')
      stream.resume()
      return status
    }
    const { port } = sandbox
    assert.equal(await send({}), 200)
    assert.equal(await send({ ':authority': `localhost:${port}`, origin: `https://localhost:${port}` }), 200)
    assert.equal(await send({ ':authority': `evil.example:${port}` }), 403)
    assert.equal(await send({ host: `evil.example:${port}` }), 403)
    assert.equal(await send({ origin: 'https://evil.example' }), 403)
    assert.equal(await send({ origin: `http://127.0.0.1:${port}` }), 403)
    assert.deepEqual(sandbox.stats().requests, { '/createTask': 2 })
  })

  test('at the target of a redirect', async t => {
    const { sandbox, balance } = await open(t, { faults: [{ fault: 'redirect' }] })
    const { headers } = await balance()
    const target = String(headers.location)
    assert.equal(
      (await exchange(target, { body: '{}', headers: { origin: 'https://evil.example' } })).status,
      403,
    )
    assert.equal(sandbox.stats().redirectsFollowed, 0)
    assert.equal((await exchange(target, { body: '{}' })).status, 200)
    assert.equal(sandbox.stats().redirectsFollowed, 1)
  })

  test('more than a thousand times, without banning the address or the key', async t => {
    for (const [provider, count] of /** @type {const} */ ([
      ['yescaptcha', 1100],
      ['ezcaptcha', 40],
    ])) {
      const { sandbox, create, post } = await open(t, { provider })
      const http = await import('node:http')
      const agent = new http.Agent({ keepAlive: true })
      t.after(() => agent.destroy())
      for (let sent = 0; sent < count; sent++) {
        const headers = {
          'content-type': 'text/plain',
          origin: 'https://evil.example',
          'sec-fetch-site': 'cross-site',
        }
        await post('/createTask', { clientKey: 'unknown' }, { headers, agent })
      }
      assert.equal((await create()).json.errorId, 0)
      assert.equal(sandbox.stats().bans, 0)
    }
  })

  test('an image or link of a browser that sends neither Origin nor Sec-Fetch-Site does not ban the key', async t => {
    const { sandbox, create } = await open(t)
    const http = await import('node:http')
    const agent = new http.Agent({ keepAlive: true })
    t.after(() => agent.destroy())
    for (let sent = 0; sent < 1100; sent++)
      await exchange(`${sandbox.baseURL}/${sent % 2 ? 'createTask' : 'unknown.png'}`, {
        method: 'GET',
        agent,
      })
    assert.equal((await create()).json.errorId, 0)
  })
})

describe('what legitimate clients send is served', () => {
  test('every name and spelling of this machine', async t => {
    const { sandbox, post } = await open(t)
    for (const name of [
      '127.0.0.1',
      'localhost',
      'LOCALHOST',
      'localhost.',
      'shop.localhost',
      '[::1]',
      '[0:0:0:0:0:0:0:1]',
      '127.1',
      '127.0.0.1.',
    ]) {
      const headers = { host: `${name}:${sandbox.port}` }
      assert.equal((await post('/getBalance', { clientKey: KEY }, { headers })).json?.balance, 10_000, name)
    }
  })

  test('a host name of allowedHosts with any port, and no other', async t => {
    const sandbox = await startSandbox({ clientKey: KEY, allowedHosts: ['api.example'] })
    t.after(() => sandbox.close())
    const statusUnder = async (/** @type {string} */ host) => {
      const body = JSON.stringify({ clientKey: KEY })
      return (await exchange(`${sandbox.baseURL}/getBalance`, { body, headers: { host } })).status
    }
    for (const host of ['api.example', 'API.EXAMPLE', 'api.example:8443', `api.example:${sandbox.port}`])
      assert.equal(await statusUnder(host), 200, host)
    for (const host of ['evil.example', 'evil.api.example', 'api.example.evil.example'])
      assert.equal(await statusUnder(host), 403, host)
    for (const wrong of ['api.example', ['api.example:1'], [1], ['API.example'], ['']])
      await assert.rejects(startSandbox(/** @type {any} */ ({ allowedHosts: wrong })), /allowedHosts must be/)
  })

  test('the host of the option', async t => {
    for (const host of ['localhost', '127.0.0.2', '::1']) {
      const clock = createClock()
      const sandbox = await startSandbox({ host, clientKey: KEY, now: clock.now })
      t.after(() => sandbox.close())
      const { json } = await exchange(`${sandbox.baseURL}/getBalance`, {
        body: JSON.stringify({ clientKey: KEY }),
      })
      assert.equal(json.balance, 10_000, host)
      const headers = { host: `${host.includes(':') ? `[${host}]` : host}:${sandbox.port}` }
      const named = await exchange(`${sandbox.baseURL}/getBalance`, {
        body: JSON.stringify({ clientKey: KEY }),
        headers,
      })
      assert.equal(named.json.balance, 10_000, host)
    }
  })

  test('fetch of Node.js, and a page that the sandbox itself serves', async t => {
    const { sandbox } = await open(t)
    const reply = await fetch(`${sandbox.baseURL}/getBalance`, {
      method: 'POST',
      body: JSON.stringify({ clientKey: KEY }),
      headers: { 'content-type': 'application/json' },
    })
    assert.equal((await reply.json()).balance, 10_000)
    const own = { origin: sandbox.baseURL, 'sec-fetch-site': 'same-origin' }
    const login = await exchange(`${sandbox.baseURL}/login`, {
      body: 'username=me',
      headers: { ...own, 'content-type': 'application/x-www-form-urlencoded' },
    })
    assert.match(login.text, /missing-input-response/)
    const typed = await exchange(sandbox.pageURL({ sitekey: SITEKEY }), {
      method: 'GET',
      headers: { 'sec-fetch-site': 'none' },
    })
    assert.equal(typed.status, 200)
  })

  test('the files of the widget, for a page of this machine and for no other', async t => {
    const { sandbox } = await open(t)
    const files = [
      '/turnstile/v0/api.js',
      '/cdn-cgi/challenge-platform/x',
      '/widget/challenge.js',
      '/widget/challenge.css',
    ]
    /** @type {[Record<string, string>, number][]} */
    const rows = [
      [{ 'sec-fetch-site': 'same-site' }, 200],
      [{ 'sec-fetch-site': 'cross-site', referer: 'http://localhost:3000/login' }, 200],
      [{ 'sec-fetch-site': 'cross-site', referer: 'http://[::1]:3000/' }, 200],
      [{ 'sec-fetch-site': 'cross-site', origin: 'http://localhost:3000' }, 403],
      [{ 'sec-fetch-site': 'cross-site', referer: 'https://evil.example/' }, 403],
      [{ 'sec-fetch-site': 'cross-site', referer: 'http://localhost.evil.example/' }, 403],
      [
        { 'sec-fetch-site': 'cross-site', referer: 'http://localhost:3000/', origin: 'https://evil.example' },
        403,
      ],
      [{ 'sec-fetch-site': 'same-site', origin: 'null' }, 403],
      [{ 'sec-fetch-site': 'cross-site' }, 403],
    ]
    for (const [headers, status] of rows)
      for (const path of files)
        assert.equal(
          (await exchange(`${sandbox.baseURL}${path}`, { method: 'GET', headers })).status,
          status,
          `${path} ${JSON.stringify(headers)}`,
        )
    for (const path of ['/widget', '/widget/page.js', '/unknown'])
      assert.equal(
        (
          await exchange(`${sandbox.baseURL}${path}`, {
            method: 'GET',
            headers: { 'sec-fetch-site': 'same-site' },
          })
        ).status,
        403,
        path,
      )
  })

  test('a link to the dashboard, but nothing else of it', async t => {
    const { sandbox } = await open(t, { dashboard: true })
    const link = {
      'sec-fetch-site': 'cross-site',
      'sec-fetch-mode': 'navigate',
      'sec-fetch-dest': 'document',
    }
    const get = (/** @type {string} */ path, /** @type {Record<string, string>} */ headers) =>
      exchange(`${sandbox.baseURL}${path}`, { method: 'GET', headers })
    assert.equal((await get('/sandbox', link)).status, 200)
    assert.equal((await get('/sandbox', { ...link, 'sec-fetch-dest': 'iframe' })).status, 403)
    assert.equal((await get('/sandbox/events', link)).status, 403)
    assert.equal((await get('/widget', link)).status, 403)
  })
})

test('it listens on a literal address and prints literal addresses', async t => {
  for (const host of [undefined, 'localhost', 'LOCALHOST']) {
    const sandbox = await startSandbox({ dashboard: true, ...(host === undefined ? {} : { host }) })
    t.after(() => sandbox.close())
    for (const url of [
      sandbox.baseURL,
      sandbox.account.baseURL,
      sandbox.siteverifyURL,
      sandbox.pageURL(),
      sandbox.dashboardURL,
    ])
      assert.equal(new URL(url ?? '').hostname, '127.0.0.1', url)
  }
})
