import assert from 'node:assert/strict'
import http from 'node:http'
import { describe, test } from 'node:test'
import { errorCodes } from '../lib/sandbox/index.mjs'
import { providers } from '../lib/sandbox/providers/index.mjs'
import { KEY, open } from './support/sandbox-client.mjs'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const TOKEN = /^0\.[\w-]{380}\.[\w-]{22}\.[0-9a-f]{64}$/
const MINUTE = 60_000

/** A body without its request id. @param {any} body */
const plain = ({ requestId: _, ...rest }) => rest

describe('EZ-Captcha', () => {
  test('a task is created, processing and then ready, with the replies that the provider documents', async t => {
    const { create, poll, clock } = await open(t, { provider: 'ezcaptcha' })
    const created = await create()
    assert.equal(created.status, 200)
    assert.match(created.headers['content-type'] ?? '', /^application\/json/)
    assert.match(created.json.requestId, /^[0-9a-f]{16}$/)
    const { taskId } = created.json
    assert.match(taskId, UUID)
    assert.deepEqual(plain(created.json), { errorId: 0, errorCode: '', errorDescription: '', taskId })

    const nothing = { errorId: 0, errorCode: null, errorDescription: null }
    clock.advance(2999)
    assert.deepEqual(plain((await poll(taskId)).json), { ...nothing, status: 'processing' })
    clock.advance(1)
    const { json } = await poll(taskId)
    assert.match(json.solution.token, TOKEN)
    const ready = { ...nothing, solution: { header: {}, token: json.solution.token }, status: 'ready' }
    assert.deepEqual(plain(json), ready)
    assert.deepEqual(plain((await poll(taskId)).json), ready, 'a result can be fetched again')
  })

  test('a business error is an envelope with HTTP 500, and every error has a request id', async t => {
    const { poll, create, balance } = await open(t, { provider: 'ezcaptcha', balance: 20 })
    await create()
    const rows = [
      [await create(), 500, 'ERROR_ZERO_BALANCE'],
      [await poll('unknown'), 500, 'ERROR_TASK_NOT_EXIST'],
      [await poll('unknown', 'bad-key'), 500, 'ERROR_KEY_DOES_NOT_EXIST'],
      [await balance('bad-key'), 500, 'ERROR_KEY_DOES_NOT_EXIST'],
      [await create({ type: 'TurnstileTaskProxyless' }), 500, 'ERROR_TASK_TYPE_NOT_SUPPORTED'],
    ]
    for (const [answer, status, code] of /** @type {[any, number, string][]} */ (rows)) {
      assert.deepEqual([answer.status, answer.json.errorId, answer.json.errorCode], [status, 1, code])
      assert.match(answer.json.requestId, /^[0-9a-f]{16}$/)
      assert.notEqual(answer.json.errorDescription, '')
    }
  })

  test('a malformed request gets the error code for its kind', async t => {
    const { sandbox, post } = await open(t, { provider: 'ezcaptcha' })
    const rows = [
      [
        await post('/createTask', {}, { headers: { 'content-type': 'text/plain' } }),
        415,
        'ERROR_CONTENT_TYPE_ERROR',
      ],
      [await post('/createTask', {}, { method: 'GET', body: undefined }), 405, 'ERROR_REQUEST_METHOD'],
      [await post('/createtask', {}), 404, 'ERROR_NOT_FOUND'],
      [await post('/createTask', [], { body: '{"clientKey":' }), 400, 'ERROR_REQUEST_PARAMETERS'],
      [await post('/createTask', []), 400, 'ERROR_REQUEST_PARAMETERS'],
    ]
    for (const [answer, status, code] of /** @type {[any, number, string][]} */ (rows)) {
      assert.deepEqual([answer.status, answer.json.errorCode], [status, code])
    }
    assert.deepEqual(sandbox.stats().requests, { '/createTask': 4, other: 1 })
  })

  test('a validation failure is HTTP 400 with a map of every bad field', async t => {
    const { post, create } = await open(t, { provider: 'ezcaptcha' })
    const empty = await post('/createTask', { clientKey: KEY, task: {} })
    assert.equal(empty.status, 400)
    assert.equal(empty.json.errorCode, 'ERROR_REQUEST_PARAMETERS')
    assert.deepEqual(Object.keys(empty.json.errors), ['task.type', 'task.websiteURL', 'task.websiteKey'])
    assert.deepEqual(Object.keys((await post('/createTask', { task: {} })).json.errors), ['clientKey'])
    assert.deepEqual(Object.keys((await post('/createTask', { clientKey: KEY })).json.errors), ['task'])
    assert.deepEqual(Object.keys((await post('/getTaskResult', { clientKey: KEY })).json.errors), ['taskId'])

    /** @type {[Record<string, unknown>, Record<string, unknown>, string[]][]} */
    const rows = [
      [{ websiteURL: 'ftp://shop.example' }, {}, ['task.websiteURL']],
      [{ websiteURL: 'shop' }, {}, ['task.websiteURL']],
      [{ rqData: 'login' }, {}, ['task.rqData']],
      [{ rqData: { metadataAction: 'a'.repeat(33) } }, {}, ['task.rqData.metadataAction']],
      [
        { rqData: { metadataAction: 'a b', mode: 1 } },
        {},
        ['task.rqData.mode', 'task.rqData.metadataAction'],
      ],
      [{ rqData: { metadataCdata: 'c'.repeat(256) } }, {}, ['task.rqData.metadataCdata']],
      [{ rqData: { metadataCdata: 7 } }, {}, ['task.rqData.metadataCdata']],
      [{}, { appId: '17' }, ['appId']],
      [{}, { appId: 1.5 }, ['appId']],
      [
        { rqData: { mode: 'x', metadataAction: 'a'.repeat(32), metadataCdata: 'c'.repeat(255) } },
        { appId: 17 },
        [],
      ],
    ]
    for (const [fields, top, paths] of rows) {
      const { json, status } = await create(fields, top)
      assert.deepEqual(Object.keys(json.errors ?? {}), paths, JSON.stringify(fields))
      assert.equal(status, paths.length > 0 ? 400 : 200)
    }
  })

  test('a proxy needs a protocol, credentials, a port and a public host', async t => {
    const { create } = await open(t, { provider: 'ezcaptcha' })
    const good = [
      'http://u:p@proxy.example:8080',
      'https://u:p@8.8.8.8:1',
      'socks5://u:p@[2606:4700::1]:1080',
    ]
    const bad = [
      ...[
        'proxy.example:8080',
        'ftp://u:p@proxy.example:21',
        'http://proxy.example:8080',
        'http://u@proxy.example:1',
      ],
      ...[
        'http://u:p@proxy.example',
        'http://u:p@127.0.0.1:1',
        'socks5://u:p@10.1.2.3:1',
        'http://u:p@localhost:1',
      ],
      ...[
        'http://u:p@192.168.0.1:1',
        'http://u:p@172.31.0.1:1',
        'http://u:p@[::1]:1',
        'socks5://u:p@[fd00::1]:1',
      ],
      ...['http://u:p@2130706433:1', 'socks5://u:p@0x7f000001:1', 'http://u:p@169.254.1.1:1', 17],
      'socks5://u:p@a%20b:1',
    ]
    for (const proxy of good) assert.equal((await create({ proxy })).status, 200, proxy)
    for (const proxy of bad) {
      assert.deepEqual(
        Object.keys((await create({ proxy })).json.errors ?? {}),
        ['task.proxy'],
        String(proxy),
      )
    }
  })

  test('a failed task is HTTP 200 with status error beside errorId 1', async t => {
    const { sandbox, create, poll, clock } = await open(t, {
      provider: 'ezcaptcha',
      faults: [{ method: 'createTask', fault: 'failed-task' }],
    })
    const { taskId } = (await create()).json
    assert.equal((await poll(taskId)).json.status, 'processing')
    clock.advance(3000)
    for (let i = 0; i < 2; i++) {
      const { status, json } = await poll(taskId)
      assert.deepEqual(
        [status, json.errorId, json.errorCode, json.status],
        [200, 1, 'ERROR_CAPTCHA_UNSOLVABLE', 'error'],
      )
    }
    assert.equal(sandbox.stats().tasks.failed, 1)
  })

  test('the balance goes down when a task is created', async t => {
    const { sandbox, create, balance } = await open(t, { provider: 'ezcaptcha', balance: 100 })
    assert.deepEqual(plain((await balance()).json), { errorId: 0, balance: 100 })
    await create()
    assert.deepEqual(plain((await balance()).json), { errorId: 0, balance: 85 })
    assert.equal(sandbox.stats().pointsCharged, 15)
  })

  test('a task can be polled more than 120 times', async t => {
    const { create, poll } = await open(t, { provider: 'ezcaptcha' })
    const { taskId } = (await create()).json
    for (let i = 0; i < 130; i++) await poll(taskId)
    assert.equal((await poll(taskId)).json.status, 'processing')
  })

  for (const [
    what,
    options,
    send,
    code,
  ] of /** @type {[string, any, (h: any) => Promise<any>, string][]} */ ([
    ['bad key', {}, h => h.create({}, { clientKey: 'bad-key' }), 'ERROR_KEY_DOES_NOT_EXIST'],
    ['empty balance', { balance: 0 }, h => h.create(), 'ERROR_ZERO_BALANCE'],
  ])) {
    test(`30 ${what} replies to createTask within a minute ban the key for 3 minutes`, async t => {
      const setup = await open(t, { provider: 'ezcaptcha', ...options })
      for (let i = 0; i < 30; i++) assert.equal((await send(setup)).json.errorCode, code)
      const banned = await send(setup)
      assert.deepEqual([banned.status, banned.json.errorCode], [429, 'ERROR_REQUEST_BANNED'])
      setup.clock.advance(3 * MINUTE - 1)
      assert.equal((await send(setup)).status, 429, 'refused requests do not prolong the ban')
      setup.clock.advance(1)
      assert.equal((await send(setup)).json.errorCode, code)
      assert.equal(setup.sandbox.stats().bans, 1)
    })
  }

  test('30 bad-key replies to getTaskResult ban that key for 1 minute, and no other', async t => {
    const { poll, clock, create } = await open(t, { provider: 'ezcaptcha' })
    for (let i = 0; i < 30; i++) await poll('unknown', 'bad-key')
    assert.equal((await poll('unknown', 'bad-key')).json.errorCode, 'ERROR_REQUEST_BANNED')
    assert.equal((await create()).status, 200)
    clock.advance(MINUTE)
    assert.equal((await poll('unknown', 'bad-key')).json.errorCode, 'ERROR_KEY_DOES_NOT_EXIST')
  })

  test('29 such replies in a minute, and errors of another kind, do not ban', async t => {
    const { create, poll, clock } = await open(t, { provider: 'ezcaptcha', balance: 0 })
    for (let i = 0; i < 29; i++) await create()
    clock.advance(MINUTE)
    for (let i = 0; i < 29; i++) await create()
    for (let i = 0; i < 60; i++) await poll('unknown')
    assert.equal((await create()).json.errorCode, 'ERROR_ZERO_BALANCE')
  })
})

describe('YesCaptcha', () => {
  test('a task is created, processing and then ready, with the replies that the provider documents', async t => {
    const { create, poll, clock } = await open(t, { provider: 'yescaptcha' })
    const created = await create()
    const { taskId } = created.json
    assert.match(taskId, UUID)
    assert.deepEqual(created.json, { errorId: 0, errorCode: '', errorDescription: '', taskId })
    const nothing = { errorId: 0, errorCode: null, errorDescription: null }
    assert.deepEqual((await poll(taskId)).json, { ...nothing, status: 'processing' })
    clock.advance(3000)
    const { json } = await poll(taskId)
    assert.match(json.solution.token, TOKEN)
    assert.match(json.solution.userAgent, /^Mozilla\/5\.0 /)
    const { token, userAgent } = json.solution
    assert.deepEqual(json, { ...nothing, solution: { token, userAgent }, status: 'ready' })
  })

  test('errors come with HTTP 200 and without a request id', async t => {
    const { post, create, poll } = await open(t, { provider: 'yescaptcha', balance: 20 })
    await create()
    const rows = [
      [await create(), 'ERROR_ZERO_BALANCE'],
      [await create({}, { clientKey: 'bad-key' }), 'ERROR_KEY_DOES_NOT_EXIST'],
      [await create({ type: 'CloudFlareTurnstileTask' }), 'ERROR_TASK_NOT_SUPPORTED'],
      [await create({ websiteKey: '' }), 'ERROR_REQUIRED_FIELDS'],
      [await create({}, { softID: 'me' }), 'ERROR_REQUIRED_FIELDS'],
      [await create({}, { softID: { toString: 1 } }), 'ERROR_REQUIRED_FIELDS'],
      [await post('/createTask', { task: {} }), 'ERROR_REQUIRED_FIELDS'],
      [await post('/getTaskResult', { clientKey: KEY }), 'ERROR_REQUIRED_FIELDS'],
      [await poll('unknown'), 'ERROR_TASKID_INVALID'],
      [await post('/unknown', {}), 'ERROR_PAGE_NOT_FOUND'],
      [await post('/createTask', {}, { body: 'x' }), 'ERROR_BAD_REQUEST'],
    ]
    for (const [answer, code] of /** @type {[any, string][]} */ (rows)) {
      assert.deepEqual([answer.status, answer.json.errorId, answer.json.errorCode], [200, 1, code])
      assert.ok(!('requestId' in answer.json) && !('errors' in answer.json))
    }
    assert.match((await create({ websiteKey: '' })).json.errorDescription, /task\.websiteKey/)
  })

  test('TurnstileTaskProxylessM1 costs 30 points, TurnstileTaskProxyless 15', async t => {
    const { create, balance } = await open(t, { provider: 'yescaptcha', balance: 100 })
    await create()
    await create({ type: 'TurnstileTaskProxylessM1' }, { softID: 17 })
    assert.deepEqual((await balance()).json, {
      errorId: 0,
      balance: 55,
      softBalance: 0,
      inviteBalance: 0,
      inviteBy: '',
    })
  })

  test('a task does not exist after 120 polls', async t => {
    const { sandbox, create, poll } = await open(t, { provider: 'yescaptcha' })
    const { taskId } = (await create()).json
    for (let i = 0; i < 119; i++) await poll(taskId)
    assert.equal((await poll(taskId)).json.status, 'processing')
    assert.equal((await poll(taskId)).json.errorCode, 'ERROR_TASKID_INVALID')
    assert.equal(sandbox.stats().polls[taskId], 120)
  })

  test('1000 errors of any kind within a minute ban the address for 10 minutes', async t => {
    const { post, create, clock } = await open(t, { provider: 'yescaptcha' })
    const agent = new http.Agent({ keepAlive: true })
    t.after(() => agent.destroy())
    for (let i = 0; i < 1000; i++)
      await post('/getTaskResult', { clientKey: KEY, taskId: 'unknown' }, { agent })
    const banned = await create()
    assert.deepEqual([banned.status, banned.json.errorCode], [200, 'ERROR_IP_BANNED'])
    clock.advance(10 * MINUTE)
    assert.equal((await create()).json.errorId, 0)
  })

  test('a task unfinished after 120 seconds has timed out', async t => {
    const { create, poll, clock } = await open(t, {
      provider: 'yescaptcha',
      solveTimeMs: Number.POSITIVE_INFINITY,
    })
    const { taskId } = (await create()).json
    clock.advance(2 * MINUTE - 1)
    assert.equal((await poll(taskId)).json.status, 'processing')
    clock.advance(1)
    const { json } = await poll(taskId)
    assert.deepEqual([json.errorId, json.errorCode], [1, 'ERROR_TASK_TIMEOUT'])
  })
})

describe('a custom service', () => {
  test('has integer ids above 32 bits, and only accepts them as integers', async t => {
    const { create, poll } = await open(t, { provider: 'custom' })
    const { taskId } = (await create()).json
    assert.ok(Number.isSafeInteger(taskId) && taskId > 2 ** 32)
    assert.equal((await poll(taskId)).json.status, 'processing')
    assert.equal((await poll(String(taskId))).json.errorCode, 'ERROR_NO_SUCH_CAPCHA_ID')
  })

  test('accepts any task type, numbers its errors, and ends a failed task with status failed', async t => {
    const { sandbox, create, poll, post } = await open(t, { provider: 'custom' })
    assert.equal(sandbox.taskType, 'TurnstileTask')
    const { taskId } = (await create({ type: 'AnyTaskAtAll' })).json
    assert.equal((await poll(17)).json.errorId, 16)
    assert.equal((await post('/createTask', { clientKey: KEY })).json.errorId, 110)
    sandbox.addFault({ method: 'getTaskResult', fault: 'failed-task' })
    const { json } = await poll(taskId)
    assert.deepEqual([json.errorId, json.errorCode, json.status], [12, 'ERROR_CAPTCHA_UNSOLVABLE', 'failed'])
  })
})

for (const provider of Object.keys(errorCodes)) {
  describe(`any provider: ${provider}`, () => {
    test('a result is kept as long as documented, and not longer', async t => {
      const { keptAfterReadyMs = Number.POSITIVE_INFINITY } = providers[provider]
      const life = Math.min(5 * MINUTE, 3000 + keptAfterReadyMs)
      const { sandbox, create, poll, clock } = await open(t, { provider, balance: 1000 })
      const { taskId } = (await create()).json
      const { taskId: unseen } = (await create()).json
      clock.advance(life - 1)
      assert.equal((await poll(taskId)).json.status, 'ready')
      clock.advance(1)
      assert.notEqual((await poll(taskId)).json.errorId, 0)
      clock.advance(5 * MINUTE - life)
      assert.deepEqual(sandbox.stats().tasks, { created: 2, delivered: 1, failed: 0, expired: 1 })
      assert.equal(sandbox.tasks().length, 2, 'still listed')
      clock.advance(5 * MINUTE)
      await create()
      assert.deepEqual(
        sandbox.tasks().filter(task => task.taskId === taskId || task.taskId === unseen),
        [],
        'and removed in the end',
      )
    })

    test("another account's task does not exist", async t => {
      const accounts = { [KEY]: 100, 'other-key-0123456789': 100 }
      const { create, poll } = await open(t, { provider, accounts })
      const { taskId } = (await create()).json
      assert.notEqual((await poll(taskId, 'other-key-0123456789')).json.errorId, 0)
      assert.equal((await poll(taskId)).json.errorId, 0)
    })

    test('the error fault sends each code as the provider does', async t => {
      const { statuses, errorStatus, code } = providers[provider]
      const { sandbox, create, poll } = await open(t, { provider })
      for (const errorCode of errorCodes[provider]) {
        sandbox.addFault({ method: 'createTask', fault: 'error', errorCode })
        const { status, json } = await create()
        assert.equal(json.errorCode, errorCode)
        assert.notEqual(json.errorId, 0)
        assert.notEqual(json.errorDescription, errorCode, `${errorCode} has a description`)
        assert.equal(status, statuses[errorCode] ?? errorStatus)
      }
      assert.equal(sandbox.stats().tasks.created, 0)
      sandbox.addFault({ method: 'getTaskResult', fault: 'error', errorCode: code.unsolvable })
      assert.equal((await poll('x')).status, 200)
    })
  })
}
