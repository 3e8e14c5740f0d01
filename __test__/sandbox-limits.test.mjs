/** Bodies, nesting and memory are limited, and a function of the user that throws does not end the process. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import http from 'node:http'
import http2 from 'node:http2'
import net from 'node:net'
import { describe, test } from 'node:test'
import { createBans, shortKey } from '../lib/sandbox/bans.mjs'
import { startSandbox } from '../lib/sandbox/index.mjs'
import { providers } from '../lib/sandbox/providers/index.mjs'
import { createStore } from '../lib/sandbox/store.mjs'
import { createClock, exchange, KEY, open, SITEKEY, WEBSITE } from './support/sandbox-client.mjs'

const MEBIBYTE = 1024 * 1024
/** @param {string} name */
const pem = name => readFileSync(new URL(`fixtures/tls/${name}.pem`, import.meta.url), 'utf8')

/** A createTask body of a number of bytes. @param {number} bytes */
function taskBody(bytes) {
  const task = { type: 'TurnstileTaskProxyless', websiteURL: WEBSITE, websiteKey: SITEKEY, padding: '' }
  const empty = JSON.stringify({ clientKey: KEY, task }).length
  return JSON.stringify({ clientKey: KEY, task: { ...task, padding: 'x'.repeat(bytes - empty) } })
}

describe('a body', () => {
  test('of 1 MiB is read, and of one byte more is refused with 413', async t => {
    const { sandbox } = await open(t)
    const url = `${sandbox.baseURL}/createTask`
    assert.equal((await exchange(url, { body: taskBody(MEBIBYTE) })).json.errorId, 0)
    /** @type {Record<string, string>[]} */
    const framings = [{}, { 'transfer-encoding': 'chunked' }]
    for (const headers of framings) {
      const { status } = await exchange(url, { body: taskBody(MEBIBYTE + 1), headers })
      assert.equal(status, 413, JSON.stringify(headers))
    }
    assert.equal(sandbox.stats().tasks.created, 1)
  })

  for (const path of [
    '/createTask',
    '/getTaskResult',
    '/turnstile/v0/siteverify',
    '/login',
    '/unknown',
    '/sandbox/controls',
    '/sandbox',
  ])
    test(`without an end is not read on, and its connection is closed, at ${path}`, async t => {
      const { sandbox } = await open(t, { dashboard: true })
      const socket = net.connect({ host: '127.0.0.1', port: sandbox.port })
      socket.on('error', () => {})
      socket.write(
        `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1:${sandbox.port}\r\norigin: ${sandbox.baseURL}\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n`,
      )
      const chunk = `10000\r\n${' '.repeat(0x10000)}\r\n`
      const closed = new Promise(resolve => socket.once('close', resolve))
      let reply = ''
      socket.setEncoding('utf8').on('data', text => {
        reply += text
      })
      let over = false
      closed.then(() => {
        over = true
      })
      while (!over) {
        if (!socket.write(chunk)) await Promise.race([once(socket, 'drain').catch(() => {}), closed])
      }
      assert.match(reply, /^HTTP\/1\.1 413 /)
    })

  test('that is announced as too long is refused before it is sent', async t => {
    const { sandbox } = await open(t)
    const request = http.request(`${sandbox.baseURL}/createTask`, {
      ...{ method: 'POST', agent: false },
      headers: {
        'content-type': 'application/json',
        'content-length': 30 * MEBIBYTE,
        expect: '100-continue',
      },
    })
    request.on('error', () => {})
    let continued = false
    request.on('continue', () => {
      continued = true
    })
    request.flushHeaders()
    const [response] = /** @type {[http.IncomingMessage]} */ (await once(request, 'response'))
    assert.deepEqual([response.statusCode, continued], [413, false])
    request.destroy()
  })

  test('is asked for with 100 Continue where the client waits for it', async t => {
    const { sandbox } = await open(t)
    const body = JSON.stringify({ clientKey: KEY })
    const request = http.request(`${sandbox.baseURL}/getBalance`, {
      ...{ method: 'POST', agent: false },
      headers: { 'content-type': 'application/json', 'content-length': body.length, expect: '100-continue' },
    })
    request.on('continue', () => request.end(body))
    request.flushHeaders()
    const [response] = /** @type {[http.IncomingMessage]} */ (await once(request, 'response'))
    assert.equal(response.statusCode, 200)
    response.resume()
  })

  test('without an end is refused over HTTP/2, and the connection stays', async t => {
    const { sandbox } = await open(t, { tls: { key: pem('localhost.key'), cert: pem('localhost.cert') } })
    const session = http2.connect(sandbox.baseURL, { ca: pem('ca.cert') })
    session.on('error', () => {})
    t.after(() => session.destroy())
    const headers = { ':method': 'POST', ':path': '/createTask', 'content-type': 'application/json' }
    const stream = session.request(headers)
    stream.on('error', () => {})
    const aborted = new Promise(resolve => stream.once('aborted', resolve))
    let status = 0
    stream.on('response', reply => {
      status = Number(reply[':status'])
    })
    stream.resume()
    while (!stream.closed && !stream.destroyed)
      await Promise.race([new Promise(resolve => stream.write(' '.repeat(0x4000), resolve)), aborted])
    stream.destroy()
    assert.equal(status, 413)
    const again = session.request({ ...headers, ':path': '/getBalance' })
    again.end(JSON.stringify({ clientKey: KEY }))
    assert.equal((await once(again, 'response'))[0][':status'], 200)
    again.resume()
  })
})

describe('deeply nested JSON is refused when it arrives', () => {
  const depths = [101, 2_000, 80_000]
  /** @type {[string, (depth: number) => string][]} */
  const shapes = [
    ['lists', depth => '['.repeat(depth) + ']'.repeat(depth)],
    ['objects', depth => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`],
    ['lists that are not closed', depth => '['.repeat(depth)],
    [
      'both, after text with brackets',
      depth => `["[[{{\\"]]",${'[{"}":'.repeat(depth >> 1)}0${'}]'.repeat(depth >> 1)}]`,
    ],
  ]
  for (const [what, shape] of shapes)
    test(`as ${what}, in a task, beside it, in its id, and in a verification`, async t => {
      const { sandbox } = await open(t, { provider: 'custom', solveTimeMs: () => 0 })
      for (const depth of depths) {
        const deep = shape(depth)
        for (const [path, body] of [
          ['/createTask', `{"clientKey":"${KEY}","task":{"type":"TurnstileTask","x":${deep}}}`],
          ['/createTask', `{"clientKey":"${KEY}","task":{"type":"TurnstileTask"},"softId":${deep}}`],
          ['/createTask', deep],
          ['/getTaskResult', `{"clientKey":"${KEY}","taskId":${deep}}`],
          ['/getBalance', `{"clientKey":${deep}}`],
        ]) {
          const { status, json } = await exchange(`${sandbox.baseURL}${path}`, { body })
          assert.equal(status, 200)
          assert.notEqual(json.errorId, 0, `${path} ${depth}`)
        }
        const body = `{"secret":${deep},"response":${deep}}`
        assert.equal((await exchange(sandbox.siteverifyURL, { body })).json.success, false)
      }
      assert.deepEqual(sandbox.tasks(), [])
    })

  test('and JSON nested as deep as a client may send is accepted', async t => {
    const { sandbox, create } = await open(t, { provider: 'custom', solveTimeMs: () => 0 })
    const deep = JSON.parse('['.repeat(90) + ']'.repeat(90))
    assert.equal((await create({ deep })).json.errorId, 0)
    assert.deepEqual(sandbox.tasks()[0].task.deep, deep)
  })
})

describe('what is kept has a byte budget', () => {
  test('of large tasks only the newest keep all their fields, and the older ones still work', async t => {
    const { sandbox, create, poll, verify, clock } = await open(t, { provider: 'custom', balance: 1e6 })
    const fields = { padding: 'x'.repeat(1_000_000), action: 'login', cData: 'session-1' }
    const { taskId } = (await create(fields)).json
    for (let created = 1; created < 80; created++) await create(fields)
    const tasks = sandbox.tasks()
    assert.equal(tasks.length, 80)
    const bytes = tasks.reduce((sum, { task }) => sum + JSON.stringify(task).length, 0)
    assert.ok(bytes <= 64 * MEBIBYTE, `${bytes} bytes`)
    const [first, last] = [tasks[0], tasks[79]]
    assert.deepEqual(first.task, { type: 'TurnstileTask', websiteURL: WEBSITE, websiteKey: SITEKEY })
    assert.equal(first.truncated, true)
    assert.equal(last.task.padding?.toString().length, 1_000_000)
    assert.ok(!('truncated' in last))
    clock.advance(3000)
    const { token } = (await poll(taskId)).json.solution
    const { json } = await verify({ secret: sandbox.secret, response: token })
    assert.deepEqual(
      [json.success, json.hostname, json.action, json.cdata],
      [true, 'shop.example', 'login', 'session-1'],
    )
  })

  test('in fields beside the task, too', async t => {
    const { sandbox, create } = await open(t, { provider: 'custom', balance: 1e6 })
    for (let created = 0; created < 80; created++)
      await create({}, { softId: 'x'.repeat(1_000_000), appId: created })
    const bytes = JSON.stringify(sandbox.tasks()).length
    assert.ok(bytes <= 65 * MEBIBYTE, `${bytes} bytes`)
  })

  test('of the keys that are counted for bans', () => {
    const { now } = createClock()
    const bans = createBans(
      [{ by: 'key', calls: null, codes: null, limit: 3, windowMs: 1000, banMs: 1000 }],
      now,
    )
    const key = 'k'.repeat(1_000_000)
    assert.ok(shortKey(key).length <= 100)
    for (const more of ['a', 'b', 'c']) bans.record('createTask', 'ERROR', key + more, '')
    assert.equal(bans.until(`${key}a`, ''), 0, 'long keys are distinguished')
    bans.record('createTask', 'ERROR', `${key}a`, '')
    bans.record('createTask', 'ERROR', `${key}a`, '')
    assert.equal(bans.until(`${key}a`, ''), now() + 1000)
  })

  test('of tasks, of which the oldest are removed when there are too many', () => {
    const clock = createClock()
    const store = createStore({
      ...{ provider: providers.custom, accounts: { [KEY]: 1e9 }, price: () => 1, solveTimeMs: 0, seed: '1' },
      ...{ now: clock.now, limits: { bytes: 10_000, tasks: 2000 } },
    })
    const create = () =>
      /** @type {import('../lib/sandbox/store.mjs').Task} */ (
        store.create(KEY, { task: { type: 'a', padding: 'x'.repeat(400) } })
      )
    const first = create()
    const token = store.token(first)
    for (let created = 1; created < 2000; created++) create()
    assert.equal(store.find(first.taskId), first)
    assert.equal(store.list().filter(({ sent }) => sent !== null).length, 11)
    for (let created = 0; created < 3000; created++) create()
    assert.equal(store.list().length, 2000)
    assert.equal(store.list()[0].taskNumber, 3001)
    assert.deepEqual([store.find(first.taskId), store.tokenOwner(token)], [undefined, 'gone'])
    assert.equal(store.totals.expired, 3000)
    const last = create()
    assert.equal(store.tokenOwner(store.token(last)), last)
    clock.advance(600_000)
    store.sweep()
    assert.deepEqual([store.list().length, store.totals.expired], [0, 5001])
  })

  test('in events, whatever is sent', async t => {
    const { sandbox, post, create, poll, verify } = await open(t, { provider: 'custom', balance: 1e6 })
    /** @type {number[]} */
    const sizes = []
    sandbox.events.on('*', event => sizes.push(JSON.stringify(event).length))
    const long = 'x'.repeat(200_000)
    await create(
      { type: long, websiteURL: `https://${long}`, websiteKey: long, action: long },
      { softId: long },
    )
    await poll(long)
    await poll([long], long)
    await verify({ secret: long, response: long, idempotency_key: long })
    await post(`/${'x'.repeat(8000)}`, { clientKey: long })
    assert.ok(sizes.length > 5 && Math.max(...sizes) < 2000, `${sizes}`)
  })

  test('on the dashboard, whatever is sent', async t => {
    const { sandbox, create } = await open(t, { provider: 'custom', balance: 1e6, dashboard: true })
    const long = 'x'.repeat(900_000)
    for (let created = 0; created < 20; created++)
      await create({ type: long, websiteURL: `https://${long}`, websiteKey: long })
    const request = http.get(`${sandbox.dashboardURL}/events`, { agent: false })
    const [response] = /** @type {[http.IncomingMessage]} */ (await once(request, 'response'))
    request.on('error', () => {})
    const [chunk] = await once(response, 'data')
    request.destroy()
    assert.match(String(chunk), /event: everything/)
    assert.ok(chunk.length < 64 * 1024, `${chunk.length}`)
  })
})

describe('a function of the user that throws is answered with 500, and the sandbox goes on', () => {
  /** @type {[string, import('../lib/sandbox/index.mjs').SandboxOptions, string][]} */
  const cases = [
    [
      'solveTimeMs',
      {
        solveTimeMs: () => {
          throw new Error('no time')
        },
      },
      '/createTask',
    ],
    [
      'solveTimeMs, with a value that is no error',
      {
        solveTimeMs: () => {
          throw null
        },
      },
      '/createTask',
    ],
    [
      'solveTimeMs, with a value that cannot be printed',
      {
        solveTimeMs: () => {
          throw Object.create(null)
        },
      },
      '/createTask',
    ],
    [
      'solveTimeMs, which returns no number',
      { solveTimeMs: () => /** @type {any} */ ('soon') },
      '/createTask',
    ],
    [
      'solveTimeMs, which returns a promise',
      { solveTimeMs: () => /** @type {any} */ (Promise.reject(new Error('later'))) },
      '/createTask',
    ],
    ['a reply that is no JSON', { faults: [{ fault: 'reply', body: 1n }] }, '/getBalance'],
    [
      'a reply with a getter that throws',
      {
        faults: [
          {
            fault: 'reply',
            body: {
              get a() {
                throw new Error('no')
              },
            },
          },
        ],
      },
      '/getBalance',
    ],
    [
      'a reply with an invalid header',
      { faults: [{ fault: 'reply', headers: { 'x y': '1' } }] },
      '/getBalance',
    ],
    ['a reply with an invalid status', { faults: [{ fault: 'reply', status: 42 }] }, '/getBalance'],
    ['a reply after a delay', { faults: [{ fault: 'reply', delayMs: 1, body: 1n }] }, '/getBalance'],
    [
      'an error with an invalid Retry-After',
      { faults: [{ fault: 'error', retryAfter: '1\n2' }] },
      '/getBalance',
    ],
    ['an error with an invalid status', { faults: [{ fault: 'error', status: 1e9 }] }, '/getBalance'],
    [
      'a redirect to an invalid location',
      { faults: [{ fault: 'redirect', location: 'a\nb' }] },
      '/getBalance',
    ],
    ['an oversized reply that is too long', { faults: [{ fault: 'oversized', bytes: -1 }] }, '/getBalance'],
    ['deep JSON of an invalid depth', { faults: [{ fault: 'deep-json', depth: -1 }] }, '/getBalance'],
    [
      'siteverify',
      { faults: [{ method: 'siteverify', fault: 'reply', body: 1n }] },
      '/turnstile/v0/siteverify',
    ],
  ]
  for (const [what, options, path] of cases)
    test(what, async t => {
      const unhandled = t.mock.fn()
      process.on('uncaughtException', unhandled)
      process.on('unhandledRejection', unhandled)
      t.after(() => {
        process.off('uncaughtException', unhandled)
        process.off('unhandledRejection', unhandled)
      })
      const { post, task, balance, sandbox } = await open(t, options)
      const { status, text } = await post(path, { clientKey: KEY, task })
      assert.equal(status, 500)
      assert.match(text, /^The sandbox failed: .+\n$/)
      assert.equal((await balance()).json.balance, 10_000)
      await sandbox.close()
      assert.equal(unhandled.mock.callCount(), 0)
    })

  test('a listener of an event', async t => {
    const { sandbox, balance } = await open(t)
    sandbox.events.once('request', () => {
      throw new Error('in a listener')
    })
    const { status, text } = await balance()
    assert.deepEqual([status, text], [500, 'The sandbox failed: in a listener\n'])
    assert.equal((await balance()).status, 200)
  })

  test('the clock, also while a dashboard is open', async t => {
    let fails = false
    const now = () => {
      if (fails) throw new Error('no clock')
      return 1_700_000_000_000
    }
    const sandbox = await startSandbox({ clientKey: KEY, now, dashboard: true })
    t.after(() => sandbox.close())
    const request = http.get(`${sandbox.dashboardURL}/events`, { agent: false })
    const [response] = /** @type {[http.IncomingMessage]} */ (await once(request, 'response'))
    request.on('error', () => {})
    response.on('error', () => {})
    let text = ''
    response.setEncoding('utf8').on('data', chunk => {
      text += chunk
    })
    const call = () =>
      exchange(`${sandbox.baseURL}/createTask`, {
        body: JSON.stringify({
          clientKey: KEY,
          task: { type: 'TurnstileTaskProxyless', websiteURL: WEBSITE, websiteKey: SITEKEY },
        }),
      })
    fails = true
    assert.equal((await call()).status, 500)
    assert.equal((await exchange(`${sandbox.dashboardURL}/events`, { method: 'GET' })).status, 500)
    fails = false
    assert.equal((await call()).status, 200)
    while (!text.includes('"tasks":{"created":1,')) await once(response, 'data')
  })
})
