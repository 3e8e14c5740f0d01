import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { startSandbox } from '../lib/sandbox/index.mjs'
import {
  callNames,
  calls,
  creating,
  failure,
  polling,
  replies,
  required,
  scripted,
  success,
  TASK,
} from './support/calls.mjs'
import { run } from './support/child.mjs'
import { assertTellsNone, everythingShown } from './support/child-secrets.mjs'

/** @typedef {import('./support/calls.mjs').CallName} CallName */
/** @typedef {import('./support/scripted-server.mjs').Handler} Handler */
/** @typedef {import('./support/scripted-server.mjs').Answer} Answer */

const together = { concurrency: 16 }
/** Reads otherwise percent-encoded and in base64. */
const KEY = 'test-key-0123456789abcdef+/=&%'
const USER = 'proxy-user-0123456789'
const PASSWORD = 'proxy-secret-0123456789'
const proxy = `http://${USER}:${PASSWORD}@proxy.example:8080`
const secrets = [KEY, PASSWORD, USER, proxy, `${USER}:${PASSWORD}`]

/** @type {Record<string, (secret: string) => string>} */
const encodings = {
  plain: secret => secret,
  'percent-encoded': encodeURIComponent,
  'percent-encoded to the last letter': secret =>
    [...secret].map(char => `%${char.charCodeAt(0).toString(16)}`).join(''),
  'in base64': secret => Buffer.from(secret).toString('base64'),
  'in base64 amid other text': secret => Buffer.from(`{"clientKey":"${secret}"}`).toString('base64url'),
}

/** Everything that a careless provider knows, in one line. @param {(secret: string) => string} encode */
const confession = encode => secrets.map(secret => `<${encode(secret)}>`).join(' ')

/** What a reply can be that ends or holds up a call, each with all that it could give away. @type {Record<string, { fails: string, answer: (said: string) => Answer }>} */
const echoes = {
  'an unknown error code': {
    fails: 'PROVIDER_ERROR',
    answer: said => ({ body: { errorId: 1, errorCode: `ERROR_${said}`, errorDescription: said } }),
  },
  'an error whose code is an object': {
    fails: 'PROVIDER_ERROR',
    answer: said => ({ body: { errorId: 1, errorCode: { [said]: [said] }, errorDescription: [said] } }),
  },
  'a page that is not found': {
    fails: 'HTTP_ERROR',
    answer: said => ({ status: 404, body: `<html>${said}</html>` }),
  },
  'a header and a redirect': {
    fails: 'HTTP_ERROR',
    answer: said => ({ status: 403, headers: { 'x-echo': said, location: `/?key=${said}` }, body: said }),
  },
}

/** @param {CallName} name @param {string} baseURL @param {Record<string, unknown>} [more] */
function options(name, baseURL, more) {
  const task = creating.includes(name) ? { proxy } : {}
  const pace = polling.includes(name) ? { pollIntervalMs: 10 } : {}
  return required(name, baseURL, { clientKey: KEY, ...task, ...pace, ...more })
}

describe('a provider that repeats the secrets', together, () => {
  for (const [spelt, encode] of Object.entries(encodings)) {
    for (const [what, { fails, answer }] of Object.entries(echoes)) {
      for (const name of callNames) {
        test(`a provider that repeats secrets ${spelt}, in ${what}, puts them into no part of the error of ${name}`, async t => {
          // Without a proxy among its own options, a call cannot know one.
          const said = creating.includes(name) ? confession(encode) : `<${encode(KEY)}>`
          const server = await scripted(t, [answer(said)])
          const error = await failure(calls[name](options(name, server.baseURL)))
          assert.equal(error.code, fails)
          assertTellsNone(everythingShown(error), secrets, name)
        })
      }
    }

    test(`a provider that repeats secrets ${spelt}, in an unknown task status, puts them into no part of the error`, async t => {
      const pondering = { body: { errorId: 0, status: confession(encode) } }
      const server = await scripted(t, [replies.created, pondering])
      const error = await failure(calls.solveTurnstile(options('solveTurnstile', server.baseURL)))
      assert.equal(error.code, 'INVALID_RESPONSE')
      assertTellsNone(everythingShown(error), secrets)
    })
  }

  test('a provider that repeats secrets in quotes and backslashes, as JSON spells them, puts them into no part of an error', async t => {
    const clientKey = 'test"key\\0123456789"abcdef'
    for (const [name, body] of /** @type {[CallName, unknown][]} */ ([
      ['getTaskResult', { errorId: 0, status: clientKey }],
      ['getTaskResult', `no envelope: ${JSON.stringify({ clientKey })}`],
      ['createTask', { clientKey }],
    ])) {
      const server = await scripted(t, [{ body, status: typeof body === 'string' ? 404 : 200 }])
      const error = await failure(calls[name](required(name, server.baseURL, { clientKey })))
      assert.match(error.code, /^(HTTP_ERROR|INVALID_RESPONSE)$/)
      assertTellsNone(everythingShown(error), [clientKey], JSON.stringify(body))
    }
  })

  for (const [what, errorCode] of [
    ['a ban', 'ERROR_IP_BANNED'],
    ['many refusals of the account', 'ERROR_ZERO_BALANCE'],
  ]) {
    test(`a provider that repeats secrets in ${what} that stops other calls too puts them into none of their errors`, async t => {
      const refused = { body: { errorId: 1, errorCode, errorDescription: confession(text => text) } }
      const server = await scripted(t, Array(9).fill(refused), { loose: true })
      for (let i = 0; i < 9; i++) await failure(calls.createTask(options('createTask', server.baseURL)))
      const arrived = server.requests.length
      const other = options('createTask', server.baseURL, { proxy: undefined })
      const error = await failure(calls.createTask(other))
      assert.deepEqual([error.code, server.requests.length], ['PROVIDER_ERROR', arrived], 'it is stopped')
      assertTellsNone(everythingShown(error), secrets)
    })
  }
})

describe('a provider that repeats secrets for ever', together, () => {
  for (const [spelt, encode] of Object.entries(encodings)) {
    test(`a provider that repeats secrets for ever ${spelt}, while polled, puts them into no event and not into the error`, async t => {
      const said = confession(encode)
      const busy = { body: { errorId: 1, errorCode: 'ERROR_INTERNAL_SERVER_ERROR', errorDescription: said } }
      const garbled = Array(99).fill({ body: `no JSON ${said}` })
      const server = await scripted(t, [replies.created, busy, ...garbled], { loose: true })
      /** @type {unknown[]} */
      const events = []
      const stop = new AbortController()
      // The task is created, then two polls fail, each in another way.
      const onProgress = (/** @type {unknown} */ event) => {
        if (events.push(event) === 3) stop.abort('enough')
      }
      const more = { onProgress, signal: stop.signal }
      const error = await failure(calls.solveTurnstile(options('solveTurnstile', server.baseURL, more)))
      assert.deepEqual([error.code, error.taskId], ['ABORT_ERR', TASK])
      assertTellsNone(everythingShown({ error, events }), secrets)
    })
  }
})

describe('a secret', together, () => {
  test('a secret of the wrong kind or in the wrong place is not repeated by the error about it', async () => {
    const nowhere = 'http://127.0.0.1:1'
    const secret = 'http://user-0123456789:secret-0123456789@10.0.0.1:99999'
    for (const wrong of /** @type {any[]} */ ([
      { clientKey: [KEY] },
      { clientKey: { key: KEY } },
      { clientKey: `${KEY}\n` },
      { provider: KEY },
      { baseURL: `https://${encodeURIComponent(KEY)}@host.example` },
      { baseURL: `https://host.example?key=${KEY}` },
      { baseURL: KEY },
      { websiteURL: KEY },
      { taskType: KEY, provider: 'yescaptcha' },
      { action: KEY },
      { cData: KEY },
      { proxy: secret },
      { proxy: secret.slice(7) },
      { extraTaskFields: KEY },
      { extraTaskFields: { type: KEY } },
      { developerId: KEY },
      { timeoutMs: KEY },
      { signal: KEY },
    ])) {
      const error = await failure(
        calls.createTask(required('createTask', nowhere, { clientKey: KEY, ...wrong })),
      )
      assert.equal(error.code, 'INVALID_OPTIONS')
      assertTellsNone(everythingShown(error), [KEY, 'secret-0123456789'], JSON.stringify(wrong))
    }
  })

  for (const name of callNames) {
    test(`a secret goes out with ${name} in the body alone: in no path, no query and no header`, async t => {
      const server = await scripted(t, success[name], { loose: true })
      await calls[name](options(name, server.baseURL))
      assert.ok(server.requests.length > 0)
      for (const { path, headers, body } of server.requests) {
        assert.equal(body.clientKey, KEY)
        assert.match(path, /^\/[A-Za-z]+$/)
        assertTellsNone(JSON.stringify(headers), secrets)
      }
    })
  }
})

describe('a process with everything that logs turned on', together, () => {
  test('a process with everything that logs turned on writes no secret to stdout or stderr, whatever its calls come to', async t => {
    const sandbox = await startSandbox({
      provider: 'ezcaptcha',
      clientKey: KEY,
      solveTimeMs: 0,
      faults: [
        { method: 'getBalance', fault: 'echo-key', times: 1 },
        { method: 'getBalance', fault: 'connection-reset', nth: 2, times: 1 },
        { method: 'getBalance', fault: 'html', nth: 3, times: 1 },
        { method: 'createTask', fault: 'truncated-body', times: 1 },
      ],
    })
    t.after(() => sandbox.close())
    // The key is put together in there, so that what Node.js itself prints of the script and its arguments is no find.
    const script = `
      const { solveTurnstile, createTask, getBalance } = require('turnstile-solver')
      const clientKey = ${JSON.stringify(KEY.slice(0, 12))} + ${JSON.stringify(KEY.slice(12))}
      const proxy = 'http://${USER}:' + ${JSON.stringify(PASSWORD.slice(0, 9))} + ${JSON.stringify(PASSWORD.slice(9))} + '@proxy.example:8080'
      const account = { provider: 'ezcaptcha', clientKey, baseURL: process.argv[1], timeoutMs: 300_000, requestTimeoutMs: 300_000 }
      const task = { websiteURL: 'https://shop.example', websiteKey: 'key', proxy }
      const onProgress = () => { throw new Error('in the callback') }
      const log = error => console.log(error, JSON.stringify(error), error.stack)
      const main = async () => {
        for (let i = 0; i < 3; i++) await getBalance(account).catch(log)
        await createTask({ ...account, ...task }).catch(log)
        await createTask({ ...account, ...task, timeoutMs: -1 }).catch(log)
        await createTask({ ...account, ...task, clientKey: [clientKey] }).catch(log)
        await getBalance({ ...account, signal: AbortSignal.abort() }).catch(log)
        await getBalance({ ...account, timeoutMs: 1 }).catch(log)
        console.log(await solveTurnstile({ ...account, ...task, onProgress, pollIntervalMs: 10 }))
        await createTask({ ...account, ...task, websiteURL: '' })
      }
      main()`
    const env = { RUST_BACKTRACE: 'full', RUST_LOG: 'trace', NODE_DEBUG: '*', DEBUG: '*' }
    const ended = await run(process.execPath, ['-e', script, sandbox.baseURL], { env })
    assert.deepEqual([ended.code, ended.signal], [1, null], 'the last call is an unhandled rejection')
    assert.match(ended.stdout, /token: /)
    assert.match(ended.stdout, /PROVIDER_ERROR.*ABORT_ERR/s)
    assertTellsNone(ended.stdout, [KEY, PASSWORD], 'stdout')
    assertTellsNone(ended.stderr, [KEY, PASSWORD], 'stderr')
  })
})
