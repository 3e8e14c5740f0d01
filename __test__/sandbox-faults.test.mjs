import assert from 'node:assert/strict'
import http from 'node:http'
import { describe, test } from 'node:test'
import { faults, startSandbox } from '../lib/sandbox/index.mjs'
import { exchange, KEY, open } from './support/sandbox-client.mjs'
import { observable } from './support/sandbox-observable.mjs'

/** @typedef {import('../lib/sandbox/index.mjs').FaultRule} FaultRule */

test('every fault is described, and tested here', () => {
  const names = faults.map(({ name }) => name)
  assert.deepEqual(Object.keys(observable), names)
  for (const { description } of faults) assert.match(description, /\w/)
})

for (const { name, processed, calls } of faults) {
  const { check, leaves = false, params = {} } = observable[name]
  for (const on of calls.filter(call => call !== 'siteverify')) {
    test(`${name} on ${on} is what the client observes, and the request is ${processed ? '' : 'not '}processed`, async t => {
      const { sandbox, create, poll, balance, post } = await open(t)
      const { taskId } = (await create()).json
      sandbox.addFault({ method: on, fault: name, ...params })
      const send = {
        createTask: () => create(),
        getTaskResult: () => poll(taskId),
        getBalance: () => balance(),
      }

      if (leaves) await leave(sandbox, on, taskId, name)
      else check?.(await send[/** @type {'createTask'} */ (on)]())

      const { tasks, polls, pointsCharged, faults: hits } = sandbox.stats()
      assert.deepEqual(hits, { [name]: 1 })
      const created = on === 'createTask' && processed ? 2 : 1
      assert.equal(tasks.created, created)
      assert.equal(pointsCharged, created * 15)
      assert.equal(polls[taskId], on === 'getTaskResult' && processed ? 1 : 0)
      const after = await post('/getBalance', { clientKey: KEY })
      assert.equal(
        after.json.balance,
        10_000 - created * 15,
        'the next request is served as if nothing had been',
      )
    })
  }
}

/**
 * Sends a request that never ends, and leaves once its beginning has been seen.
 * @param {import('../lib/sandbox/index.mjs').Sandbox} sandbox
 * @param {string} on
 * @param {unknown} taskId
 * @param {string} name
 */
async function leave(sandbox, on, taskId, name) {
  const task = { type: 'TurnstileTaskProxyless', websiteURL: 'https://shop.example/', websiteKey: 'k' }
  const body = JSON.stringify({ clientKey: KEY, taskId, task })
  const struck = new Promise(resolve => sandbox.events.on('fault', resolve))
  const enough = /** @type {Record<string, number>} */ ({ whitespace: 8 << 20, 'slow-body': 1 })[name]
  const agent = new http.Agent()
  const pending = exchange(`${sandbox.baseURL}/${on}`, {
    body,
    agent,
    onBytes: (req, size) => {
      if (size >= enough) req.destroy()
    },
  })
  await struck
  if (enough === undefined) agent.destroy()
  const { status, error, text } = await pending
  assert.ok(error, 'no end came from the sandbox')
  assert.equal(status, enough === undefined ? undefined : 200)
  if (name === 'whitespace') assert.match(text.slice(0, 1 << 20), /^ +$/)
  if (name === 'slow-body') assert.equal(text.length, 1)
}

describe('a rule', () => {
  /** @param {import('node:test').TestContext} t @param {FaultRule[]} rules @param {number} [count] */
  const pattern = async (t, rules, count = 6) => {
    const { balance } = await open(t, { faults: rules })
    let seen = ''
    for (let i = 0; i < count; i++) seen += (await balance()).status === 502 ? 'x' : '.'
    return seen
  }

  test('applies to the first matching request, once, by default', async t => {
    assert.equal(await pattern(t, [{ fault: '502' }]), 'x.....')
  })
  test('with nth and times applies to a range of requests', async t => {
    assert.equal(await pattern(t, [{ fault: '502', nth: 2, times: 3 }]), '.xxx..')
    assert.equal(await pattern(t, [{ fault: '502', nth: 4, times: Number.POSITIVE_INFINITY }]), '...xxx')
  })
  test('does not count other calls', async t => {
    assert.equal(await pattern(t, [{ method: 'createTask', fault: '502' }]), '......')
  })
  test('with a probability is seeded, and times limits its hits', async t => {
    const first = await pattern(t, [{ fault: '502', probability: 0.5 }], 40)
    assert.equal(await pattern(t, [{ fault: '502', probability: 0.5 }], 40), first)
    const strikes = [...first].filter(mark => mark === 'x').length
    assert.ok(strikes > 8 && strikes < 32, first)
    assert.equal(await pattern(t, [{ fault: '502', probability: 1, times: 2 }]), 'xx....')
    assert.equal(await pattern(t, [{ fault: '502', probability: 0 }]), '......')
  })
  test('that is due wins over later rules', async t => {
    assert.equal(await pattern(t, [{ fault: '502' }, { fault: '503', times: 3 }]), 'x.....')
  })

  test('with a probability depends on the task and its poll, not on the order of arrival', async t => {
    /** @param {boolean} backwards */
    const run = async backwards => {
      const { create, poll } = await open(t, {
        balance: 1e6,
        faults: [{ method: 'getTaskResult', fault: '502', probability: 0.5 }],
      })
      const ids = []
      for (let i = 0; i < 30; i++) ids.push((await create()).json.taskId)
      /** @type {Record<string, unknown[]>} */
      const seen = {}
      for (let round = 0; round < 2; round++) {
        for (const id of backwards ? ids.toReversed() : ids) {
          seen[id] ??= []
          seen[id].push((await poll(id)).status)
        }
      }
      return seen
    }
    assert.deepEqual(await run(true), await run(false))
  })

  test('with task applies to the n-th created task, on createTask and on its polls', async t => {
    const { create, poll } = await open(t, {
      faults: [
        { method: 'createTask', fault: '502', task: 2 },
        { method: 'getTaskResult', fault: '503', task: 2, times: 2 },
      ],
    })
    const first = (await create()).json.taskId
    assert.equal((await create()).status, 502)
    const second = (await create()).json.taskId
    const polls = [
      await poll(first),
      await poll(second),
      await poll(first),
      await poll(second),
      await poll(second),
    ]
    assert.deepEqual(
      polls.map(({ status }) => status),
      [200, 503, 200, 503, 200],
    )
  })

  test('with processed decides whether the request is processed before the fault', async t => {
    const { sandbox, create } = await open(t, {
      faults: [
        { method: 'createTask', fault: '502', processed: true },
        { method: 'createTask', fault: 'truncated-json', processed: false, nth: 2 },
      ],
    })
    assert.equal((await create()).status, 502)
    assert.equal(sandbox.stats().tasks.created, 1)
    assert.equal((await create()).json, undefined)
    assert.equal(sandbox.stats().tasks.created, 1)
  })

  test('is removed by clearFaults', async t => {
    const { sandbox, balance } = await open(t, {
      faults: [{ fault: '502', times: Number.POSITIVE_INFINITY }],
    })
    assert.equal((await balance()).status, 502)
    sandbox.clearFaults()
    assert.equal((await balance()).status, 200)
  })

  test('that is not valid is refused with its reason', async t => {
    const { sandbox } = await open(t)
    /** @type {[any, RegExp][]} */
    const rows = [
      [{ fault: 'earthquake' }, /unknown fault 'earthquake', known are .*reset/],
      [{ fault: '502', method: 'deleteTask' }, /unknown method 'deleteTask'/],
      [
        { fault: 'created-without-id', method: 'getBalance' },
        /does not apply to getBalance, only to createTask/,
      ],
      [{ fault: '502', when: 1 }, /unknown field 'when'/],
      [{ fault: '502', nth: 0 }, /nth/],
      [{ fault: '502', times: 1.5 }, /times/],
      [{ fault: '502', probability: 2 }, /probability/],
      [{ fault: '502', task: 0 }, /task/],
      [{ fault: 'latency', delayMs: -1 }, /delayMs/],
      [{ fault: 'slow-body', intervalMs: 'x' }, /intervalMs/],
      [null, /object/],
    ]
    for (const [rule, message] of rows) {
      assert.throws(() => sandbox.addFault(rule), { name: 'TypeError', message })
      await assert.rejects(startSandbox({ faults: [rule] }), { name: 'TypeError', message })
    }
  })
})

describe('parameters', () => {
  test('Retry-After is sent as seconds, as text, or as a date', async t => {
    const { balance } = await open(t, {
      faults: [
        { fault: '429', retryAfter: 7 },
        { fault: '503', nth: 2, retryAfter: 'soon' },
        { fault: '503', nth: 3, retryAfterDate: 60 },
        { fault: 'error', nth: 4, errorCode: 'ERROR_REQUEST_LIMIT', retryAfter: 1 },
        { fault: '429', nth: 5 },
      ],
    })
    assert.equal((await balance()).headers['retry-after'], '7')
    assert.equal((await balance()).headers['retry-after'], 'soon')
    const before = Date.now()
    const date = Date.parse((await balance()).headers['retry-after'] ?? '')
    // A date has whole seconds.
    assert.ok(date > before + 59_000 && date < Date.now() + 61_000, `${date - before} ms ahead`)
    assert.equal((await balance()).headers['retry-after'], '1')
    assert.equal((await balance()).headers['retry-after'], undefined)
  })

  test('requests to the default target of a redirect are counted', async t => {
    const { sandbox, balance } = await open(t, { faults: [{ fault: 'redirect', times: 2 }] })
    const { headers } = await balance()
    assert.equal(sandbox.stats().redirectsFollowed, 0)
    assert.notEqual(new URL(headers.location ?? '').host, new URL(sandbox.baseURL).host)
    await fetch(`${sandbox.baseURL}/getBalance`, { method: 'POST', body: JSON.stringify({ clientKey: KEY }) })
    assert.equal(sandbox.stats().redirectsFollowed, 1)
  })

  test('a redirect can have another target', async t => {
    const location = 'https://other.test/createTask'
    const { balance } = await open(t, { faults: [{ fault: 'redirect', location }] })
    assert.equal((await balance()).headers.location, location)
  })

  test('the echoed key is plain, percent-encoded or in base64', async t => {
    const clientKey = 'test-key+0123456789/abcdef='
    /** @type {FaultRule[]} */
    const rules = /** @type {const} */ (['plain', 'percent', 'base64']).map((encoding, index) => ({
      fault: 'echo-key',
      encoding,
      nth: index + 1,
    }))
    const { balance } = await open(t, { clientKey, faults: rules })
    for (const written of [clientKey, encodeURIComponent(clientKey), btoa(clientKey)]) {
      assert.ok((await balance(clientKey)).json.errorDescription.includes(`key=${written})`))
    }
  })

  test('slow-body sends the complete body, byte by byte', async t => {
    const { balance } = await open(t, { faults: [{ fault: 'slow-body', intervalMs: 0 }] })
    const { json } = await balance()
    assert.equal(json.balance, 10_000)
  })

  test('close-after closes a kept-alive connection without notice', async t => {
    const { sandbox, balance } = await open(t, { faults: [{ fault: 'close-after' }] })
    const agent = new http.Agent({ keepAlive: true })
    t.after(() => agent.destroy())
    const closed = new Promise(resolve => agent.on('free', socket => socket.once('close', resolve)))
    const body = JSON.stringify({ clientKey: KEY })
    const { headers } = await exchange(`${sandbox.baseURL}/getBalance`, { body, agent })
    assert.equal(headers.connection, 'keep-alive')
    await closed
    assert.equal((await balance()).status, 200)
  })

  test('a scripted reply may be any text or bytes', async t => {
    const { balance } = await open(t, {
      faults: [
        { fault: 'reply', body: '{"errorId":0,"balance":1e400}' },
        { fault: 'reply', nth: 2, body: new Uint8Array([0xff, 0xfe]), headers: { 'content-type': 'text/x' } },
        { fault: 'reply', nth: 3 },
      ],
    })
    assert.equal((await balance()).text, '{"errorId":0,"balance":1e400}')
    assert.equal((await balance()).headers['content-type'], 'text/x')
    assert.deepEqual([(await balance()).text], [''])
  })

  test('siteverify can have faults, too', async t => {
    const { sandbox, verify } = await open(t)
    for (const { name, calls } of faults) {
      if (!calls.includes('siteverify') || observable[name].leaves) continue
      sandbox.addFault({ method: 'siteverify', fault: name, ...observable[name].params })
      const { status, json } = await verify({ secret: 'x', response: 'y' })
      assert.ok(status !== 200 || json?.success !== undefined || sandbox.stats().faults[name] === 1)
      assert.equal(sandbox.stats().faults[name], 1)
    }
    sandbox.addFault({ method: 'siteverify', fault: 'error' })
    assert.deepEqual((await verify({})).json['error-codes'], ['internal-error'])
  })
})

test('a lost reply does not count as delivered, the next complete one does', async t => {
  const { sandbox, create, poll, clock } = await open(t, {
    faults: [{ method: 'getTaskResult', fault: 'connection-reset-after-processing' }],
  })
  const { taskId } = (await create()).json
  clock.advance(3000)
  await poll(taskId)
  assert.equal(sandbox.stats().tasks.delivered, 0)
  await poll(taskId)
  assert.equal(sandbox.stats().tasks.delivered, 1)
})
