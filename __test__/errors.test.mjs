import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { inspect } from 'node:util'
import { isTurnstileError, TurnstileError } from '../index.js'
import {
  callNames,
  calls,
  creating,
  failure,
  fields,
  KEY,
  outOfTime,
  polling,
  replies,
  required,
  resuming,
  scripted,
  TASK,
} from './support/calls.mjs'
import { startScriptedServer } from './support/scripted-server.mjs'

/** @typedef {import('../index.js').Progress} Progress */
/** @typedef {import('./support/calls.mjs').CallName} CallName */
/** @typedef {import('./support/scripted-server.mjs').Answer} Answer */

const together = { concurrency: 32 }

/** How the fields of an error depend on the call: the id of a task that exists is known, and it is paid for. @param {CallName} name */
const known = name =>
  resuming.includes(name) ? { taskId: TASK, mayBeCharged: true } : { mayBeCharged: false }

/** @param {CallName} name */
const brief = name => (polling.includes(name) ? { pollIntervalMs: 10 } : {})

/**
 * The call's error where every answer is the same.
 * @param {import('node:test').TestContext} t
 * @param {CallName} name
 * @param {Answer} answer
 * @param {Record<string, unknown>} [options]
 */
async function errorOf(t, name, answer, options) {
  const server = await scripted(t, Array(40).fill(answer), { loose: true })
  const error = await failure(calls[name](required(name, server.baseURL, { ...brief(name), ...options })))
  return { error, server }
}

/**
 * Every error that surfaces is one of ours, says which provider and which task it was, and keeps the key to itself.
 * @param {TurnstileError} error
 */
function assertOurs(error) {
  assertKind(error)
  assert.match(error.message, /ezcaptcha/)
  if (error.taskId !== undefined) assert.match(error.message, new RegExp(error.taskId))
}

/** @param {TurnstileError} error */
function assertKind(error) {
  assert.ok(error instanceof TurnstileError)
  assert.ok(error instanceof Error)
  assert.equal(isTurnstileError(error), true)
  assert.equal(error.name, error.code === 'ABORT_ERR' ? 'AbortError' : 'TurnstileError')
  assert.ok(!inspect(error, { depth: null, showHidden: true }).includes(KEY))
}

describe('errors', () => {
  describe('CONNECTION_FAILED', together, () => {
    for (const name of creating) {
      test(`CONNECTION_FAILED of ${name}: a reset after the request was read is not repeated, and the task may be charged`, async t => {
        const { error, server } = await errorOf(t, name, { reset: true })
        assertOurs(error)
        assert.deepEqual(fields(error), {
          code: 'CONNECTION_FAILED',
          provider: 'ezcaptcha',
          mayBeCharged: true,
        })
        assert.ok(error.cause instanceof Error)
        assert.notEqual(error.cause.message, '')
        assert.equal(server.requests.length, 1)
      })

      test(`CONNECTION_FAILED of ${name}: a body cut short is not repeated, and the task may be charged`, async t => {
        const cut = (/** @type {any} */ _, /** @type {any} */ response) => {
          response.writeHead(200, { 'content-length': 100 })
          response.write('{"errorId":0,', () => response.socket.destroy())
        }
        const { error, server } = await errorOf(t, name, { handler: cut })
        assert.deepEqual(fields(error), {
          code: 'CONNECTION_FAILED',
          provider: 'ezcaptcha',
          mayBeCharged: true,
        })
        assert.equal(server.requests.length, 1)
      })

      test(`CONNECTION_FAILED of ${name}: one exchange over its time is not repeated, and the task may be charged`, async t => {
        const { error, server } = await outOfTime(
          requestTimeoutMs => errorOf(t, name, { hang: true }, { requestTimeoutMs }),
          ({ server }) => server.requests.length > 0,
        )
        assert.deepEqual(fields(error), {
          code: 'CONNECTION_FAILED',
          provider: 'ezcaptcha',
          mayBeCharged: true,
        })
        assert.match(error.message, /requestTimeoutMs/)
        assert.equal(server.requests.length, 1)
      })
    }

    test('CONNECTION_FAILED of solveTurnstile: where no server listens nothing is sent, so nothing is charged', async () => {
      const stop = new AbortController()
      /** @type {Progress[]} */
      const events = []
      const onProgress = (/** @type {Progress} */ event) => {
        events.push(event)
        stop.abort()
      }
      const options = { pollIntervalMs: 10, onProgress, signal: stop.signal }
      const pending = calls.solveTurnstile(required('solveTurnstile', await closedPort(), options))
      const error = await failure(pending)
      assert.deepEqual(
        events.map(({ phase, code }) => [phase, code]),
        [['retrying', 'CONNECTION_FAILED']],
      )
      assert.deepEqual([error.code, error.mayBeCharged], ['ABORT_ERR', false])
    })
  })

  describe('HTTP_ERROR', together, () => {
    const page = { body: '<html>gone</html>', headers: { 'content-type': 'text/html' } }
    for (const name of callNames) {
      test(`HTTP_ERROR of ${name}: a 404 without an envelope ends it and has the status`, async t => {
        const { error, server } = await errorOf(t, name, { ...page, status: 404 })
        assertOurs(error)
        const expected = { code: 'HTTP_ERROR', provider: 'ezcaptcha', status: 404, ...known(name) }
        assert.deepEqual(fields(error), expected)
        assert.equal('cause' in error, false)
        assert.equal(server.requests.length, 1)
      })
    }

    for (const name of creating) {
      for (const status of [500, 502, 503]) {
        test(`HTTP_ERROR of ${name}: a ${status} from a gateway is not repeated, and the task may be charged`, async t => {
          const { error, server } = await errorOf(t, name, { ...page, status })
          const expected = { code: 'HTTP_ERROR', provider: 'ezcaptcha', status, mayBeCharged: true }
          assert.deepEqual(fields(error), expected)
          assert.equal(server.requests.length, 1)
        })
      }
    }
  })

  describe('INVALID_RESPONSE', together, () => {
    /** @type {[what: string, body: unknown][]} */
    const created = [
      ['no JSON', '<html></html>'],
      ['nothing', ''],
      ['too large', ' '.repeat((1 << 20) + 1)],
      ['no envelope', []],
      ['created without an id', { errorId: 0 }],
      ['created with an empty id', { errorId: 0, taskId: '' }],
      ['created with a null id', { errorId: 0, taskId: null }],
    ]
    for (const name of creating) {
      for (const [what, body] of created) {
        test(`INVALID_RESPONSE of ${name}: a reply that is ${what} is not requested again, and the task may be charged`, async t => {
          const { error, server } = await errorOf(t, name, { body })
          assertOurs(error)
          const expected = {
            code: 'INVALID_RESPONSE',
            provider: 'ezcaptcha',
            status: 200,
            mayBeCharged: true,
          }
          assert.deepEqual(fields(error), expected)
          assert.equal(server.requests.length, 1)
        })
      }
    }

    const ready = { errorId: 0, status: 'ready' }
    /** @type {[what: string, body: unknown, raw?: unknown][]} */
    const polled = [
      ['an unknown status', { errorId: 0, status: 'pondering' }],
      ['no status', { errorId: 0 }],
      ['ready without a solution', ready, ready],
      ['ready with a null solution', { ...ready, solution: null }, { ...ready, solution: null }],
      ['ready with an empty token', { ...ready, solution: { token: '' } }, { token: '' }],
      ['ready with a token elsewhere', { ...ready, solution: { value: '0.t' } }, { value: '0.t' }],
      ['ready with a text', { ...ready, solution: '0.token' }, '0.token'],
      ['ready with a list', { ...ready, solution: ['0.token'] }, ['0.token']],
    ]
    for (const name of resuming) {
      for (const [what, body, raw] of polled) {
        test(`INVALID_RESPONSE of ${name}: ${what} ends it at once and keeps the task id, and the solution as it came`, async t => {
          const { error, server } = await errorOf(t, name, { body })
          assertOurs(error)
          const expected = { code: 'INVALID_RESPONSE', provider: 'ezcaptcha', status: 200, ...known(name) }
          assert.deepEqual(fields(error), raw === undefined ? expected : { ...expected, raw })
          const untrue = /waitForTask with this taskId can still fetch the token/
          if (raw !== undefined) assert.doesNotMatch(error.message, untrue)
          assert.equal(server.requests.length, 1)
        })
      }
    }

    test('INVALID_RESPONSE of getBalance: a reply without a balance', async t => {
      const { error } = await errorOf(t, 'getBalance', { body: { errorId: 0 } })
      const expected = { code: 'INVALID_RESPONSE', provider: 'ezcaptcha', status: 200, mayBeCharged: false }
      assert.deepEqual(fields(error), expected)
    })
  })

  describe('PROVIDER_ERROR', together, () => {
    const [errorCode, errorDescription] = ['ERROR_REQUEST_PARAMETERS', 'Ünïcode "text"\n verbatim']
    for (const name of callNames) {
      for (const [errorId, status] of [
        [1, 200],
        [130, 500],
      ]) {
        test(`PROVIDER_ERROR of ${name}: errorId ${errorId} with HTTP ${status} has everything the provider said`, async t => {
          const errors = { 'task.websiteKey': 'Must not be blank', other: 1 }
          const body = { errorId, errorCode, errorDescription, requestId: 'r', errors }
          const { error, server } = await errorOf(t, name, { status, body })
          assertOurs(error)
          const provider = {
            provider: 'ezcaptcha',
            errorId,
            errorCode,
            errorDescription,
            reason: 'request',
            status,
            requestId: 'r',
            fieldErrors: { 'task.websiteKey': 'Must not be blank', other: '1' },
          }
          assert.deepEqual(fields(error), { code: 'PROVIDER_ERROR', ...provider, ...known(name) })
          assert.match(error.message, /ERROR_REQUEST_PARAMETERS.*task\.websiteKey: Must not be blank/)
          assert.equal('cause' in error, false)
          assert.equal(server.requests.length, 1)
        })
      }
    }

    for (const [errorCode, reason] of [
      ['ERROR_ZERO_BALANCE', 'account'],
      ['ERROR_WEBSITE_NOT_ALLOWED', 'request'],
      ['ERROR_CAPTCHA_UNSOLVABLE', 'unsolvable'],
      ['ERROR_TASK_NOT_EXIST', 'expired'],
      ['ERROR_PROXY_CONNECT_REFUSED', 'proxy'],
      ['ERROR_THAT_NOBODY_KNOWS', 'unknown'],
    ]) {
      test(`${errorCode} has the reason ${reason}, also in a poll, and ends the call`, async t => {
        const body = { errorId: 1, errorCode, errorDescription: '' }
        const { error, server } = await errorOf(t, 'waitForTask', { body })
        assert.deepEqual([error.code, error.errorCode, error.reason], ['PROVIDER_ERROR', errorCode, reason])
        assert.deepEqual([error.taskId, error.mayBeCharged], [TASK, true])
        assert.equal(server.requests.length, 1)
      })
    }

    test('a refusal that is repeated without sending the request says so', async t => {
      const banned = { body: { errorId: 1, errorCode: 'ERROR_IP_BANNED' } }
      const { error, server } = await errorOf(t, 'createTask', banned)
      assert.deepEqual(['notSent' in error, server.requests.length], [false, 1])
      const again = await failure(calls.createTask(required('createTask', server.baseURL)))
      assert.deepEqual([again.code, again.notSent, server.requests.length], ['PROVIDER_ERROR', true, 1])
      assert.match(
        again.message,
        /not sent: refused \d+ s ago with ERROR_IP_BANNED; the next request goes out in/,
      )
    })

    test('code and text that are null or missing are empty', async t => {
      for (const body of [{ errorId: 2 }, { errorId: 2, errorCode: null, errorDescription: null }]) {
        const { error } = await errorOf(t, 'createTask', { body })
        const seen = [error.code, error.errorCode, error.errorDescription, error.reason]
        assert.deepEqual(seen, ['PROVIDER_ERROR', '', '', 'unknown'])
      }
    })

    test('a solve that fails after the task was created keeps its id', async t => {
      const failed = { path: '/getTaskResult', body: { errorId: 1, errorCode: 'ERROR_CAPTCHA_UNSOLVABLE' } }
      const server = await scripted(t, [replies.created, failed])
      const options = required('solveTurnstile', server.baseURL, { pollIntervalMs: 10 })
      const error = await failure(calls.solveTurnstile(options))
      assertOurs(error)
      assert.deepEqual([error.code, error.reason, error.taskId], ['PROVIDER_ERROR', 'unsolvable', TASK])
      assert.equal(error.mayBeCharged, true)
    })
  })

  describe('TIMEOUT', together, () => {
    for (const name of callNames) {
      test(`TIMEOUT of ${name} whose first request gets no reply has the elapsed time and the number of polls`, async t => {
        let limitMs = 0
        const { error } = await outOfTime(
          timeoutMs => {
            limitMs = timeoutMs
            return errorOf(t, name, { hang: true }, { timeoutMs })
          },
          ({ server }) => server.requests.length > 0,
        )
        assertOurs(error)
        const { elapsedMs = 0, polls = 0, ...rest } = fields(error)
        const charged = creating.includes(name) ? { mayBeCharged: true } : known(name)
        assert.deepEqual(rest, { code: 'TIMEOUT', provider: 'ezcaptcha', ...charged })
        assert.ok(elapsedMs >= limitMs - 2, `${elapsedMs} ms`)
        assert.equal(polls, resuming.includes(name) ? 1 : 0)
      })
    }

    test('TIMEOUT of a task that stays in process has the task id, the polls and no cause', async t => {
      const { error, server } = await outOfTime(
        async timeoutMs => {
          const server = await scripted(t, [replies.created, ...Array(999).fill(replies.processing)], {
            loose: true,
          })
          const options = required('solveTurnstile', server.baseURL, { pollIntervalMs: 50, timeoutMs })
          return { error: await failure(calls.solveTurnstile(options)), server }
        },
        ({ server }) => server.requests.length > 2,
      )
      const { elapsedMs = 0, polls = 0, ...rest } = fields(error)
      const charged = { taskId: TASK, mayBeCharged: true }
      assert.deepEqual(rest, { code: 'TIMEOUT', provider: 'ezcaptcha', ...charged })
      // The deadline may cut off a last request that has not arrived yet.
      const arrived = server.requests.length - 1
      assert.ok(polls === arrived || polls === arrived + 1, `${polls} polls, ${arrived} arrived`)
      assert.ok(elapsedMs > 0)
      assert.equal('cause' in error, false)
    })

    for (const [what, answer, code] of /** @type {[string, Answer, string][]} */ ([
      ['a reset', { reset: true }, 'CONNECTION_FAILED'],
      ['a 503', { status: 503, body: 'busy' }, 'HTTP_ERROR'],
      ['truncated JSON', { body: '{"errorId":' }, 'INVALID_RESPONSE'],
      [
        'a busy envelope',
        { status: 500, body: { errorId: 1, errorCode: 'ERROR_REQUEST_LIMIT' } },
        'PROVIDER_ERROR',
      ],
    ])) {
      test(`TIMEOUT after ${what} has the last transient error as its cause, with the caller's stack`, async t => {
        const { error } = await outOfTime(
          async timeoutMs => {
            let retried = false
            const onProgress = (/** @type {Progress} */ { phase }) => {
              retried ||= phase === 'retrying'
            }
            const { error } = await errorOf(t, 'waitForTask', answer, { timeoutMs, onProgress })
            return { error, retried }
          },
          ({ retried }) => retried,
        )
        assert.equal(error.code, 'TIMEOUT')
        const cause = /** @type {TurnstileError} */ (error.cause)
        assertKind(cause)
        assert.deepEqual([cause.code, cause.taskId, cause.provider], [code, TASK, 'ezcaptcha'])
        assert.match(cause.stack ?? '', /errors\.test\.mjs/)
      })
    }
  })

  describe('ABORT_ERR', together, () => {
    test('ABORT_ERR has the name that Node.js gives it and has the reason of the signal as its cause', async () => {
      const reason = new Error('not needed')
      const signal = AbortSignal.abort(reason)
      const error = await failure(calls.createTask(required('createTask', 'http://127.0.0.1:1', { signal })))
      assertOurs(error)
      assert.deepEqual([error.name, error.code, error.cause], ['AbortError', 'ABORT_ERR', reason])
      assert.match(error.stack ?? '', /^AbortError: /)
    })
  })
})

async function closedPort() {
  const server = await startScriptedServer()
  await server.close()
  return server.baseURL
}
