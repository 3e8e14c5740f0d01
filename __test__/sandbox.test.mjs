import assert from 'node:assert/strict'
import http from 'node:http'
import { createRequire } from 'node:module'
import { describe, test } from 'node:test'
import { errorCodes, startSandbox } from '../lib/sandbox/index.mjs'
import { runScript } from './support/child.mjs'
import { createClock, exchange, KEY, open, SITEKEY, solve, WEBSITE } from './support/sandbox-client.mjs'

const { CapMonsterCloudClientFactory, ClientOptions, TurnstileRequest } =
  /** @type {typeof import('@zennolab_com/capmonstercloud-client')} */ (
    createRequire(import.meta.url)('@zennolab_com/capmonstercloud-client')
  )

const PROVIDERS = Object.keys(errorCodes)

describe('the sandbox object', () => {
  test('account is what every call of a client needs', async t => {
    for (const provider of PROVIDERS) {
      const { sandbox } = await open(t, { provider })
      const { baseURL, port } = sandbox
      assert.equal(baseURL, `http://127.0.0.1:${port}`)
      assert.deepEqual(sandbox.account, { provider, clientKey: KEY, baseURL })
    }
  })

  test('without options it is YesCaptcha with 10 000 points and the system clock', async t => {
    const sandbox = await startSandbox()
    t.after(() => sandbox.close())
    assert.equal(sandbox.account.provider, 'yescaptcha')
    const { clientKey } = sandbox.account
    const body = JSON.stringify({
      clientKey,
      task: { type: 'TurnstileTaskProxyless', websiteURL: WEBSITE, websiteKey: 'k' },
    })
    const before = Date.now()
    await exchange(`${sandbox.baseURL}/createTask`, { body })
    const [{ createdAt, readyAt }] = sandbox.tasks()
    assert.ok(createdAt >= before && createdAt <= Date.now())
    assert.ok(readyAt - createdAt >= 2000 && readyAt - createdAt <= 5000)
    assert.deepEqual(sandbox.stats().balances, { [clientKey]: 9985 })
  })

  test('an invalid option is refused with its name', async () => {
    /** @type {[any, RegExp][]} */
    const rows = [
      [{ provider: 'unknown' }, /provider must be one of ezcaptcha, yescaptcha, custom, 2captcha/],
      [{ solveTime: 1 }, /unknown option 'solveTime'/],
      [{ clientKey: '' }, /clientKey/],
      [{ balance: -1 }, /balance/],
      [{ accounts: { a: Number.NaN } }, /balance/],
      [{ price: -1 }, /price/],
      [{ price: { TurnstileTaskProxyless: 'x' } }, /price\.TurnstileTaskProxyless/],
      [{ solveTimeMs: -1 }, /solveTimeMs/],
      [{ solveTimeMs: [5, 1] }, /solveTimeMs/],
      [{ solveTimeMs: [1] }, /solveTimeMs/],
      [{ seed: 0.5 }, /seed/],
      [{ now: 5 }, /now/],
      [{ faults: {} }, /faults/],
      [{ tls: {} }, /tls/],
      [{ http2: 'yes' }, /http2/],
      [{ port: 70_000 }, /port/],
      [{ host: '0.0.0.0' }, /host must be a loopback address/],
      [{ host: 'example.com' }, /host/],
      [{ createdStatus: 'idle' }, /createdStatus must be a string, and provider 'custom'/],
      [{ provider: 'custom', createdStatus: 1 }, /createdStatus/],
      [null, /options/],
    ]
    for (const [options, message] of rows) {
      await assert.rejects(startSandbox(options), { name: 'TypeError', message }, JSON.stringify(options))
    }
  })

  test('a port in use rejects, and a given one is used', async t => {
    const { sandbox } = await open(t)
    await assert.rejects(startSandbox({ port: sandbox.port }), { code: 'EADDRINUSE' })
  })

  test('close ends open connections and requests without a reply, may be called twice, and frees the port', async t => {
    const { sandbox } = await open(t, { faults: [{ fault: 'no-response' }] })
    const struck = new Promise(resolve => sandbox.events.on('fault', resolve))
    const hanging = exchange(`${sandbox.baseURL}/getBalance`, { body: '{}' })
    await struck
    await Promise.all([sandbox.close(), sandbox.close()])
    assert.ok((await hanging).error)
    await sandbox[Symbol.asyncDispose]()
    const again = await startSandbox({ port: sandbox.port })
    await again.close()
  })

  test('a closed sandbox lets the process end, whatever faults were in progress', async () => {
    const script = `
      import { once } from 'node:events'
      import { startSandbox } from ${JSON.stringify(new URL('../lib/sandbox/index.mjs', import.meta.url).href)}
      const faults = ['no-response', 'slow-body', 'latency', 'redirect'].map((fault, i) => ({ fault, nth: i + 1, delayMs: fault === 'latency' ? 1e6 : 0 }))
      const sandbox = await startSandbox({ faults })
      for (const _ of faults) {
        const struck = once(sandbox.events, '*').then(() => once(sandbox.events, '*'))
        fetch(sandbox.baseURL + '/getBalance', { method: 'POST', body: '{}' }).catch(() => {})
        await struck
      }
      await sandbox.close()
      console.log('closed')`
    const { code, stdout, stderr } = await runScript(script)
    assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: 'closed\n', stderr: '' })
  })
})

describe('tasks, stats and events', () => {
  test('tasks shows what was sent, without the key', async t => {
    const { sandbox, create, poll, clock, task } = await open(t, { provider: 'ezcaptcha' })
    const fields = { rqData: { metadataAction: 'login' }, proxy: 'http://u:p@proxy.example:1' }
    const { taskId } = (await create(fields, { appId: 17 })).json
    const createdAt = clock.now()
    const expected = { taskId, task: { ...task, ...fields }, appId: 17, createdAt, readyAt: createdAt + 3000 }
    assert.deepEqual(sandbox.tasks(), [{ ...expected, polls: 0, delivered: false }])
    clock.advance(3000)
    const { token } = (await poll(taskId)).json.solution
    assert.deepEqual(sandbox.tasks(), [{ ...expected, polls: 1, delivered: true, token }])
    assert.ok(!JSON.stringify(sandbox.tasks()).includes(KEY))
  })

  test('stats is plain JSON and adds up', async t => {
    const { sandbox, create, poll, balance, clock, post } = await open(t, {
      accounts: { [KEY]: 100, other: 7 },
    })
    const { taskId } = (await create()).json
    await poll(taskId)
    clock.advance(3000)
    await poll(taskId)
    await balance()
    await post('/unknown', {})
    const stats = sandbox.stats()
    assert.deepEqual(JSON.parse(JSON.stringify(stats)), stats)
    assert.deepEqual(stats, {
      provider: 'yescaptcha',
      requests: { '/createTask': 1, '/getTaskResult': 2, '/getBalance': 1, other: 1 },
      tasks: { created: 1, delivered: 1, failed: 0, expired: 0 },
      pointsCharged: 15,
      balances: { [KEY]: 85, other: 7 },
      polls: { [taskId]: 2 },
      connections: { opened: 5, open: stats.connections.open },
      faults: {},
      bans: 0,
      verifications: { success: 0, failure: 0 },
      redirectsFollowed: 0,
    })
  })

  test('events are emitted in order, and never contain a key', async t => {
    const setup = await open(t, {
      provider: 'ezcaptcha',
      faults: [{ method: 'getTaskResult', fault: '502' }],
    })
    const { sandbox, create, poll, verify, clock } = setup
    /** @type {import('../lib/sandbox/index.mjs').SandboxEvent[]} */
    const seen = []
    sandbox.events.on('*', event => seen.push(event))
    const { taskId } = (await create()).json
    await poll(taskId)
    clock.advance(3000)
    const { json } = await poll(taskId)
    await verify({ secret: sandbox.secret, response: json.solution.token })
    for (let i = 0; i < 30; i++) await poll('unknown', 'bad-key-0123456789')
    assert.deepEqual(
      seen.slice(0, 9).map(({ type }) => type),
      [
        'request',
        'task:created',
        'request',
        'fault',
        'request',
        'task:polled',
        'task:ready',
        'task:delivered',
        'request',
      ],
    )
    assert.equal(seen.at(-1)?.type, 'banned')
    assert.ok(seen.every(({ at }) => at === clock.now() || at === clock.now() - 3000))
    assert.doesNotMatch(JSON.stringify(seen), /test-key|bad-key/)
  })
})

describe('the same seed gives the same run', () => {
  /** @param {import('node:test').TestContext} t @param {number} seed @param {string} provider */
  const run = async (t, seed, provider) => {
    const setup = await open(t, { seed, provider, solveTimeMs: [100, 3000] })
    const tokens = []
    for (let i = 0; i < 5; i++) tokens.push(await solve(setup))
    const tasks = setup.sandbox.tasks().map(({ taskId, createdAt, readyAt }) => [taskId, readyAt - createdAt])
    return { tokens, tasks }
  }

  for (const provider of PROVIDERS) {
    test(`ids, tokens and solve times at ${provider}`, async t => {
      const first = await run(t, 7, provider)
      assert.deepEqual(await run(t, 7, provider), first)
      const other = await run(t, 8, provider)
      for (const name of /** @type {const} */ (['tokens', 'tasks'])) {
        for (const value of other[name])
          assert.ok(!first[name].some(known => String(known) === String(value)))
      }
      assert.equal(new Set(first.tokens).size, 5)
      assert.equal(new Set(first.tasks.map(([id]) => id)).size, 5)
      assert.ok(new Set(first.tasks.map(([, ms]) => ms)).size > 1)
      assert.ok(first.tasks.every(([, ms]) => Number(ms) >= 100 && Number(ms) <= 3000))
    })
  }

  test('two providers with the same seed share nothing', async t => {
    const [ez, yes] = [await run(t, 1, 'ezcaptcha'), await run(t, 1, 'yescaptcha')]
    assert.ok(ez.tokens.every(token => !yes.tokens.includes(token)))
  })

  test('negative and very large seeds are distinct', async t => {
    const runs = []
    for (const seed of [-1, 1, 2 ** 40 + 1, 2 ** 32 - 1]) runs.push((await run(t, seed, 'custom')).tokens[0])
    assert.equal(new Set(runs).size, 4)
  })
})

test('a solve time may be a number, a range or a function of the task', async t => {
  const solveTimeMs = (/** @type {any} */ task) => (task.websiteKey === SITEKEY ? 10 : 20)
  const { sandbox, create } = await open(t, { solveTimeMs })
  await create()
  await create({ websiteKey: 'other' })
  assert.deepEqual(
    sandbox.tasks().map(({ createdAt, readyAt }) => readyAt - createdAt),
    [10, 20],
  )
})

test('a price is a number for all task types, or a number for each', async t => {
  const flat = await open(t, { price: 0, balance: 1 })
  await flat.create()
  assert.equal((await flat.balance()).json.balance, 1)
  const expensive = await open(t, { price: { TurnstileTaskProxyless: 99 } })
  await expensive.create()
  await expensive.create({ type: 'TurnstileTaskProxylessM1' })
  assert.equal((await expensive.balance()).json.balance, 10_000 - 99 - 30)
})

test('every provider lists its error codes once', () => {
  for (const provider of PROVIDERS) {
    assert.ok(errorCodes[provider].length > 10)
    assert.equal(new Set(errorCodes[provider]).size, errorCodes[provider].length)
  }
})

describe('third-party clients', () => {
  for (const provider of PROVIDERS) {
    test(`a plain fetch loop solves at ${provider}`, async t => {
      const clock = createClock()
      const sandbox = await startSandbox({ provider, now: clock.now, solveTimeMs: 9000 })
      t.after(() => sandbox.close())
      const { baseURL, clientKey } = sandbox.account
      /** @param {string} path @param {unknown} body @returns {Promise<any>} */
      const call = async (path, body) => {
        const headers = { 'content-type': 'application/json' }
        const response = await fetch(`${baseURL}${path}`, {
          method: 'POST',
          headers,
          body: JSON.stringify(body),
        })
        return response.json()
      }
      const task = { type: sandbox.taskType, websiteURL: WEBSITE, websiteKey: SITEKEY }
      const { taskId } = await call('/createTask', { clientKey, task })
      let result
      do {
        clock.advance(3000)
        result = await call('/getTaskResult', { clientKey, taskId })
      } while (result.errorId === 0 && result.status === 'processing')
      assert.equal(result.status, 'ready')
      assert.equal(sandbox.stats().polls[taskId], 3)
      const { success } = await call('/turnstile/v0/siteverify', {
        secret: sandbox.secret,
        response: result.solution.token,
      })
      assert.equal(success, true)
    })

    test(`@zennolab_com/capmonstercloud-client solves at ${provider}`, async t => {
      const clock = createClock()
      // Each reading moves the clock: the client polls at once, and the first polls still find the task in progress.
      const now = () => {
        clock.advance(100)
        return clock.now()
      }
      const sandbox = await startSandbox({ provider, clientKey: KEY, now, solveTimeMs: 2000 })
      t.after(() => sandbox.close())
      const client = CapMonsterCloudClientFactory.Create(
        new ClientOptions({ clientKey: KEY, serviceUrl: sandbox.baseURL }),
      )
      t.after(() =>
        /** @type {{ _agent?: http.Agent }} */ (/** @type {any} */ (client)._httpClient)._agent?.destroy(),
      )
      const request = new TurnstileRequest({ websiteURL: WEBSITE, websiteKey: SITEKEY })
      request.type = /** @type {any} */ (sandbox.taskType)
      const timeouts = {
        firstRequestDelay: 0,
        firstRequestNoCacheDelay: 0,
        requestsInterval: 0,
        timeout: 300_000,
      }

      const result = await client.Solve(request, timeouts)
      assert.equal(result.error, undefined)
      const [task] = sandbox.tasks()
      assert.equal(/** @type {any} */ (result.solution).token, task.token)
      assert.equal(task.softID, 54, 'the client’s developer id')
      assert.ok(task.polls > 1)
      assert.equal((await client.getBalance()).balance, 10_000 - sandbox.stats().pointsCharged)
    })
  }
})

test('500 tasks polled at once all get replies, over as many connections as the client opens', async t => {
  const { sandbox, clock } = await open(t, { balance: 1e6 })
  const agent = new http.Agent({ keepAlive: true, maxSockets: 100 })
  t.after(() => agent.destroy())
  /** @param {string} path @param {unknown} body */
  const post = (path, body) => exchange(`${sandbox.baseURL}${path}`, { body: JSON.stringify(body), agent })
  const task = { type: 'TurnstileTaskProxyless', websiteURL: WEBSITE, websiteKey: SITEKEY }
  const created = await Promise.all(
    Array.from({ length: 500 }, () => post('/createTask', { clientKey: KEY, task })),
  )
  clock.advance(3000)
  const ready = await Promise.all(
    created.map(({ json }) => post('/getTaskResult', { clientKey: KEY, taskId: json.taskId })),
  )
  assert.equal(new Set(ready.map(({ json }) => json.solution.token)).size, 500)
  const { tasks, connections, pointsCharged } = sandbox.stats()
  assert.deepEqual(tasks, { created: 500, delivered: 500, failed: 0, expired: 0 })
  assert.equal(pointsCharged, 500 * 15)
  assert.equal(connections.opened, 100)
})
