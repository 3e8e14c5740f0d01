/** A runaway loop must not get its key banned, and a ban must be left alone: seen from JavaScript, against vendors that ban. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { startSandbox } from '../sandbox/index.mjs'
import { calls, Deferred, failure, KEY, SITEKEY, scripted, WEBSITE } from './support/calls.mjs'
import { exchange } from './support/sandbox-client.mjs'

/** @typedef {import('../sandbox/index.mjs').SandboxOptions} SandboxOptions */
/** @typedef {import('../index.js').TurnstileError} TurnstileError */
/** @typedef {'createTask' | 'solveTurnstile' | 'waitForTask' | 'getTaskResult' | 'getBalance'} CallName */

const OTHER_KEY = 'test-key-of-another-account'
const STRANGER = 'test-key-that-nobody-knows'
const page = { websiteURL: WEBSITE, websiteKey: SITEKEY }
const MINUTE = 60_000

/** How many refusals within a minute a vendor bans for. */
const bannedAfter = { ezcaptcha: 30, yescaptcha: 1000 }
/** What is well before that, with so many calls at once that none knows yet how the others fare. */
const mostSent = { ezcaptcha: 29, yescaptcha: 500 }

/**
 * @param {import('node:test').TestContext} t
 * @param {SandboxOptions} options
 */
async function open(t, options) {
  const sandbox = await startSandbox({ clientKey: KEY, solveTimeMs: 0, ...options })
  t.after(() => sandbox.close())
  const requests = () => Object.values(sandbox.stats().requests).reduce((sum, count) => sum + count, 0)
  return { sandbox, account: sandbox.account, requests }
}

/** @type {Record<'one after another' | 'all at once', (count: number, one: () => Promise<TurnstileError>) => Promise<TurnstileError[]>>} */
const manners = {
  'one after another': async (count, one) => {
    const errors = []
    for (let i = 0; i < count; i++) errors.push(await one())
    return errors
  },
  'all at once': (count, one) => Promise.all(Array.from({ length: count }, one)),
}

/** @param {TurnstileError[]} errors @param {string} errorCode */
function assertStopped(errors, errorCode) {
  for (const { code, reason, errorCode: given, message } of errors) {
    assert.deepEqual([code, reason, given], ['PROVIDER_ERROR', 'account', errorCode], message)
  }
  // Not on those that came back before there were too many.
  const waits = errors.map(({ retryAfterMs = 0 }) => retryAfterMs)
  const longest = Math.max(...waits)
  assert.ok(longest > 0 && longest <= MINUTE, `${longest} ms`)
}

describe('the guard', { concurrency: 16 }, () => {
  for (const provider of /** @type {const} */ (['ezcaptcha', 'yescaptcha'])) {
    describe(`a runaway loop at ${provider}`, { concurrency: 16 }, () => {
      for (const [manner, run] of Object.entries(manners)) {
        for (const [trouble, clientKey, errorCode] of /** @type {const} */ ([
          ['an empty balance', KEY, 'ERROR_ZERO_BALANCE'],
          ['a bad key', STRANGER, 'ERROR_KEY_DOES_NOT_EXIST'],
        ])) {
          for (const call of /** @type {const} */ (['createTask', 'solveTurnstile'])) {
            test(`of ${call} with ${trouble}, ${manner}, is stopped well before the key is banned`, async t => {
              const { sandbox, account, requests } = await open(t, { provider, balance: 0 })
              const options = { ...account, clientKey, ...page }
              const errors = await run(200, () => failure(calls[call](options)))
              assertStopped(errors, errorCode)
              for (const error of errors) {
                assert.deepEqual([error.mayBeCharged, error.taskId], [false, undefined])
              }
              assert.equal(sandbox.stats().bans, 0)
              assert.ok(requests() <= mostSent[provider], `${requests()} requests`)

              const sent = requests()
              const started = performance.now()
              assertStopped([await failure(calls[call](options))], errorCode)
              assert.equal(requests(), sent, 'nothing more is sent')
              assert.ok(performance.now() - started < 10_000, 'and nothing is waited for')
            })
          }
        }

        for (const call of /** @type {const} */ (['getTaskResult', 'waitForTask'])) {
          test(`of ${call} with a bad key, ${manner}, is stopped well before the key is banned`, async t => {
            const { sandbox, account, requests } = await open(t, { provider })
            // Every waitForTask begins with a second of patience.
            const count = call === 'waitForTask' && manner === 'one after another' ? 12 : 200
            const polling = call === 'waitForTask' ? { pollIntervalMs: 1000 } : {}
            const options = { ...account, clientKey: STRANGER, taskId: 'a-task', ...polling }
            const errors = await run(count, () => failure(calls[call](options)))
            assertStopped(errors, 'ERROR_KEY_DOES_NOT_EXIST')
            for (const error of errors) {
              assert.deepEqual([error.mayBeCharged, error.taskId], [true, 'a-task'])
            }
            assert.equal(sandbox.stats().bans, 0)
            const sent = requests()
            await failure(calls[call](options))
            assert.equal(requests(), sent, 'nothing more is sent')
          })
        }
      }

      test('of getBalance with a bad key, one after another, does not get anything banned', async t => {
        const { sandbox, account } = await open(t, { provider })
        const options = { ...account, clientKey: STRANGER }
        const errors = await manners['one after another'](1100, () => failure(calls.getBalance(options)))
        for (const { code, reason } of errors) assert.deepEqual([code, reason], ['PROVIDER_ERROR', 'account'])
        assert.equal(sandbox.stats().bans, 0)
      })

      test('of 2000 createTask at once with an empty balance does not get anything banned', async t => {
        const { sandbox, account } = await open(t, { provider, balance: 0 })
        const errors = await manners['all at once'](2000, () =>
          failure(calls.createTask({ ...account, ...page })),
        )
        assertStopped(errors, 'ERROR_ZERO_BALANCE')
        assert.equal(sandbox.stats().bans, 0)
      })

      test('with an empty balance leaves paid tasks to be fetched, and other keys alone', async t => {
        const accounts = { [KEY]: 30, [OTHER_KEY]: 100 }
        const { sandbox, account } = await open(t, { provider, accounts })
        const first = await calls.createTask({ ...account, ...page })
        const second = await calls.createTask({ ...account, ...page })
        const errors = await manners['all at once'](200, () =>
          failure(calls.createTask({ ...account, ...page })),
        )
        assertStopped(errors, 'ERROR_ZERO_BALANCE')

        const { status } = await calls.getTaskResult({ ...account, taskId: first.taskId })
        const waited = await calls.waitForTask({ ...account, taskId: second.taskId, pollIntervalMs: 1000 })
        const { balance } = await calls.getBalance(account)
        assert.deepEqual([status, waited.taskId, balance], ['ready', second.taskId, 0])
        const other = await calls.solveTurnstile({
          ...account,
          clientKey: OTHER_KEY,
          ...page,
          pollIntervalMs: 1000,
        })
        assert.ok(other.token)
        const { bans, tasks } = sandbox.stats()
        assert.deepEqual([bans, tasks.created, tasks.delivered], [0, 3, 3])
        // Having polled and been served does not open the door again.
        assertStopped([await failure(calls.createTask({ ...account, ...page }))], 'ERROR_ZERO_BALANCE')
      })
    })

    test(`a plain loop does get banned by ${provider}, so not being banned means something`, async t => {
      const { sandbox } = await open(t, { provider, balance: 0 })
      const task = { type: sandbox.taskType, ...page }
      const body = JSON.stringify({ clientKey: KEY, task })
      const answers = []
      for (let i = 0; i <= bannedAfter[provider]; i++) {
        answers.push((await exchange(`${sandbox.baseURL}/createTask`, { body })).json.errorCode)
      }
      assert.equal(sandbox.stats().bans, 1)
      assert.deepEqual([...new Set(answers.slice(0, -1))], ['ERROR_ZERO_BALANCE'])
      const banned = provider === 'ezcaptcha' ? 'ERROR_REQUEST_BANNED' : 'ERROR_IP_BANNED'
      assert.equal(answers.at(-1), banned)

      const error = await failure(calls.createTask({ ...sandbox.account, ...page }))
      assert.deepEqual([error.errorCode, error.reason], [banned, 'banned'])
    })
  }

  describe('a ban', { concurrency: 16 }, () => {
    /** @type {CallName[]} */
    const names = ['createTask', 'solveTurnstile', 'waitForTask', 'getTaskResult', 'getBalance']

    /** @param {CallName} name @param {import('../sandbox/index.mjs').SandboxAccount} account */
    const optionsOf = (name, account) => ({
      ...account,
      ...(name === 'createTask' || name === 'solveTurnstile' ? page : {}),
      ...(name === 'waitForTask' || name === 'getTaskResult' ? { taskId: 'a-task' } : {}),
      ...(name === 'waitForTask' || name === 'solveTurnstile' ? { pollIntervalMs: 1000 } : {}),
    })

    for (const errorCode of /** @type {const} */ (['ERROR_REQUEST_BANNED', 'ERROR_IP_BANNED'])) {
      for (const first of names) {
        test(`${errorCode} in ${first} stops every call of that key at once, and no other key`, async t => {
          const accounts = { [KEY]: 100, [OTHER_KEY]: 100 }
          const { sandbox, account, requests } = await open(t, { provider: 'ezcaptcha', accounts })
          sandbox.addFault({ fault: 'error', errorCode })
          const error = await failure(calls[first](optionsOf(first, account)))
          assertBanned(error, errorCode, MINUTE)
          assert.equal(requests(), 1)

          for (const name of names) {
            assertBanned(await failure(calls[name](optionsOf(name, account))), errorCode, MINUTE)
          }
          assert.equal(requests(), 1, 'nothing more is sent')
          assert.equal((await calls.getBalance({ ...account, clientKey: OTHER_KEY })).balance, 100)
        })
      }
    }

    test('lasts as long as the provider says with Retry-After', async t => {
      const { sandbox, account } = await open(t, { provider: 'ezcaptcha' })
      sandbox.addFault({ fault: 'error', errorCode: 'ERROR_IP_BANNED', retryAfter: 600 })
      const banned = await failure(calls.createTask({ ...account, ...page }))
      assert.equal(banned.retryAfterMs, 600_000)
      const again = await failure(calls.getBalance(account))
      assertBanned(again, 'ERROR_IP_BANNED', 600_000)
      assert.ok(Number(again.retryAfterMs) > 590_000, `${again.retryAfterMs} ms`)
    })

    test('is not lifted by an older answer that arrives after it', async t => {
      /** @type {Deferred<void>} */
      const arrived = new Deferred()
      /** @type {Deferred<void>} */
      const banned = new Deferred()
      const server = await scripted(t, [
        async (_, response) => {
          arrived.resolve()
          await banned.promise
          response.end(JSON.stringify({ errorId: 0, status: 'processing' }))
        },
        { status: 429, body: { errorId: 1, errorCode: 'ERROR_IP_BANNED' } },
      ])
      const account = /** @type {const} */ ({
        provider: 'ezcaptcha',
        clientKey: KEY,
        baseURL: server.baseURL,
      })
      const older = calls.getTaskResult({ ...account, taskId: 'a-task' })
      await arrived.promise
      assertBanned(await failure(calls.getBalance(account)), 'ERROR_IP_BANNED', MINUTE)
      banned.resolve()
      assert.deepEqual(await older, { status: 'processing' })

      assertBanned(await failure(calls.getBalance(account)), 'ERROR_IP_BANNED', MINUTE)
      assert.equal(server.requests.length, 2, 'nothing more is sent')
    })

    test('in one of 100 polling solves ends them all without another request, each with its paid task', async t => {
      const { sandbox, account } = await open(t, {
        provider: 'ezcaptcha',
        solveTimeMs: Number.POSITIVE_INFINITY,
      })
      /** @type {Map<number, string>} */
      const created = new Map()
      const polls = () => sandbox.stats().requests['/getTaskResult'] ?? 0
      let before = 0
      const failures = await Promise.all(
        Array.from({ length: 100 }, (_, i) => {
          const onProgress = (/** @type {import('../index.js').Progress} */ { phase, taskId = '' }) => {
            if (phase !== 'created') return
            created.set(i, taskId)
            if (created.size < 100) return
            before = polls()
            sandbox.addFault({ on: 'getTaskResult', fault: 'error', errorCode: 'ERROR_IP_BANNED' })
          }
          const times = { pollIntervalMs: 1000, timeoutMs: 60_000 }
          return failure(calls.solveTurnstile({ ...account, ...page, ...times, onProgress }))
        }),
      )
      for (const [i, error] of failures.entries()) {
        assertBanned(error, 'ERROR_IP_BANNED', MINUTE)
        assert.deepEqual([error.taskId, error.mayBeCharged], [created.get(i), true])
      }
      assert.equal(sandbox.stats().tasks.created, 100)
      assert.ok(polls() - before <= 100, `${polls() - before} polls`)
    })
  })
})

/** @param {TurnstileError} error @param {string} errorCode @param {number} most */
function assertBanned({ code, reason, errorCode: given, retryAfterMs, message }, errorCode, most) {
  assert.deepEqual([code, reason, given], ['PROVIDER_ERROR', 'banned', errorCode], message)
  assert.ok(retryAfterMs !== undefined && retryAfterMs > 0 && retryAfterMs <= most, `${retryAfterMs} ms`)
}
