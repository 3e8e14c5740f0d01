/** The server's half of the sandbox's dashboard: what is told to those who look on, and who may touch the switches. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import http from 'node:http'
import http2 from 'node:http2'
import { describe, test } from 'node:test'
import { faults } from '../lib/sandbox/index.mjs'
import { createClock, exchange, KEY, open } from './support/sandbox-client.mjs'

/** @typedef {Awaited<ReturnType<typeof open>>} House */
/** @typedef {{ name: string, data: any }} Message */

/** @param {string} name */
const pem = name => readFileSync(new URL(`fixtures/tls/${name}.pem`, import.meta.url), 'utf8')

/** @param {import('node:test').TestContext} t @param {import('../lib/sandbox/index.mjs').SandboxOptions} [options] */
const withDashboard = (t, options) => open(t, { dashboard: true, ...options })

/** Looks on until the test ends. `until` gives the first message from now on that is the one. @param {House} house */
async function watched({ sandbox }) {
  const request = http.get(`${sandbox.dashboardURL}/events`, { agent: false })
  const [response] = /** @type {[http.IncomingMessage]} */ (await once(request, 'response'))
  assert.equal(response.headers['content-type'], 'text/event-stream')
  // The sandbox's end of the test destroys it.
  response.on('error', () => {})
  request.on('error', () => {})
  /** @type {Message[]} */
  const told = []
  /** @type {Set<() => void>} */
  const waiting = new Set()
  let text = ''
  response.setEncoding('utf8').on('data', chunk => {
    text += chunk
    const parts = text.split('\n\n')
    text = parts.pop() ?? ''
    for (const part of parts) {
      const [, name, data] = /^event: (\w+)\ndata: (.*)$/.exec(part) ?? []
      if (name) told.push({ name, data: JSON.parse(data) })
    }
    for (const look of waiting) look()
  })
  /** @param {(message: Message) => unknown} isOne @returns {Promise<any>} */
  const until = isOne =>
    new Promise(resolve => {
      const look = () => {
        const found = told.find(isOne)
        if (!found) return
        waiting.delete(look)
        resolve(found.data)
      }
      waiting.add(look)
      look()
    })
  return { told, until, leave: () => request.destroy() }
}

/** What the page's own switches send. @param {House} house @param {unknown} body @param {Record<string, string>} [headers] */
const order = ({ sandbox }, body, headers) =>
  exchange(`${sandbox.dashboardURL}/switch`, {
    body: JSON.stringify(body),
    headers: { origin: sandbox.baseURL, ...headers },
  })

describe('who looks on', () => {
  test('is told how things are, then what happens; a key is never told, nor a whole token', async t => {
    const house = await withDashboard(t)
    const { json } = await house.create()
    const { until, told } = await watched(house)
    const first = await until(({ name }) => name === 'everything')
    assert.deepEqual(
      [first.counts.tasks.created, first.rows.length, first.rows[0].polls, first.rows[0].token],
      [1, 1, 0, null],
    )
    assert.deepEqual(first.accounts, [{ key: '…cdef', points: 9985 }])

    house.clock.advance(3000)
    const { token } = (await house.poll(json.taskId)).json.solution
    await house.verify({ secret: house.sandbox.secret, response: token })
    const isVerified = (/** @type {Message} */ { data }) =>
      data.events?.some((/** @type {any} */ event) => event.type === 'verified')
    const { rows } = await until(isVerified)
    assert.deepEqual([rows[0].polls, rows[0].delivered, rows[0].verified], [1, true, true])
    assert.deepEqual(rows[0].token, { starts: token.slice(0, 14), length: token.length })
    const types = told.flatMap(({ data }) => data.events ?? []).map(event => [event.type, event.taskNumber])
    assert.deepEqual(types, [
      ['task:polled', 1],
      ['task:ready', 1],
      ['task:delivered', 1],
      ['verified', 1],
    ])
    const everything = JSON.stringify(told)
    assert.ok(!everything.includes(KEY) && !everything.includes(token))
  })

  test('is told of a task whose fields have no text, too', async t => {
    const house = await withDashboard(t, { provider: 'custom' })
    const { until } = await watched(house)
    await house.create({ websiteURL: { toString: 1 }, websiteKey: [{ toString: 1 }] })
    const { rows } = await until(({ data }) => data.rows?.length > 0)
    assert.deepEqual([rows[0].websiteURL, rows[0].websiteKey], ['', ''])
  })

  test('costs nothing once nobody does: nothing is listened to', async t => {
    const house = await withDashboard(t)
    const { events } = house.sandbox
    assert.equal(events.listenerCount('*'), 0)
    const one = await watched(house)
    const other = await watched(house)
    assert.equal(events.listenerCount('*'), 1)
    one.leave()
    other.leave()
    while (events.listenerCount('*') > 0) await new Promise(resolve => setImmediate(resolve))
  })

  test('leaves no trace in what is counted', async t => {
    const house = await withDashboard(t)
    await watched(house)
    await exchange(house.sandbox.dashboardURL ?? '', { method: 'GET' })
    assert.deepEqual(house.sandbox.stats().requests, {})
  })

  test('is shown the newest tasks of a crowd, and the whole of its counts', async t => {
    const house = await withDashboard(t, { balance: 1e6 })
    for (let made = 0; made < 210; made++) await house.create()
    const { until } = await watched(house)
    const { rows, counts } = await until(({ name }) => name === 'everything')
    assert.deepEqual([counts.tasks.created, rows.length, rows.at(-1).taskNumber], [210, 200, 210])
  })
})

describe('a watcher', () => {
  test('of more than can be read is told how things are instead', async t => {
    const house = await withDashboard(t)
    const { told, until } = await watched(house)
    await until(({ name }) => name === 'everything')
    const { json } = await house.create()
    await until(({ data }) => data.rows?.[0]?.taskId === json.taskId)
    const before = told.length
    const event = {
      type: 'task:polled',
      taskId: json.taskId,
      taskNumber: 1,
      polls: 1,
      state: 'processing',
      at: 0,
    }
    for (let polls = 1; polls <= 501; polls++) house.sandbox.events.emit('*', { ...event, polls })
    await until(message => told.indexOf(message) >= before)
    assert.equal(told[before].name, 'everything')
  })

  test('is one of sixteen at most', async t => {
    const house = await withDashboard(t)
    for (let watchers = 0; watchers < 16; watchers++) await watched(house)
    const one = await exchange(`${house.sandbox.dashboardURL}/events`, { method: 'GET' })
    assert.equal(one.status, 503)
  })
})

describe('the switches', () => {
  test('put a fault on and off while a script runs, and say how often it struck', async t => {
    const house = await withDashboard(t)
    const { until } = await watched(house)
    const rule = { fault: '503', method: 'getBalance', times: 'always', retryAfter: 2 }
    assert.equal((await order(house, { do: 'addFault', rule })).status, 200)
    const { status, headers } = await house.balance()
    assert.deepEqual([status, headers['retry-after']], [503, '2'])
    const { rules } = await until(({ data }) => data.rules[0]?.hits === 1)
    assert.deepEqual([rules[0].fault, rules[0].method, rules[0].times], ['503', 'getBalance', null])
    assert.equal((await order(house, { do: 'removeFault', id: rules[0].id })).status, 200)
    assert.equal((await house.balance()).status, 200)
    await order(house, { do: 'addFault', rule: { ...rule, fault: '502' } })
    assert.equal((await house.balance()).status, 502)
    await order(house, { do: 'clearFaults' })
    assert.equal((await house.balance()).status, 200)
  })

  test('set the solve time of the tasks that come after', async t => {
    const house = await withDashboard(t)
    await house.create()
    assert.equal((await order(house, { do: 'solveTime', solveTimeMs: [700, 700] })).status, 200)
    await house.create()
    assert.equal((await order(house, { do: 'solveTime', solveTimeMs: 'never' })).status, 200)
    await house.create()
    house.sandbox.setSolveTime(50)
    await house.create()
    const times = house.sandbox.tasks().map(({ createdAt, readyAt }) => readyAt - createdAt)
    assert.deepEqual(times, [3000, 700, Number.POSITIVE_INFINITY, 50])
    assert.throws(() => house.sandbox.setSolveTime(-1), TypeError)
  })

  test('say what makes no sense, and leave all as it was', async t => {
    const house = await withDashboard(t)
    /** @type {[unknown, RegExp][]} */
    const orders = [
      [{ do: 'addFault', rule: { fault: 'full-moon' } }, /unknown fault 'full-moon'/],
      [{ do: 'addFault', rule: { fault: '429', retryAfter: '1\nx: y' } }, /retryAfter makes no sense/],
      [{ do: 'addFault', rule: { fault: 'redirect', location: 'http://x/' } }, /unknown field 'location'/],
      [
        { do: 'addFault', rule: { fault: 'connection-reset', probability: 2 } },
        /probability must be from 0 to 1/,
      ],
      [
        { do: 'addFault', rule: { fault: 'failed-task', method: 'getBalance' } },
        /does not apply to getBalance/,
      ],
      [{ do: 'addFault' }, /the rule must be an object/],
      [{ do: 'removeFault', id: 7 }, /that rule is gone/],
      [{ do: 'solveTime', solveTimeMs: [5, 1] }, /must be \[min, max\]/],
      [{ do: 'constructor' }, /do must be one of/],
      [null, /must be an object/],
      ['x'.repeat(20_000), /too large/],
    ]
    for (const [body, says] of orders) {
      const { status, json } = await order(house, body)
      assert.equal(status, 400)
      assert.match(json.error, says)
    }
    assert.equal((await house.balance()).status, 200)
  })

  test('explain every fault that they have', async t => {
    const house = await withDashboard(t)
    const { json } = await exchange(`${house.sandbox.dashboardURL}/faults.json`, { method: 'GET' })
    const names = json.faults.map((/** @type {any} */ { name }) => name)
    assert.deepEqual(
      names.sort(),
      faults
        .map(({ name }) => name)
        .filter(name => name !== 'reply')
        .sort(),
    )
    for (const { name, explanation } of json.faults) assert.match(explanation, /^[A-Z].{20,}\.$/s, name)
  })
})

describe('a stranger', () => {
  /** @type {[string, Record<string, string>][]} */
  const strangers = [
    ['from another site', { origin: 'https://evil.example' }],
    ['from another port of this machine', { origin: 'http://127.0.0.1:1' }],
    ['from a file or a frame without an origin', { origin: 'null' }],
    ['under a name that leads here', { host: 'evil.example', origin: 'http://evil.example' }],
    ['whom the browser calls cross-site', { 'sec-fetch-site': 'cross-site' }],
    ['from another name of this machine', { 'sec-fetch-site': 'same-site' }],
  ]
  for (const [who, headers] of strangers) {
    test(`${who} cannot touch the switches`, async t => {
      const house = await withDashboard(t, { faults: [{ fault: '503', method: 'getBalance', times: 9 }] })
      assert.equal((await order(house, { do: 'clearFaults' }, headers)).status, 403)
      assert.equal((await house.balance()).status, 503)
      const looks = await exchange(`${house.sandbox.dashboardURL}/events`, { method: 'GET', headers })
      assert.equal(looks.status, 403)
    })
  }

  test('without an origin cannot either, nor with a form', async t => {
    const house = await withDashboard(t)
    const url = `${house.sandbox.dashboardURL}/switch`
    const body = JSON.stringify({ do: 'clearFaults' })
    assert.equal((await exchange(url, { body })).status, 403)
    const headers = { origin: house.sandbox.baseURL, 'content-type': 'text/plain' }
    assert.equal((await exchange(url, { body, headers })).status, 415)
    assert.equal((await exchange(url, { method: 'GET' })).status, 405)
  })
})

describe('the page', () => {
  test('is strict: nothing inline, nothing from elsewhere, in no frame, never stored', async t => {
    const { sandbox } = await withDashboard(t)
    const { status, headers, text } = await exchange(sandbox.dashboardURL ?? '', { method: 'GET' })
    assert.equal(status, 200)
    const policy = String(headers['content-security-policy'])
    assert.match(policy, /^default-src 'none'; script-src 'self'; style-src 'self';/)
    assert.match(policy, /frame-ancestors 'none'; require-trusted-types-for 'script'/)
    assert.doesNotMatch(policy, /unsafe|\*|http/)
    assert.equal(headers['cache-control'], 'no-store')
    assert.equal(headers['x-content-type-options'], 'nosniff')
    assert.doesNotMatch(text, /<script>|<style|\sstyle=|\son\w+=/)
    for (const [, path] of text.matchAll(/(?:src|href)="(\/[^"]+)"/g))
      assert.equal((await exchange(`${sandbox.baseURL}${path}`, { method: 'GET' })).status, 200, path)
  })

  test('is reached by every name of this machine', async t => {
    const { sandbox } = await withDashboard(t)
    for (const name of ['127.0.0.1', 'localhost', '[::1]', 'LOCALHOST']) {
      const headers = { host: `${name}:${sandbox.port}` }
      assert.equal((await exchange(sandbox.dashboardURL ?? '', { method: 'GET', headers })).status, 200, name)
    }
  })

  test('is not there unless it is asked for, and a path of nobody stays the vendor’s', async t => {
    const { sandbox } = await open(t)
    assert.equal(sandbox.dashboardURL, undefined)
    const { json } = await exchange(`${sandbox.baseURL}/sandbox`, { method: 'GET' })
    assert.equal(json.errorCode, 'ERROR_PAGE_NOT_FOUND')
    const house = await withDashboard(t)
    assert.equal((await exchange(`${house.sandbox.dashboardURL}/none`, { method: 'GET' })).status, 404)
  })

  test('is served over TLS and HTTP/2 too, with its events and its switches', async t => {
    const { sandbox } = await withDashboard(t, {
      tls: { key: pem('localhost.key'), cert: pem('localhost.cert') },
    })
    const session = http2.connect(sandbox.baseURL, { ca: pem('ca.cert') })
    session.on('error', () => {})
    t.after(() => session.destroy())
    /** @param {http2.OutgoingHttpHeaders} headers @param {unknown} [body] */
    const ask = async (headers, body) => {
      const stream = session.request(headers)
      stream.setEncoding('utf8').end(body === undefined ? undefined : JSON.stringify(body))
      const [{ ':status': status }] = await once(stream, 'response')
      return { stream, status }
    }
    assert.equal((await ask({ ':path': '/sandbox' })).status, 200)
    const { stream, status } = await ask({ ':path': '/sandbox/events' })
    assert.equal(status, 200)
    const json = { ':method': 'POST', 'content-type': 'application/json' }
    const rule = { fault: '502', method: 'getBalance' }
    const switched = await ask(
      { ...json, ':path': '/sandbox/switch', origin: sandbox.baseURL },
      { do: 'addFault', rule },
    )
    assert.equal(switched.status, 200)
    assert.equal((await ask({ ...json, ':path': '/getBalance' }, { clientKey: KEY })).status, 502)
    let told = ''
    for await (const chunk of stream) {
      told += chunk
      if (told.includes('"type":"fault"')) break
    }
    assert.match(told, /^event: everything$/m)
    stream.close()
    while (sandbox.events.listenerCount('*') > 0) await new Promise(resolve => setImmediate(resolve))
  })

  test('closing the sandbox ends those who look on', async t => {
    const house = await withDashboard(t, { now: createClock().now })
    await watched(house)
    await house.sandbox.close()
    assert.equal(house.sandbox.events.listenerCount('*'), 0)
  })
})

test('docs/sandbox.md names only members that a sandbox has', async t => {
  const document = readFileSync(new URL('../docs/sandbox.md', import.meta.url), 'utf8')
  const { sandbox } = await withDashboard(t)
  const names = [...document.matchAll(/`sandbox\.(\w+)(?![\w/.])/g)].map(([, name]) => name)
  assert.ok(names.length > 5, `${names}`)
  for (const name of names) assert.ok(name in sandbox, name)
})
