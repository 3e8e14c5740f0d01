/** Compiles examples/typescript-service as its users do, and runs it. */

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { inspect } from 'node:util'
import { providers } from '../index.js'
import { startSandbox } from '../lib/sandbox/index.mjs'
import { outOfTime, patient, SITEKEY, WEBSITE } from './support/calls.mjs'
import { root } from './support/child.mjs'
import { compiled } from './support/example.mjs'
import { exchange } from './support/sandbox-client.mjs'

/** @typedef {import('../examples/typescript-service/src/accounts.mjs').Account} Account */

const widget = { websiteURL: WEBSITE, websiteKey: SITEKEY }
const solveOptions = { ...patient, pollIntervalMs: 10 }

const access = { secret: 'test-secret-0123456789', hosts: ['127.0.0.1', 'localhost', '[::1]'] }

describe('examples/typescript-service', { concurrency: 8 }, () => {
  let dist = ''
  /** @type {typeof import('../examples/typescript-service/src/pool.mjs')} */
  let lib
  /** @type {typeof import('../examples/typescript-service/src/server.mjs')} */
  let http
  before(async () => {
    mkdirSync(join(root, '.tools'), { recursive: true })
    // Inside the package, so that its own name resolves to it.
    dist = mkdtempSync(join(root, '.tools', 'service-'))
    const result = await compiled(join(root, 'examples/typescript-service'), ['--outDir', dist])
    assert.deepEqual(result, { code: 0, stdout: '' })
    lib = await import(pathToFileURL(join(dist, 'pool.mjs')).href)
    http = await import(pathToFileURL(join(dist, 'server.mjs')).href)
  })
  after(() => rmSync(dist, { recursive: true, force: true }))

  /**
   * An account with a sandbox of its own.
   *
   * @param {import('node:test').TestContext} t
   * @param {string} name
   * @param {import('../lib/sandbox/index.mjs').SandboxOptions & { concurrency?: number }} [options]
   */
  async function account(t, name, { concurrency = 10, ...options } = {}) {
    const clientKey = `test-key-0123456789-${name}-${++keys}`
    const sandbox = await startSandbox({
      provider: 'ezcaptcha',
      clientKey,
      solveTimeMs: 0,
      seed: keys,
      ...options,
    })
    t.after(() => sandbox.close())
    /** @type {Account} */
    const entry = { name, ...sandbox.account, concurrency }
    return { sandbox, entry, created: () => sandbox.stats().requests['/createTask'] ?? 0 }
  }
  let keys = 0

  test('an account without balance is paused after one request, and the next account solves', async t => {
    const [poor, rich] = [await account(t, 'poor', { balance: 0 }), await account(t, 'rich')]
    const pool = new lib.Pool([poor.entry, rich.entry], { solveOptions })
    for (let round = 0; round < 2; round += 1) assert.equal((await pool.solve(widget)).account, 'rich')
    assert.deepEqual([poor.created(), rich.created()], [1, 2])
    const [first, second] = pool.accounts()
    assert.deepEqual([first.pauseReason, first.busy, second.pausedForMs], ['ERROR_ZERO_BALANCE', 0, 0])
    assert.ok(first.pausedForMs > 4 * 60_000, `${first.pausedForMs}`)
  })

  test('a banned account is paused for as long as the provider says, and gets no request meanwhile', async t => {
    let now = 0
    const banned = await account(t, 'banned', {
      faults: [{ method: 'createTask', fault: 'error', errorCode: 'ERROR_IP_BANNED', retryAfter: 90 }],
    })
    const pool = new lib.Pool([banned.entry], { solveOptions, now: () => now })
    const refusal = await pool.solve(widget).catch(error => error)
    assert.equal(refusal.name, 'NoAccountError')
    assert.equal(refusal.retryAfterMs, pool.accounts()[0].pausedForMs)
    assert.ok(refusal.retryAfterMs >= 60_000, `${refusal.retryAfterMs}`)
    const again = await pool.solve(widget).catch(error => error)
    assert.deepEqual([again.name, banned.created()], ['NoAccountError', 1])
    now += refusal.retryAfterMs
    assert.equal(pool.accounts()[0].pausedForMs, 0)
  })

  test('a solve that may have been charged does not move to another account', async t => {
    const faults = [
      {
        method: /** @type {const} */ ('createTask'),
        fault: /** @type {const} */ ('connection-reset-after-processing'),
      },
    ]
    const [first, second] = [await account(t, 'first', { faults }), await account(t, 'second')]
    const pool = new lib.Pool([first.entry, second.entry], { solveOptions })
    const error = await pool.solve(widget).catch(error => error)
    assert.deepEqual([error.code, error.mayBeCharged], ['CONNECTION_FAILED', true])
    assert.equal(second.created(), 0)
  })

  test('accounts whose provider does not take a field of the widget are skipped', async t => {
    const without = await account(t, 'without', { provider: 'yescaptcha' })
    const taking = await account(t, 'taking', { concurrency: 1 })
    const pool = new lib.Pool([without.entry, taking.entry], { solveOptions })
    const widgets = [{ ...widget, action: 'login' }, { ...widget, cData: 'c' }, widget]
    const used = []
    for (const each of widgets) used.push((await pool.solve(each)).account)
    assert.deepEqual(used, ['taking', 'taking', 'without'])
    const sent = taking.sandbox.tasks().map(({ task }) => task.rqData)
    assert.deepEqual(sent, [{ metadataAction: 'login' }, { metadataCdata: 'c' }])
  })

  test('a solve that waits for the account that takes its widget does not hold up the others', async t => {
    const without = await account(t, 'without', { provider: 'yescaptcha' })
    const taking = await account(t, 'taking', { concurrency: 1, solveTimeMs: 100_000 })
    const pool = new lib.Pool([taking.entry, without.entry], { solveOptions })
    const controller = new AbortController()
    const withAction = { ...widget, action: 'login' }
    const stopped = [1, 2].map(() => pool.solve(withAction, controller.signal).catch(error => error.name))
    assert.equal((await pool.solve(widget)).account, 'without')
    assert.deepEqual(
      pool.accounts().map(({ busy }) => busy),
      [1, 0],
    )
    controller.abort()
    assert.deepEqual(await Promise.all(stopped), ['AbortError', 'AbortError'])
  })

  test('if all accounts that take the widget are paused, the error does not count the others', async t => {
    const without = await account(t, 'without', { provider: 'yescaptcha' })
    const poor = await account(t, 'poor', { balance: 0 })
    const pool = new lib.Pool([without.entry, poor.entry], { solveOptions })
    const error = await pool.solve({ ...widget, cData: 'c' }).catch(error => error)
    assert.equal(error.name, 'NoAccountError')
    assert.ok(error.retryAfterMs > 4 * 60_000, `${error.retryAfterMs}`)
    assert.equal((await pool.solve(widget)).account, 'without')
  })

  test('if no account takes the widget, the error names the fields, and no request is sent', async t => {
    const accounts = [1, 2].map(n => account(t, `without-${n}`, { provider: 'yescaptcha' }))
    const [first, second] = await Promise.all(accounts)
    const pool = new lib.Pool([first.entry, second.entry], { solveOptions })
    const error = await pool.solve({ ...widget, action: 'login', cData: 'c' }).catch(error => error)
    assert.equal(error.name, 'UnsupportedWidgetError')
    assert.equal(error.message, 'No account has a provider that takes action and cData.')
    assert.deepEqual(error.fields, ['action', 'cData'])
    assert.deepEqual([first.created(), second.created()], [0, 0])
  })

  test('with more solves than slots, every account reaches its concurrency and none exceeds it', async t => {
    let ahead = 0
    const begun = Date.now()
    const slow = { solveTimeMs: 100_000, now: () => begun + ahead }
    const two = await account(t, 'two', { concurrency: 2, ...slow })
    const one = await account(t, 'one', { concurrency: 1, ...slow })
    const most = [two, one].map(({ sandbox }) => {
      const seen = { open: 0, most: 0 }
      sandbox.events.on('*', ({ type }) => {
        if (type === 'task:created') seen.most = Math.max(seen.most, ++seen.open)
        if (type === 'task:delivered') seen.open -= 1
        // Once both have as many tasks as they may, all tasks are ready at once.
        if (ahead > 0 || most[0].most < 2 || most[1].most < 1) return
        ahead = 100_000
        for (const { sandbox } of [two, one]) sandbox.setSolveTime(0)
      })
      return seen
    })
    const pool = new lib.Pool([two.entry, one.entry], { solveOptions })
    const answers = await Promise.all(Array.from({ length: 9 }, () => pool.solve(widget)))
    assert.equal(new Set(answers.map(({ solution }) => solution.token)).size, 9)
    assert.deepEqual(
      most.map(seen => seen.most),
      [2, 1],
    )
    assert.ok(pool.accounts().every(({ busy }) => busy === 0))
  })

  test('an aborted solve leaves the queue of waiting solves, and the next one gets the account', async t => {
    const slow = await account(t, 'slow', { concurrency: 1 })
    const pool = new lib.Pool([slow.entry], { solveOptions })
    const controller = new AbortController()
    const [first, second, third] = [
      pool.solve(widget),
      pool.solve(widget, controller.signal),
      pool.solve(widget),
    ]
    controller.abort()
    await assert.rejects(second, { name: 'AbortError' })
    await Promise.all([first, third])
    assert.equal(slow.created(), 2)
  })

  test('a solve that times out is resumed with the same account, and only one task is created', async t => {
    const faults = [
      { method: /** @type {const} */ ('getTaskResult'), fault: /** @type {const} */ ('no-response') },
    ]
    const { slow, answer, error } = await outOfTime(
      async timeoutMs => {
        const slow = await account(t, 'slow', { faults })
        const pool = new lib.Pool([slow.entry], { solveOptions: { ...solveOptions, timeoutMs } })
        return pool.solve(widget).then(
          answer => ({ slow, answer, error: undefined }),
          error => ({ slow, answer: undefined, error }),
        )
      },
      ({ error }) => error?.code !== 'TIMEOUT',
    )
    assert.equal(error, undefined)
    assert.equal(answer?.solution.taskId, slow.sandbox.tasks()[0].taskId)
    assert.equal(slow.created(), 1)
  })

  test('the service replies with a token, and to an invalid or failed request with its error', async t => {
    const [poor, good] = [await account(t, 'poor', { balance: 0 }), await account(t, 'good')]
    /** @param {Account[]} accounts */
    const served = async accounts => {
      const server = http
        .createService(new lib.Pool(accounts, { solveOptions }), access)
        .listen(0, '127.0.0.1')
      await once(server, 'listening')
      t.after(() => {
        server.closeAllConnections()
        server.close()
      })
      const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
      return async (/** @type {string} */ body, method = 'POST', path = '/tokens') => {
        const headers = { authorization: `Bearer ${access.secret}`, 'content-type': 'application/json' }
        const init = method === 'POST' ? { method, headers, body } : { method, headers }
        const reply = await fetch(`http://127.0.0.1:${port}${path}`, init)
        return { status: reply.status, headers: reply.headers, body: /** @type {any} */ (await reply.json()) }
      }
    }
    const ask = await served([poor.entry, good.entry])
    const answer = await ask(JSON.stringify(widget))
    assert.equal(answer.status, 200)
    assert.deepEqual([answer.body.account, answer.body.token], ['good', good.sandbox.tasks()[0].token])
    for (const wrong of ['', '[]', '{}', '{"clientKey":"x"}', '{"websiteURL":1,"websiteKey":"k"}']) {
      assert.equal((await ask(wrong)).status, 400, wrong)
    }
    const { entry: without } = await account(t, 'without', { provider: 'yescaptcha' })
    const unsupported = await (await served([without]))(JSON.stringify({ ...widget, action: 'login' }))
    assert.deepEqual(
      [unsupported.status, unsupported.body.error],
      [400, 'No account has a provider that takes action.'],
    )
    const refused = await ask(JSON.stringify({ ...widget, websiteURL: 'no address' }))
    assert.deepEqual([refused.status, refused.body.option], [400, 'websiteURL'])
    assert.equal((await ask('', 'GET', '/')).status, 404)
    const { body } = await ask('', 'GET', '/accounts')
    assert.deepEqual(
      body.accounts.map((/** @type {any} */ { name, busy }) => [name, busy]),
      [
        ['poor', 0],
        ['good', 0],
      ],
    )
    const none = await (await served([poor.entry]))(JSON.stringify(widget))
    assert.deepEqual([none.status, Number(none.headers.get('retry-after')) >= 299], [503, true])
    for (const reply of [answer, refused, none, { body }]) {
      assert.ok(!JSON.stringify(reply.body).includes('test-key'))
    }
  })

  test('a request without the secret, of a web page, or under a foreign host name buys nothing', async t => {
    const only = await account(t, 'only')
    const server = http.createService(new lib.Pool([only.entry], { solveOptions }), access)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.after(() => {
      server.closeAllConnections()
      server.close()
    })
    const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
    const good = {
      ...{ host: `127.0.0.1:${port}`, authorization: `Bearer ${access.secret}` },
      'content-type': 'application/json; charset=utf-8',
    }
    /** @param {Record<string, string>} headers */
    const send = async (headers, method = 'POST', path = '/tokens') => {
      const body = method === 'POST' ? JSON.stringify(widget) : undefined
      const { status } = await exchange(`http://127.0.0.1:${port}${path}`, { method, headers, body })
      return status
    }
    /** @type {[Record<string, string>, number][]} */
    const rows = [
      [{ authorization: '' }, 401],
      [{ authorization: 'Bearer ' }, 401],
      [{ authorization: `Bearer ${access.secret}x` }, 401],
      [{ authorization: `Basic ${access.secret}` }, 401],
      [{ 'content-type': 'text/plain' }, 415],
      [{ 'content-type': 'application/jsonp' }, 415],
      [{ 'content-type': 'text/plain; application/json' }, 415],
      [{ origin: 'https://evil.example' }, 403],
      [{ origin: 'null' }, 403],
      [{ origin: `http://127.0.0.1:${port}` }, 403],
      [{ 'sec-fetch-site': 'cross-site' }, 403],
      [{ 'sec-fetch-site': 'same-site' }, 403],
      [{ host: `evil.example:${port}` }, 403],
      [{ host: `127.0.0.1.evil.example:${port}` }, 403],
      [{ host: `localhost.evil.example:${port}` }, 403],
      [{ host: `evil.example@127.0.0.1:${port}` }, 403],
    ]
    for (const [headers, status] of rows) {
      assert.equal(await send({ ...good, ...headers }), status, JSON.stringify(headers))
      if (status === 415) continue
      assert.equal(await send({ ...good, ...headers }, 'GET', '/accounts'), status, JSON.stringify(headers))
    }
    assert.equal(only.created(), 0)
    for (const host of [`LOCALHOST:${port}`, `localhost:${port}`, '127.0.0.1', `[::1]:${port}`])
      assert.equal(await send({ ...good, host }), 200, host)
    assert.equal(only.created(), 4)
  })

  test('the service does not start without a secret of 16 characters', async () => {
    for (const secret of ['', 'too-short'])
      assert.throws(() => http.createService(new lib.Pool([]), { ...access, secret }), /16 characters/)
  })

  test('a file of accounts that is not JSON is refused without showing a key', async () => {
    const { readAccounts } = await import(pathToFileURL(join(dist, 'accounts.mjs')).href)
    const file = join(dist, 'broken.json')
    for (const text of ['[{"clientKey":test-key-0123456789abcdef}]', 'test-key-0123456789abcdef']) {
      writeFileSync(file, text)
      assert.throws(
        () => readAccounts(file),
        (/** @type {any} */ error) =>
          error.message === `${file}: not valid JSON` && !inspect(error).includes('test-key'),
      )
    }
  })

  test('a file of accounts may name every provider of the package, and an invalid entry is refused', async t => {
    const { readAccounts } = await import(pathToFileURL(join(dist, 'accounts.mjs')).href)
    const file = join(dist, 'providers.json')
    const read = (/** @type {unknown} */ entry) => {
      writeFileSync(file, JSON.stringify([entry]))
      return readAccounts(file)
    }
    for (const { name: provider, baseURL, taskTypes } of providers) {
      const own = {
        ...(!baseURL && { baseURL: 'https://api.example' }),
        ...(taskTypes.length === 0 && { taskType: 'TurnstileTaskProxyless' }),
      }
      const entry = { name: 'one', provider, clientKey: 'test-key-0123456789abcdef', ...own }
      assert.deepEqual(read(entry), [{ ...entry, concurrency: 10 }])
      for (const field of ['name', 'clientKey', ...Object.keys(own)]) {
        assert.throws(() => read({ ...entry, [field]: undefined }), new RegExp(`account 1: ${field} `), field)
      }
    }
    const names = providers.map(({ name }) => name).join(', ')
    assert.throws(() => read({ name: 'one', provider: 'none', clientKey: 'k' }), {
      message: `${file}, account 1: provider must be one of ${names}`,
    })
    const { sandbox, entry } = await account(t, 'any', { provider: 'custom' })
    const [custom] = read({ ...entry, taskType: 'TurnstileTaskProxyless' })
    const { solution } = await new lib.Pool([custom], { solveOptions }).solve(widget)
    assert.deepEqual([solution.label, sandbox.tasks()[0].task.type], ['any', 'TurnstileTaskProxyless'])
  })

  test('the service starts with a file of accounts, and ends on SIGTERM', {
    skip: process.platform === 'win32' && 'there is no SIGTERM',
  }, async t => {
    const { entry } = await account(t, 'only')
    const file = join(dist, 'accounts.json')
    writeFileSync(file, JSON.stringify([entry]))
    const env = { ...process.env, NODE_OPTIONS: '', ACCOUNTS_FILE: file, PORT: '0', SECRET: access.secret }
    const child = spawn(process.execPath, [join(dist, 'main.mjs')], {
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const ended = once(child, 'close')
    const failed = ended.then(([code]) => assert.fail(`it ended by itself, with exit code ${code}`))
    const [line] = await Promise.race([once(child.stdout.setEncoding('utf8'), 'data'), failed])
    failed.catch(() => {})
    const headers = {
      ...{ connection: 'close', authorization: `Bearer ${access.secret}` },
      'content-type': 'application/json',
    }
    const reply = await fetch(line.trim(), { method: 'POST', headers, body: JSON.stringify(widget) })
    assert.equal(reply.status, 200)
    await reply.text()
    child.kill('SIGTERM')
    assert.deepEqual(await ended, [0, null])
  })
})
