/** The services that are mocked from public documentation and SDKs, driven with plain requests. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { KEY, open } from './support/sandbox-client.mjs'

const MINUTE = 60_000
const UUID = /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/
const proxy = { proxyType: 'http', proxyAddress: '203.0.113.7', proxyPort: 8080 }

/**
 * @param {import('node:test').TestContext} t
 * @param {import('../lib/sandbox/index.mjs').SandboxOptions} options
 */
async function solved(t, options) {
  const setup = await open(t, options)
  const created = (await setup.create()).json
  const pending = (await setup.poll(created.taskId)).json
  setup.clock.advance(3000)
  const ready = (await setup.poll(created.taskId)).json
  return { ...setup, created, pending, ready }
}

describe('2captcha', () => {
  test('replies with integer ids, and with cost and times beside the solution', async t => {
    const { created, pending, ready } = await solved(t, { provider: '2captcha' })
    assert.deepEqual(Object.keys(created), ['errorId', 'taskId'])
    assert.match(String(created.taskId), /^\d{11}$/)
    assert.deepEqual(pending, { errorId: 0, status: 'processing' })
    const { solution, ...rest } = ready
    assert.deepEqual(Object.keys(solution), ['token', 'userAgent'])
    assert.deepEqual(rest, {
      ...{ errorId: 0, status: 'ready', cost: '0.00100', ip: '203.0.113.7' },
      ...{ createTime: 1_700_000_000, endTime: 1_700_000_003, solveCount: 1 },
    })
  })

  test('a failed task is errorId 12 without a status', async t => {
    const { create, poll, clock } = await open(t, {
      provider: '2captcha',
      faults: [{ method: 'createTask', fault: 'failed-task' }],
    })
    const { taskId } = (await create()).json
    clock.advance(3000)
    const { status, json } = await poll(taskId)
    assert.deepEqual([status, json.errorId, json.errorCode], [200, 12, 'ERROR_CAPTCHA_UNSOLVABLE'])
    assert.ok(!('status' in json))
  })

  test('a softId is an integer, and a task with a proxy needs its fields', async t => {
    const { create } = await open(t, { provider: '2captcha' })
    assert.equal((await create({}, { softId: 7 })).json.errorId, 0)
    assert.equal((await create({}, { softId: '7' })).json.errorCode, 'ERROR_BAD_PARAMETERS')
    assert.equal((await create({ type: 'TurnstileTask' })).json.errorCode, 'ERROR_BAD_PARAMETERS')
    const named = { type: 'TurnstileTask', ...proxy, proxyAddress: 'proxy.example' }
    assert.equal((await create(named)).json.errorId, 0)
    assert.equal((await create({ type: 'Other' })).json.errorCode, 'ERROR_TASK_NOT_SUPPORTED')
  })
})

describe('anticaptcha', () => {
  test('has cost and solveCount beside the solution, and keeps it for 60 seconds', async t => {
    const { created, ready, poll, clock } = await solved(t, { provider: 'anticaptcha' })
    assert.deepEqual([ready.cost, ready.solveCount], ['0.00100', 1])
    clock.advance(MINUTE - 1)
    assert.equal((await poll(created.taskId)).json.status, 'ready')
    clock.advance(1)
    const gone = (await poll(created.taskId)).json
    assert.deepEqual([gone.errorId, gone.errorCode], [16, 'ERROR_NO_SUCH_CAPCHA_ID'])
  })

  test('a proxy has an IP address', async t => {
    const { create } = await open(t, { provider: 'anticaptcha' })
    assert.equal((await create({ type: 'TurnstileTask', ...proxy })).json.errorId, 0)
    const named = { type: 'TurnstileTask', ...proxy, proxyAddress: 'proxy.example' }
    assert.equal((await create(named)).json.errorCode, 'ERROR_BAD_PARAMETERS')
    const https = { type: 'TurnstileTask', ...proxy, proxyType: 'https' }
    assert.equal((await create(https)).json.errorCode, 'ERROR_BAD_PARAMETERS')
  })
})

describe('capmonster', () => {
  test('accepts one type with and without a proxy, and an error has the task id 0', async t => {
    const { sandbox, create, poll } = await open(t, { provider: 'capmonster' })
    assert.equal(sandbox.taskType, 'TurnstileTask')
    for (const fields of [{}, proxy, { ...proxy, proxyType: 'https' }, { type: 'TurnstileTaskProxyless' }])
      assert.equal((await create(fields)).json.errorId, 0)
    const { json } = await poll(17)
    assert.deepEqual([json.errorId, json.errorCode, json.taskId], [1, 'ERROR_NO_SUCH_CAPCHA_ID', 0])
  })

  test('more than 120 polls of a task ban the key for 10 minutes', async t => {
    const { sandbox, create, poll, balance, clock } = await open(t, {
      provider: 'capmonster',
      solveTimeMs: 60_000,
    })
    const { taskId } = (await create()).json
    for (let polls = 0; polls < 120; polls++) assert.equal((await poll(taskId)).json.status, 'processing')
    assert.equal((await poll(taskId)).json.errorCode, 'ERROR_IP_BANNED')
    assert.equal((await balance()).json.errorCode, 'ERROR_IP_BANNED')
    assert.equal(sandbox.stats().bans, 1)
    clock.advance(10 * MINUTE)
    assert.equal((await balance()).json.errorId, 0)
  })
})

describe('capsolver', () => {
  test('has the status idle on creation, UUIDs, and the type in the solution', async t => {
    const { created, ready, balance } = await solved(t, { provider: 'capsolver' })
    assert.match(created.taskId, UUID)
    assert.equal(created.status, 'idle')
    assert.equal(ready.solution.type, 'turnstile')
    assert.deepEqual((await balance()).json, { errorId: 0, balance: 9999, packages: [] })
  })

  test('errors have HTTP 400, and 401 for the key; a failed task has the status failed', async t => {
    const { create, poll, clock } = await open(t, {
      provider: 'capsolver',
      faults: [{ method: 'createTask', fault: 'failed-task' }],
    })
    const { taskId } = (await create()).json
    clock.advance(3000)
    const failed = await poll(taskId)
    assert.deepEqual([failed.status, failed.json.status], [200, 'failed'])
    const wrongKey = await poll(taskId, 'bad-key')
    assert.deepEqual([wrongKey.status, wrongKey.json.errorCode], [401, 'ERROR_KEY_DENIED_ACCESS'])
    const wrongAppId = await create({}, { appId: '17' })
    assert.deepEqual([wrongAppId.status, wrongAppId.json.errorCode], [400, 'ERROR_INVALID_TASK_DATA'])
    const appId = '61138bb6-19fb-11ec-a9c8-0242ac110006'
    assert.equal((await create({}, { appId })).json.errorId, 0)
  })

  test('binds the token to the action and cdata of its metadata', async t => {
    const { sandbox, create, poll, verify, clock } = await open(t, { provider: 'capsolver' })
    const { taskId } = (await create({ metadata: { action: 'login', cdata: 'c-1' } })).json
    clock.advance(3000)
    const { token } = (await poll(taskId)).json.solution
    const { json } = await verify({ secret: sandbox.secret, response: token })
    assert.deepEqual([json.success, json.action, json.cdata], [true, 'login', 'c-1'])
  })
})

describe('feedback', () => {
  /** @type {[provider: string, path: string, more: Record<string, unknown>, accepted: boolean, reply: Record<string, unknown>][]} */
  const rows = [
    ['2captcha', '/reportCorrect', {}, true, { status: 'success' }],
    ['2captcha', '/reportIncorrect', {}, false, { status: 'success' }],
    ['capmonster', '/reportIncorrectTokenCaptcha', {}, false, { status: 'success' }],
    ['capsolver', '/feedbackTask', { result: { invalid: true, code: 1 } }, false, { message: 'okay' }],
    ['capsolver', '/feedbackTask', { result: { invalid: false } }, true, { message: 'okay' }],
  ]
  for (const [provider, path, more, accepted, reply] of rows)
    test(`${path} of ${provider} ${accepted ? 'accepts' : 'rejects'} a token`, async t => {
      const { sandbox, post, created } = await solved(t, { provider })
      /** @type {unknown[]} */
      const events = []
      sandbox.events.on('task:reported', event => events.push([event.taskId, event.accepted]))
      const { taskId } = created
      const { json, status } = await post(path, { clientKey: KEY, taskId, ...more })
      assert.deepEqual([status, json], [200, { errorId: 0, ...reply }])
      assert.deepEqual(events, [[taskId, accepted]])
      assert.equal(sandbox.tasks()[0].accepted, accepted)
      assert.notEqual((await post(path, { clientKey: KEY, taskId: 'unknown', ...more })).json.errorId, 0)
      assert.notEqual((await post(path, { clientKey: 'bad-key', taskId, ...more })).json.errorId, 0)
      if (path === '/feedbackTask')
        assert.notEqual((await post(path, { clientKey: KEY, taskId })).json.errorId, 0)
    })

  test('does not exist where it is not documented', async t => {
    for (const provider of ['anticaptcha', 'ezcaptcha', 'yescaptcha', 'custom']) {
      const { post } = await open(t, { provider })
      for (const path of ['/reportCorrect', '/reportIncorrect', '/feedbackTask'])
        assert.notEqual((await post(path, { clientKey: KEY, taskId: 1 })).json.errorId, 0, provider)
    }
  })
})

test('getSoftID of YesCaptcha replies with an integer, and needs the key', async t => {
  const { post } = await open(t, { provider: 'yescaptcha' })
  assert.deepEqual((await post('/getSoftID', { clientKey: KEY })).json, { errorId: 0, softID: 3, balance: 0 })
  assert.equal((await post('/getSoftID', { clientKey: 'bad' })).json.errorCode, 'ERROR_KEY_DOES_NOT_EXIST')
  const ez = await open(t, { provider: 'ezcaptcha' })
  assert.equal((await ez.post('/getSoftID', { clientKey: KEY })).json.errorCode, 'ERROR_NOT_FOUND')
})

test('YesCaptcha accepts softID and softId, as a number or text', async t => {
  const { create } = await open(t, { provider: 'yescaptcha' })
  for (const top of [{ softID: 7 }, { softID: '7' }, { softId: '7' }, { softId: 7 }])
    assert.equal((await create({}, top)).json.errorId, 0, JSON.stringify(top))
})

test('EZ-Captcha ignores the case of task types, accepts an empty proxy, and limits appId to 32 bits', async t => {
  const { create, balance } = await open(t, { provider: 'ezcaptcha' })
  assert.equal((await create({ type: 'cloudflareturnstiletask' })).json.errorId, 0)
  assert.equal((await balance()).json.balance, 9985, 'at the price of the type')
  assert.equal((await create({ proxy: '' })).json.errorId, 0)
  assert.equal((await create({}, { appId: 0x7fffffff })).json.errorId, 0)
  assert.deepEqual(Object.keys((await create({}, { appId: 0x80000000 })).json.errors), ['appId'])
})

describe('custom', () => {
  test('has no status in the reply of createTask by default', async t => {
    const { create } = await open(t, { provider: 'custom' })
    assert.ok(!('status' in (await create()).json))
    const idle = await open(t, { provider: 'custom', createdStatus: 'idle' })
    const { json } = await idle.create()
    assert.equal(json.status, 'idle')
    assert.equal((await idle.poll(json.taskId)).json.status, 'processing')
  })

  test('with createdStatus ready has the solution in the reply, and in polls', async t => {
    const { sandbox, create, poll, verify } = await open(t, { provider: 'custom', createdStatus: 'ready' })
    const { json } = await create()
    assert.equal(json.status, 'ready')
    assert.equal((await poll(json.taskId)).json.solution.token, json.solution.token)
    assert.equal((await verify({ secret: sandbox.secret, response: json.solution.token })).json.success, true)
    assert.equal(sandbox.stats().tasks.delivered, 1)
  })

  test('has the fields that most services have beside a solution', async t => {
    const { ready } = await solved(t, { provider: 'custom' })
    assert.equal(ready.solution.type, 'turnstile')
    for (const name of ['cost', 'ip', 'createTime', 'endTime', 'solveCount']) assert.ok(name in ready, name)
  })
})

test('a refused request is an event with its call and code, also while the key is banned', async t => {
  const { sandbox, create, poll, balance, post } = await open(t, { provider: 'ezcaptcha' })
  /** @type {string[]} */
  const refused = []
  sandbox.events.on('refused', ({ call, errorCode }) => refused.push(`${call} ${errorCode}`))
  await create({}, { clientKey: 'bad-key' })
  await poll('unknown')
  await create({ websiteURL: '' })
  await balance('bad-key')
  await post('/unknown', {})
  assert.deepEqual(refused, [
    'createTask ERROR_KEY_DOES_NOT_EXIST',
    'getTaskResult ERROR_TASK_NOT_EXIST',
    'createTask ERROR_REQUEST_PARAMETERS',
    'getBalance ERROR_KEY_DOES_NOT_EXIST',
    'other ERROR_NOT_FOUND',
  ])
  for (let sent = 0; sent < 30; sent++) await create({}, { clientKey: 'bad-key' })
  assert.equal(refused.at(-1), 'createTask ERROR_REQUEST_BANNED')
  assert.doesNotMatch(JSON.stringify(refused), /bad-key/)
})
