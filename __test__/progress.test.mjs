import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { startSandbox } from '../lib/sandbox/index.mjs'
import {
  calls,
  failure,
  KEY,
  patient,
  polling,
  providers,
  replies,
  required,
  scripted,
  TASK,
  TOKEN,
} from './support/calls.mjs'
import { runScript } from './support/child.mjs'

/** @typedef {import('../index.js').Progress} Progress */
/** @typedef {import('./support/calls.mjs').CallName} CallName */

const page = { websiteURL: 'https://shop.example', websiteKey: 'key' }
const together = { concurrency: 32 }

/**
 * Runs a call against a script and keeps what it reported.
 * @param {import('node:test').TestContext} t
 * @param {CallName} name
 * @param {import('./support/scripted-server.mjs').Answer[]} script
 * @param {Record<string, unknown>} [options]
 */
async function observed(t, name, script, options) {
  const server = await scripted(t, script, { loose: true })
  /** @type {Progress[]} */
  const events = []
  const onProgress = (/** @type {Progress} */ event) => events.push(event)
  const all = required(name, server.baseURL, { pollIntervalMs: 10, onProgress, ...options })
  const outcome = await calls[name](all).then(
    solution => ({ solution, error: undefined, count: events.length }),
    error => ({ solution: undefined, error, count: events.length }),
  )
  return { events, ...outcome }
}

/** @param {Progress[]} events */
const phases = events => events.map(({ phase }) => phase)

/** What is left of an event without the times. @param {Progress} event */
const timeless = ({ elapsedMs: _, retryDelayMs: __, ...event }) => event

describe('onProgress', together, () => {
  describe('progress', together, () => {
    test('progress of a solve is created, processing and ready, and every event has every field', async t => {
      const { created, processing, ready } = replies
      const { events } = await observed(t, 'solveTurnstile', [created, processing, processing, ready])
      const always = { provider: 'ezcaptcha', taskId: TASK, retries: 0 }
      assert.deepEqual(events.map(timeless), [
        { phase: 'created', ...always, polls: 0 },
        { phase: 'processing', ...always, polls: 1 },
        { phase: 'processing', ...always, polls: 2 },
        { phase: 'ready', ...always, polls: 3 },
      ])
      const elapsed = events.map(({ elapsedMs }) => elapsedMs)
      assert.deepEqual(
        elapsed,
        [...elapsed].sort((a, b) => a - b),
      )
      assert.ok(elapsed.every(Number.isInteger), `${elapsed}`)
    })

    test('progress of waitForTask has no created event and begins with the first poll', async t => {
      const { events } = await observed(t, 'waitForTask', [replies.processing, replies.ready])
      assert.deepEqual(phases(events), ['processing', 'ready'])
      assert.deepEqual(
        events.map(({ taskId, polls }) => [taskId, polls]),
        [
          [TASK, 1],
          [TASK, 2],
        ],
      )
    })

    for (const [what, answer, code] of /** @type {const} */ ([
      ['a reset', { reset: true }, 'CONNECTION_FAILED'],
      ['a 503', { status: 503, body: 'busy' }, 'HTTP_ERROR'],
      ['truncated JSON', { body: '{' }, 'INVALID_RESPONSE'],
      [
        'a busy envelope',
        { status: 500, body: { errorId: 1, errorCode: 'ERROR_REQUEST_LIMIT' } },
        'PROVIDER_ERROR',
      ],
    ])) {
      test(`progress reports ${what} in a poll as retrying, with the code, a text and the wait`, async t => {
        const { events, solution } = await observed(t, 'waitForTask', [answer, replies.ready])
        assert.deepEqual(phases(events), ['retrying', 'ready'])
        const [retrying, ready] = events
        const { phase, provider, taskId, polls, retries } = retrying
        assert.deepEqual([phase, provider, taskId, polls, retries], ['retrying', 'ezcaptcha', TASK, 1, 1])
        assert.equal(retrying.code, code)
        assert.ok(retrying.message)
        const { retryDelayMs = -1 } = retrying
        assert.ok(
          Number.isInteger(retryDelayMs) && retryDelayMs >= 0 && retryDelayMs <= 30_000,
          `${retryDelayMs} ms`,
        )
        assert.deepEqual([ready.retries, solution.retries], [1, 1])
      })
    }

    test('progress reports a createTask that was refused as busy as retrying, before there is a task id', async t => {
      const busy = { path: '/createTask', status: 429, headers: { 'retry-after': '0' }, body: 'busy' }
      const { events } = await observed(t, 'solveTurnstile', [busy, replies.created, replies.ready])
      assert.deepEqual(phases(events), ['retrying', 'created', 'ready'])
      assert.equal('taskId' in events[0], false)
      assert.deepEqual([events[0].code, events[0].polls], ['HTTP_ERROR', 0])
      assert.equal(events[1].taskId, TASK)
    })

    test('progress of a task that fails ends without ready', async t => {
      const failed = { body: { errorId: 1, errorCode: 'ERROR_CAPTCHA_UNSOLVABLE' } }
      const outcome = await observed(t, 'solveTurnstile', [replies.created, replies.processing, failed])
      assert.equal(outcome.error.code, 'PROVIDER_ERROR')
      assert.deepEqual(phases(outcome.events), ['created', 'processing'])
    })

    test('there is no progress for wrong options or an aborted signal', async t => {
      for (const name of polling) {
        const wrong = await observed(t, name, [], { timeoutMs: -1 })
        const aborted = await observed(t, name, [], { signal: AbortSignal.abort() })
        assert.deepEqual([...wrong.events, ...aborted.events], [])
      }
    })

    test('progress never comes after the promise has settled', async t => {
      const script = [replies.created, replies.processing, replies.ready]
      const { events, count } = await observed(t, 'solveTurnstile', script)
      assert.deepEqual([events.length, count], [3, 3])
      const controller = new AbortController()
      const server = await scripted(t, [replies.created, ...Array(9).fill(replies.processing)], {
        loose: true,
      })
      /** @type {string[]} */
      const phases = []
      const onProgress = (/** @type {Progress} */ { phase }) => {
        phases.push(phase)
        if (phase === 'processing') controller.abort()
      }
      const options = { pollIntervalMs: 10, signal: controller.signal, onProgress }
      await failure(calls.solveTurnstile(required('solveTurnstile', server.baseURL, options)))
      assert.deepEqual(phases, ['created', 'processing'])
      // Another call: what was still on its way has arrived before its end.
      await observed(t, 'waitForTask', [replies.ready])
      for (let index = 0; index < 10; index += 1) await turn()
      assert.deepEqual([events.length, phases.length], [3, 2])
    })

    test('each progress event is a new plain object, and changing it has no effect', async t => {
      const server = await scripted(t, [replies.created, replies.ready])
      const onProgress = (/** @type {any} */ event) => {
        assert.equal(Object.getPrototypeOf(event), Object.prototype)
        for (const key of Object.keys(event)) delete event[key]
      }
      const options = { pollIntervalMs: 10, onProgress }
      const solution = await calls.solveTurnstile(required('solveTurnstile', server.baseURL, options))
      assert.deepEqual([solution.token, solution.taskId], [TOKEN, TASK])
    })

    test('progress does not hold up the call: a callback whose promise never ends is not waited for', async t => {
      const server = await scripted(t, [replies.created, replies.ready])
      const onProgress = () => new Promise(() => {})
      const options = { pollIntervalMs: 10, onProgress }
      const { token } = await calls.solveTurnstile(required('solveTurnstile', server.baseURL, options))
      assert.equal(token, TOKEN)
    })

    for (const provider of providers) {
      test(`progress at ${provider} comes in the same order, and only from the call that asked for it`, async t => {
        let ahead = 0
        const begun = Date.now()
        const now = () => begun + ahead
        const sandbox = await startSandbox({ provider, clientKey: KEY, solveTimeMs: 60_000, now })
        t.after(() => sandbox.close())
        const { account, taskType } = sandbox
        const task = { ...account, ...patient, websiteURL: page.websiteURL, taskType, pollIntervalMs: 10 }
        /** @type {Progress[]} */
        const events = []
        const onProgress = (/** @type {Progress} */ event) => events.push(event)
        sandbox.events.on('task:polled', event => {
          const observed = sandbox.tasks().find(({ taskId }) => taskId === event.taskId)
          // Once its first poll is answered, the task is ready.
          if (observed?.task.websiteKey === 'observed') setImmediate(() => (ahead += 60_000))
        })
        const [solution] = await Promise.all([
          calls.solveTurnstile({ ...task, websiteKey: 'observed', onProgress }),
          calls.solveTurnstile({ ...task, websiteKey: 'another' }),
        ])
        assert.deepEqual(phases(events), ['created', 'processing', 'ready'])
        assert.ok(events.every(event => event.taskId === solution.taskId && event.provider === provider))
      })
    }
  })

  describe('a callback that', together, () => {
    /**
     * @param {import('node:test').TestContext} t
     * @param {string} onProgress
     */
    async function inChild(t, onProgress) {
      const server = await scripted(t, [replies.created, replies.processing, replies.ready], { loose: true })
      const script = `
      import { getBalance, isTurnstileError, solveTurnstile } from 'turnstile-solver'
      const account = { provider: 'ezcaptcha', clientKey: '${KEY}', baseURL: process.argv[1], timeoutMs: 300_000, requestTimeoutMs: 300_000 }
      const page = { websiteURL: 'https://shop.example', websiteKey: 'key' }
      const onProgress = ${onProgress}
      const { token } = await solveTurnstile({ ...account, ...page, pollIntervalMs: 10, onProgress })
      console.log(token)`
      return runScript(script, { args: [server.baseURL] })
    }

    for (const [what, callback] of [
      ['throws', "() => { throw new RangeError('boom') }"],
      ['rejects', "async () => { throw new RangeError('boom') }"],
      ['rejects later', "async () => { await new Promise(setImmediate); throw new RangeError('boom') }"],
    ]) {
      test(`a callback that ${what} ends neither the process nor the solve, and each time there is a warning`, async t => {
        const { code, stdout, stderr } = await inChild(t, callback)
        assert.deepEqual({ code, stdout }, { code: 0, stdout: `${TOKEN}\n` })
        assert.equal(stderr.match(/TurnstileWarning: .*onProgress.*boom/g)?.length, 3, stderr)
      })
    }

    test('a callback that throws undefined, null or what cannot be shown ends neither the process nor the solve', async t => {
      const unshowable = `{
        get message() { throw 1 },
        [Symbol.for('nodejs.util.inspect.custom')]() { throw 2 },
      }`
      const callback = `({ phase }) => {
        throw { created: undefined, processing: null, ready: ${unshowable} }[phase]
      }`
      const { code, stdout } = await inChild(t, callback)
      assert.deepEqual({ code, stdout }, { code: 0, stdout: `${TOKEN}\n` })
    })

    test('a callback that calls back into the package gets its answers, and the solve goes on', async t => {
      const callback = `async ({ phase }) => {
        const error = await getBalance({}).catch(error => error)
        if (!isTurnstileError(error)) console.log('no error')
        console.log(phase)
      }`
      const { code, stdout, stderr } = await inChild(t, callback)
      assert.equal(stderr, '')
      assert.equal(code, 0)
      assert.deepEqual(stdout.trim().split('\n').sort(), [TOKEN, 'created', 'processing', 'ready'].sort())
    })

    test('a callback that starts a solve of its own finishes both', async t => {
      const { created, ready } = replies
      const server = await scripted(t, [created, created, ready, ready])
      /** @type {Promise<any> | undefined} */
      let inner
      const options = required('solveTurnstile', server.baseURL, { pollIntervalMs: 10 })
      const onProgress = () => {
        inner ??= calls.solveTurnstile(options)
      }
      const outer = await calls.solveTurnstile({ ...options, onProgress })
      assert.deepEqual([outer.token, (await inner)?.token], [TOKEN, TOKEN])
    })

    test('a callback that ends the process on purpose ends it at once', async t => {
      const { code, stdout, stderr } = await inChild(t, '() => process.exit(7)')
      assert.deepEqual({ code, stdout, stderr }, { code: 7, stdout: '', stderr: '' })
    })
  })
})
