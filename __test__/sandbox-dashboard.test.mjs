/** The server side of the dashboard: the events that it sends, and who may use its controls. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import http from 'node:http'
import http2 from 'node:http2'
import { describe, test } from 'node:test'
import { faults } from '../lib/sandbox/index.mjs'
import { createClock, exchange, KEY, open } from './support/sandbox-client.mjs'

/** @typedef {Awaited<ReturnType<typeof open>>} Setup */
/** @typedef {{ name: string, data: any }} Message */

/** @param {string} name */
const pem = name => readFileSync(new URL(`fixtures/tls/${name}.pem`, import.meta.url), 'utf8')

/** @param {import('node:test').TestContext} t @param {import('../lib/sandbox/index.mjs').SandboxOptions} [options] */
const withDashboard = (t, options) => open(t, { dashboard: true, ...options })

/** Opens the event stream until the test ends. `until` resolves with the first message that matches. @param {Setup} setup */
async function openEvents({ sandbox }) {
  const request = http.get(`${sandbox.dashboardURL}/events`, { agent: false })
  const [response] = /** @type {[http.IncomingMessage]} */ (await once(request, 'response'))
  assert.equal(response.headers['content-type'], 'text/event-stream')
  // Closing the sandbox destroys it.
  response.on('error', () => {})
  request.on('error', () => {})
  /** @type {Message[]} */
  const messages = []
  /** @type {Set<() => void>} */
  const waiting = new Set()
  let text = ''
  response.setEncoding('utf8').on('data', chunk => {
    text += chunk
    const parts = text.split('\n\n')
    text = parts.pop() ?? ''
    for (const part of parts) {
      const [, name, data] = /^event: (\w+)\ndata: (.*)$/.exec(part) ?? []
      if (name) messages.push({ name, data: JSON.parse(data) })
    }
    for (const look of waiting) look()
  })
  /** @param {(message: Message) => unknown} isOne @returns {Promise<any>} */
  const until = isOne =>
    new Promise(resolve => {
      const look = () => {
        const found = messages.find(isOne)
        if (!found) return
        waiting.delete(look)
        resolve(found.data)
      }
      waiting.add(look)
      look()
    })
  return { messages, until, leave: () => request.destroy() }
}

/** Sends what the controls of the page send. @param {Setup} setup @param {unknown} body @param {Record<string, string>} [headers] */
const sendCommand = ({ sandbox }, body, headers) =>
  exchange(`${sandbox.dashboardURL}/controls`, {
    body: JSON.stringify(body),
    headers: { origin: sandbox.baseURL, ...headers },
  })

describe('the event stream', () => {
  test('sends the whole state, then changes, and never a key or a whole token', async t => {
    const setup = await withDashboard(t)
    const { json } = await setup.create()
    const { until, messages } = await openEvents(setup)
    const first = await until(({ name }) => name === 'everything')
    assert.deepEqual(
      [first.counts.tasks.created, first.rows.length, first.rows[0].polls, first.rows[0].token],
      [1, 1, 0, null],
    )
    assert.deepEqual(first.accounts, [{ key: '…cdef', points: 9985 }])

    setup.clock.advance(3000)
    const { token } = (await setup.poll(json.taskId)).json.solution
    await setup.verify({ secret: setup.sandbox.secret, response: token })
    const isVerified = (/** @type {Message} */ { data }) =>
      data.events?.some((/** @type {any} */ event) => event.type === 'verified')
    const { rows } = await until(isVerified)
    assert.deepEqual([rows[0].polls, rows[0].delivered, rows[0].verified], [1, true, true])
    assert.deepEqual(rows[0].token, { starts: token.slice(0, 14), length: token.length })
    const types = messages
      .flatMap(({ data }) => data.events ?? [])
      .map(event => [event.type, event.taskNumber])
    assert.deepEqual(types, [
      ['task:polled', 1],
      ['task:ready', 1],
      ['task:delivered', 1],
      ['verified', 1],
    ])
    const everything = JSON.stringify(messages)
    assert.ok(!everything.includes(KEY) && !everything.includes(token))
  })

  test('shows a task whose fields cannot be converted to text', async t => {
    const setup = await withDashboard(t, { provider: 'custom' })
    const { until } = await openEvents(setup)
    await setup.create({ websiteURL: { toString: 1 }, websiteKey: [{ toString: 1 }] })
    const { rows } = await until(({ data }) => data.rows?.length > 0)
    assert.deepEqual([rows[0].websiteURL, rows[0].websiteKey], ['', ''])
  })

  test('has no listener once the last viewer has left', async t => {
    const setup = await withDashboard(t)
    const { events } = setup.sandbox
    assert.equal(events.listenerCount('*'), 0)
    const one = await openEvents(setup)
    const other = await openEvents(setup)
    assert.equal(events.listenerCount('*'), 1)
    const removed = once(events, 'removeListener')
    one.leave()
    other.leave()
    await removed
    assert.equal(events.listenerCount('*'), 0)
  })

  test('is not counted in stats', async t => {
    const setup = await withDashboard(t)
    await openEvents(setup)
    await exchange(setup.sandbox.dashboardURL ?? '', { method: 'GET' })
    assert.deepEqual(setup.sandbox.stats().requests, {})
  })

  test('sends the newest 200 of many tasks, and counts all of them', async t => {
    const setup = await withDashboard(t, { balance: 1e6 })
    for (let made = 0; made < 210; made++) await setup.create()
    const { until } = await openEvents(setup)
    const { rows, counts } = await until(({ name }) => name === 'everything')
    assert.deepEqual([counts.tasks.created, rows.length, rows.at(-1).taskNumber], [210, 200, 210])
  })
})

describe('a viewer', () => {
  test('gets the whole state instead of more than 500 events at once', async t => {
    const setup = await withDashboard(t)
    const { messages, until } = await openEvents(setup)
    await until(({ name }) => name === 'everything')
    const { json } = await setup.create()
    await until(({ data }) => data.rows?.[0]?.taskId === json.taskId)
    const before = messages.length
    const event = {
      type: 'task:polled',
      taskId: json.taskId,
      taskNumber: 1,
      polls: 1,
      state: 'processing',
      at: 0,
    }
    for (let polls = 1; polls <= 501; polls++) setup.sandbox.events.emit('*', { ...event, polls })
    await until(message => messages.indexOf(message) >= before)
    assert.equal(messages[before].name, 'everything')
  })

  test('is refused if there are sixteen already', async t => {
    const setup = await withDashboard(t)
    for (let viewers = 0; viewers < 16; viewers++) await openEvents(setup)
    const one = await exchange(`${setup.sandbox.dashboardURL}/events`, { method: 'GET' })
    assert.equal(one.status, 503)
  })
})

describe('the controls', () => {
  test('add and remove a fault while a client runs, and count its hits', async t => {
    const setup = await withDashboard(t)
    const { until } = await openEvents(setup)
    const rule = { fault: '503', method: 'getBalance', times: 'always', retryAfter: 2 }
    assert.equal((await sendCommand(setup, { do: 'addFault', rule })).status, 200)
    const { status, headers } = await setup.balance()
    assert.deepEqual([status, headers['retry-after']], [503, '2'])
    const { rules } = await until(({ data }) => data.rules[0]?.hits === 1)
    assert.deepEqual([rules[0].fault, rules[0].method, rules[0].times], ['503', 'getBalance', null])
    assert.equal((await sendCommand(setup, { do: 'removeFault', id: rules[0].id })).status, 200)
    assert.equal((await setup.balance()).status, 200)
    await sendCommand(setup, { do: 'addFault', rule: { ...rule, fault: '502' } })
    assert.equal((await setup.balance()).status, 502)
    await sendCommand(setup, { do: 'clearFaults' })
    assert.equal((await setup.balance()).status, 200)
  })

  test('set the solve time of later tasks', async t => {
    const setup = await withDashboard(t)
    await setup.create()
    assert.equal((await sendCommand(setup, { do: 'solveTime', solveTimeMs: [700, 700] })).status, 200)
    await setup.create()
    assert.equal((await sendCommand(setup, { do: 'solveTime', solveTimeMs: 'never' })).status, 200)
    await setup.create()
    setup.sandbox.setSolveTime(50)
    await setup.create()
    const times = setup.sandbox.tasks().map(({ createdAt, readyAt }) => readyAt - createdAt)
    assert.deepEqual(times, [3000, 700, Number.POSITIVE_INFINITY, 50])
    assert.throws(() => setup.sandbox.setSolveTime(-1), TypeError)
  })

  test('report an invalid command, and change nothing', async t => {
    const setup = await withDashboard(t)
    /** @type {[unknown, RegExp][]} */
    const commands = [
      [{ do: 'addFault', rule: { fault: 'no-such-fault' } }, /unknown fault 'no-such-fault'/],
      [{ do: 'addFault', rule: { fault: '429', retryAfter: '1\nx: y' } }, /retryAfter is not valid/],
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
      [{ do: 'removeFault', id: 7 }, /there is no such rule/],
      [{ do: 'solveTime', solveTimeMs: [5, 1] }, /must be \[min, max\]/],
      [{ do: 'constructor' }, /do must be one of/],
      [null, /must be an object/],
      ['x'.repeat(20_000), /too large/],
    ]
    for (const [body, says] of commands) {
      const { status, json } = await sendCommand(setup, body)
      assert.equal(status, 400)
      assert.match(json.error, says)
    }
    assert.equal((await setup.balance()).status, 200)
  })

  test('explain every fault', async t => {
    const setup = await withDashboard(t)
    const { json } = await exchange(`${setup.sandbox.dashboardURL}/faults.json`, { method: 'GET' })
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

describe('a request of another site', () => {
  /** @type {[string, Record<string, string>][]} */
  const foreign = [
    ['from another site', { origin: 'https://evil.example' }],
    ['from another port of this machine', { origin: 'http://127.0.0.1:1' }],
    ['with an opaque origin', { origin: 'null' }],
    [
      'with a host name that resolves to this machine',
      { host: 'evil.example', origin: 'http://evil.example' },
    ],
    ['that the browser marks as cross-site', { 'sec-fetch-site': 'cross-site' }],
    ['from another host name of this machine', { 'sec-fetch-site': 'same-site' }],
  ]
  for (const [who, headers] of foreign) {
    test(`${who} cannot use the controls`, async t => {
      const setup = await withDashboard(t, { faults: [{ fault: '503', method: 'getBalance', times: 9 }] })
      assert.equal((await sendCommand(setup, { do: 'clearFaults' }, headers)).status, 403)
      assert.equal((await setup.balance()).status, 503)
      const events = await exchange(`${setup.sandbox.dashboardURL}/events`, { method: 'GET', headers })
      assert.equal(events.status, 403)
    })
  }

  test('without an origin, or from a form, cannot either', async t => {
    const setup = await withDashboard(t)
    const url = `${setup.sandbox.dashboardURL}/controls`
    const body = JSON.stringify({ do: 'clearFaults' })
    assert.equal((await exchange(url, { body })).status, 403)
    const headers = { origin: setup.sandbox.baseURL, 'content-type': 'text/plain' }
    assert.equal((await exchange(url, { body, headers })).status, 415)
    assert.equal((await exchange(url, { method: 'GET' })).status, 405)
  })
})

describe('the page', () => {
  test('has a strict policy: nothing inline, nothing from another origin, no frames, no cache', async t => {
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

  test('is available under every name of this machine', async t => {
    const { sandbox } = await withDashboard(t)
    for (const name of ['127.0.0.1', 'localhost', '[::1]', 'LOCALHOST']) {
      const headers = { host: `${name}:${sandbox.port}` }
      assert.equal((await exchange(sandbox.dashboardURL ?? '', { method: 'GET', headers })).status, 200, name)
    }
  })

  test('does not exist without the option, and an unknown path gets the provider’s reply', async t => {
    const { sandbox } = await open(t)
    assert.equal(sandbox.dashboardURL, undefined)
    const { json } = await exchange(`${sandbox.baseURL}/sandbox`, { method: 'GET' })
    assert.equal(json.errorCode, 'ERROR_PAGE_NOT_FOUND')
    const setup = await withDashboard(t)
    assert.equal((await exchange(`${setup.sandbox.dashboardURL}/none`, { method: 'GET' })).status, 404)
  })

  test('is served over TLS and HTTP/2, with its events and controls', async t => {
    const { sandbox } = await withDashboard(t, {
      tls: { key: pem('localhost.key'), cert: pem('localhost.cert') },
    })
    const session = http2.connect(sandbox.baseURL, { ca: pem('ca.cert') })
    session.on('error', () => {})
    t.after(() => session.destroy())
    /** @param {http2.OutgoingHttpHeaders} headers @param {unknown} [body] */
    const send = async (headers, body) => {
      const stream = session.request(headers)
      stream.setEncoding('utf8').end(body === undefined ? undefined : JSON.stringify(body))
      const [{ ':status': status }] = await once(stream, 'response')
      return { stream, status }
    }
    assert.equal((await send({ ':path': '/sandbox' })).status, 200)
    const { stream, status } = await send({ ':path': '/sandbox/events' })
    assert.equal(status, 200)
    const json = { ':method': 'POST', 'content-type': 'application/json' }
    const rule = { fault: '502', method: 'getBalance' }
    const added = await send(
      { ...json, ':path': '/sandbox/controls', origin: sandbox.baseURL },
      { do: 'addFault', rule },
    )
    assert.equal(added.status, 200)
    assert.equal((await send({ ...json, ':path': '/getBalance' }, { clientKey: KEY })).status, 502)
    let messages = ''
    for await (const chunk of stream) {
      messages += chunk
      if (messages.includes('"type":"fault"')) break
    }
    assert.match(messages, /^event: everything$/m)
    const removed = once(sandbox.events, 'removeListener')
    stream.close()
    await removed
  })

  test('ends with the sandbox, and leaves no listener', async t => {
    const setup = await withDashboard(t, { now: createClock().now })
    await openEvents(setup)
    await setup.sandbox.close()
    assert.equal(setup.sandbox.events.listenerCount('*'), 0)
  })
})

test('docs/sandbox.md names only members that a sandbox has', async t => {
  const document = readFileSync(new URL('../docs/sandbox.md', import.meta.url), 'utf8')
  const { sandbox } = await withDashboard(t)
  const names = [...document.matchAll(/`sandbox\.(\w+)(?![\w/.])/g)].map(([, name]) => name)
  assert.ok(names.length > 5, `${names}`)
  for (const name of names) assert.ok(name in sandbox, name)
})
