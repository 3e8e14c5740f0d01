import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { describe, test } from 'node:test'
import { startSandbox } from '../lib/sandbox/index.mjs'
import {
  callNames,
  calls,
  failure,
  KEY,
  patient,
  replies,
  required,
  SITEKEY,
  scripted,
  success,
  TASK,
  TOKEN,
  WEBSITE,
} from './support/calls.mjs'
import { runScript } from './support/child.mjs'
import { blocksOf, read } from './support/documents.mjs'

/** @typedef {import('../index.js').CallEvent} CallEvent */
/** @typedef {import('./support/calls.mjs').CallName} CallName */

const CHANNEL = 'turnstile-solver:call'
const together = { concurrency: 32 }

/**
 * Listens while one call runs, and keeps only its events: others run at the same time.
 *
 * @param {CallName} name
 * @param {any} options
 */
async function watched(name, options) {
  /** @type {any[]} */
  const messages = []
  let id = ''
  /** @param {any} message */
  const listener = message => {
    id ||= message.id
    if (message.id === id) messages.push(message)
  }
  subscribe(CHANNEL, listener)
  // The start is published before the call returns, so the first event is of this call.
  const pending = calls[name](options)
  const atOnce = messages.length
  const outcome = await pending.then(
    solution => ({ solution, error: undefined, published: messages.length }),
    error => ({ solution: undefined, error, published: messages.length }),
  )
  unsubscribe(CHANNEL, listener)
  return { messages, atOnce, ...outcome }
}

/**
 * @param {import('node:test').TestContext} t
 * @param {CallName} name
 * @param {import('./support/scripted-server.mjs').Answer[]} script
 * @param {Record<string, unknown>} [more]
 */
async function watchedAt(t, name, script, more) {
  const server = await scripted(t, script, { loose: true })
  const pace = ['solveTurnstile', 'waitForTask'].includes(name) ? { pollIntervalMs: 10 } : {}
  return watched(name, required(name, server.baseURL, { ...pace, ...more }))
}

/** @param {any[]} messages */
const types = messages => messages.map(({ type }) => type)

/** A message without what differs from run to run. @param {any} message */
const steady = ({ id: _, elapsedMs: __, retryDelayMs: ___, ...message }) => message

describe('the channel turnstile-solver:call', together, () => {
  test('the channel reports a solve from its start to its end', async t => {
    const { created, processing, ready } = replies
    const { messages, atOnce, published } = await watchedAt(t, 'solveTurnstile', [created, processing, ready])
    const always = { call: 'solveTurnstile', provider: 'ezcaptcha', retries: 0 }
    assert.deepEqual(messages.map(steady), [
      { type: 'start', ...always, polls: 0 },
      { type: 'created', ...always, taskId: TASK, polls: 0 },
      { type: 'processing', ...always, taskId: TASK, polls: 1 },
      { type: 'ready', ...always, taskId: TASK, polls: 2 },
      { type: 'settled', ...always, taskId: TASK, polls: 2, outcome: 'succeeded' },
    ])
    assert.deepEqual(
      [atOnce, published],
      [1, 5],
      'the start before the call returns, the end before its promise goes on',
    )
    const times = messages.map(({ elapsedMs }) => elapsedMs)
    assert.ok(times.every(Number.isInteger), `${times}`)
    assert.deepEqual(
      times,
      times.toSorted((a, b) => a - b),
    )
  })

  test('the channel reports a repeated request as a retry, with the code, a text and the wait', async t => {
    const { messages } = await watchedAt(t, 'waitForTask', [{ reset: true }, replies.ready])
    assert.deepEqual(types(messages), ['start', 'retrying', 'ready', 'settled'])
    const [start, retry, , settled] = messages
    assert.equal(start.taskId, TASK)
    assert.deepEqual([retry.code, retry.retries, settled.retries], ['CONNECTION_FAILED', 1, 1])
    assert.ok(retry.message && Number.isInteger(retry.retryDelayMs) && retry.retryDelayMs >= 0)
  })

  test('the channel reports how a call fails, with the fields of its error', async t => {
    const unsolvable = { body: { errorId: 1, errorCode: 'ERROR_CAPTCHA_UNSOLVABLE' } }
    const { messages, error } = await watchedAt(t, 'solveTurnstile', [replies.created, unsolvable])
    assert.deepEqual(types(messages), ['start', 'created', 'settled'])
    const { outcome, code, reason, errorCode, mayBeCharged, message, taskId, polls } = messages[2]
    assert.deepEqual(
      { outcome, code, reason, errorCode, mayBeCharged, message, taskId, polls },
      {
        outcome: 'failed',
        code: error.code,
        reason: 'unsolvable',
        errorCode: 'ERROR_CAPTCHA_UNSOLVABLE',
        mayBeCharged: true,
        message: error.message,
        taskId: TASK,
        polls: 1,
      },
    )
  })

  test('the channel counts at the end each poll that was sent, the one under way at the abort too', async t => {
    const stop = new AbortController()
    const unanswered = { handler: () => stop.abort() }
    const script = [replies.created, replies.processing, unanswered]
    const { messages } = await watchedAt(t, 'solveTurnstile', script, { signal: stop.signal })
    assert.deepEqual(types(messages), ['start', 'created', 'processing', 'settled'])
    assert.deepEqual([messages[2].polls, messages[3].polls, messages[3].code], [1, 2, 'ABORT_ERR'])
  })

  for (const [name, again] of /** @type {const} */ ([
    ['createTask', { path: '/createTask', status: 429, headers: { 'retry-after': '0' }, body: 'busy' }],
    ['getTaskResult', { reset: true }],
    ['getBalance', { reset: true }],
  ])) {
    test(`the channel reports each retry of ${name}, and counts retries of successful and failed calls`, async t => {
      const { messages } = await watchedAt(t, name, [again, ...success[name]])
      assert.deepEqual(types(messages).slice(0, 2), ['start', 'retrying'])
      const [retry, settled] = [messages[1], messages.at(-1)]
      assert.ok(retry.code && retry.message && Number.isInteger(retry.retryDelayMs))
      assert.deepEqual([retry.retries, settled.retries, settled.outcome], [1, 1, 'succeeded'])

      const failed = await watchedAt(t, name, [again, replies.refused])
      assert.deepEqual(types(failed.messages), ['start', 'retrying', 'settled'])
      const [, , last] = failed.messages
      const polls = name === 'getTaskResult' ? 2 : 0
      assert.deepEqual([last.retries, last.polls, last.outcome], [1, polls, 'failed'])
    })
  }

  test('the channel reports an abort as ABORT_ERR and a timeout as TIMEOUT', async t => {
    const aborted = await watchedAt(t, 'solveTurnstile', [], { signal: AbortSignal.abort() })
    assert.deepEqual(types(aborted.messages), ['start', 'settled'])
    assert.equal(aborted.messages[1].code, 'ABORT_ERR')
    const waiting = { timeoutMs: 300, pollIntervalMs: 50 }
    const late = await watchedAt(t, 'waitForTask', Array(20).fill(replies.processing), waiting)
    const last = late.messages.at(-1)
    assert.deepEqual([last.type, last.code, last.polls], ['settled', 'TIMEOUT', late.error.polls])
  })

  for (const name of callNames) {
    test(`the channel reports ${name} once from its start to its end, and each call with its own id`, async t => {
      const [first, second] = [
        await watchedAt(t, name, success[name]),
        await watchedAt(t, name, success[name]),
      ]
      const between = {
        solveTurnstile: ['created', 'ready'],
        createTask: ['created'],
        getTaskResult: ['ready'],
        waitForTask: ['ready'],
        getBalance: [],
      }[name]
      for (const { messages } of [first, second]) {
        assert.deepEqual(types(messages), ['start', ...between, 'settled'])
        assert.ok(messages.every(message => message.call === name && Object.isFrozen(message)))
      }
      assert.notEqual(first.messages[0].id, second.messages[0].id)
    })

    test(`a subscriber does not change what ${name} returns or rejects with`, async () => {
      const wrong = { ...required(name, 'http://127.0.0.1:9'), timeoutMs: -1 }
      const throwing = { ...wrong, timeoutMs: 5 }
      Object.defineProperty(throwing, 'clientKey', {
        enumerable: true,
        get() {
          throw new Error('a getter')
        },
      })
      for (const options of [wrong, undefined, null, [], 'options', { onProgress: 1 }, throwing]) {
        const alone = await failure(calls[name](options))
        const { error, messages } = await watched(name, options)
        assert.deepEqual({ ...error, message: error.message }, { ...alone, message: alone.message })
        assert.match(error.stack, /diagnostics\.test\.mjs/)
        assert.deepEqual(types(messages), ['start', 'settled'])
        assert.equal(messages[1].code, 'INVALID_OPTIONS')
      }
    })
  }

  test('with a subscriber each option is read once, as without', async t => {
    const server = await scripted(t, [replies.balance])
    /** @type {Record<string, number>} */
    const reads = {}
    const options = new Proxy(required('getBalance', server.baseURL), {
      get(target, name) {
        reads[String(name)] = (reads[String(name)] ?? 0) + 1
        return Reflect.get(target, name)
      },
    })
    const { solution } = await watched('getBalance', options)
    assert.equal(solution.balance, 1234.5)
    assert.deepEqual(reads, { provider: 1, clientKey: 1, baseURL: 1, timeoutMs: 1, requestTimeoutMs: 1 })
  })

  test('with a subscriber the content of an option is read once, as without', async t => {
    let written = 0
    const extraTaskFields = { toJSON: () => ({ written: ++written }) }
    await watchedAt(t, 'createTask', [replies.created], { extraTaskFields })
    assert.equal(written, 1)
  })

  for (const [what, wrong, shown] of /** @type {const} */ ([
    ['provider that does not exist', { provider: 'no-such-provider' }, { taskId: TASK }],
    ['task id of another type', { taskId: Number.NaN }, { provider: 'ezcaptcha' }],
    ['task id that holds the key', { taskId: `${KEY}-1` }, { provider: 'ezcaptcha' }],
    ['timeout', { timeoutMs: 0 }, { provider: 'ezcaptcha', taskId: TASK }],
  ])) {
    test(`the channel has the valid options of a call with a wrong ${what}`, async () => {
      const { messages } = await watched('waitForTask', {
        ...required('waitForTask', 'http://127.0.0.1:9'),
        ...wrong,
      })
      assert.deepEqual(types(messages), ['start', 'settled'])
      for (const { provider, taskId } of messages) {
        assert.deepEqual({ provider, taskId }, { provider: undefined, taskId: undefined, ...shown })
      }
    })
  }

  test('the channel names no task in a call that creates one, whatever its options hold', async () => {
    const { messages } = await watched('createTask', {
      ...required('createTask', 'http://127.0.0.1:9'),
      taskId: TASK,
    })
    assert.deepEqual(types(messages), ['start', 'settled'])
    assert.ok(messages.every(message => !('taskId' in message)))
  })

  test('the channel holds neither the key nor a token, wherever a caller put the key', async t => {
    const echo = { body: { errorId: 1, errorCode: 'ERROR_X', errorDescription: `no account ${KEY}` } }
    const rounds = [
      await watchedAt(t, 'solveTurnstile', [replies.created, replies.ready]),
      await watchedAt(t, 'solveTurnstile', [echo]),
      await watchedAt(t, 'getTaskResult', [replies.ready]),
      await watched('getBalance', { provider: KEY, clientKey: KEY }),
      await watched('waitForTask', { provider: 'yescaptcha', clientKey: KEY, taskId: KEY }),
      await watched('getBalance', { provider: 'yescaptcha', clientKey: KEY, [KEY]: 1 }),
    ]
    for (const { messages } of rounds) {
      assert.ok(messages.length > 1)
      const text = JSON.stringify(messages)
      assert.ok(!text.includes(KEY) && !text.includes(TOKEN), text)
    }
  })

  test('a subscriber does not change the events of onProgress or their order', async t => {
    /** @type {any[]} */
    const events = []
    const onProgress = (/** @type {any} */ event) => {
      events.push({ ...event })
      for (const key of Object.keys(event)) delete event[key]
    }
    const { created, processing, ready } = replies
    const { messages } = await watchedAt(t, 'solveTurnstile', [created, processing, ready], { onProgress })
    assert.deepEqual(
      events.map(({ phase }) => phase),
      ['created', 'processing', 'ready'],
    )
    assert.deepEqual(types(messages), ['start', 'created', 'processing', 'ready', 'settled'])
    assert.ok(messages.slice(1).every(({ taskId }) => taskId === TASK))
  })
})

test('a call that began without a subscriber is not reported to a later one, but the next call is', async t => {
  const server = await scripted(t, [replies.processing, replies.ready, replies.balance])
  const script = `
    import { subscribe } from 'node:diagnostics_channel'
    import { getBalance, waitForTask } from 'turnstile-solver'
    const { taskId, pollIntervalMs, ...account } = JSON.parse(process.argv[1])
    const pending = waitForTask({ ...account, taskId, pollIntervalMs })
    subscribe('turnstile-solver:call', ({ call, type }) => console.log(call, type))
    await pending
    await getBalance(account)`
  const options = required('waitForTask', server.baseURL, { pollIntervalMs: 10 })
  const { code, stdout } = await runScript(script, { args: [JSON.stringify(options)] })
  assert.deepEqual({ code, stdout }, { code: 0, stdout: 'getBalance start\ngetBalance settled\n' })
})

test('a call without a subscriber holds none of the caller’s options while it waits', async () => {
  const script = `
    import { waitForTask } from 'turnstile-solver'
    const begun = () => {
      const options = JSON.parse(process.argv[1])
      waitForTask(options)
      return new WeakRef(options)
    }
    const held = Array.from({ length: 100 }, begun)
    await new Promise(setImmediate)
    gc()
    console.log(held.filter(each => each.deref()).length)
    process.exit()`
  const options = required('waitForTask', 'http://127.0.0.1:9')
  const { stdout, code } = await runScript(script, {
    args: [JSON.stringify(options)],
    env: { NODE_OPTIONS: '--expose-gc' },
  })
  assert.deepEqual({ code, stdout }, { code: 0, stdout: '0\n' })
})

describe('a subscriber that throws', together, () => {
  const script = `
    import { subscribe } from 'node:diagnostics_channel'
    import { solveTurnstile } from 'turnstile-solver'
    const published = []
    process.on('uncaughtException', error => published.push(error.message))
    subscribe('turnstile-solver:call', () => { throw new Error('boom') })
    subscribe('turnstile-solver:call', ({ type }) => published.push(type))
    const options = JSON.parse(process.argv[1])
    const { token } = await solveTurnstile(options)
    await new Promise(setImmediate)
    console.log(token)
    console.log(published.sort().join())`

  test('a subscriber that throws affects neither the call nor other subscribers: Node.js reports the error to the process', async t => {
    const server = await scripted(t, [replies.created, replies.ready])
    const options = required('solveTurnstile', server.baseURL, { pollIntervalMs: 10 })
    const { stdout, code } = await runScript(script, { args: [JSON.stringify(options)] })
    assert.deepEqual(
      { code, stdout },
      { code: 0, stdout: `${TOKEN}\nboom,boom,boom,boom,created,ready,settled,start\n` },
    )
  })
})

test('the caller’s asynchronous context is there at the start and at the end', async t => {
  const { AsyncLocalStorage } = await import('node:async_hooks')
  const context = new AsyncLocalStorage()
  const server = await scripted(t, success.solveTurnstile)
  /** @type {Record<string, unknown>} */
  const seen = {}
  const mine = (/** @type {any} */ message) => {
    if (message.call === 'solveTurnstile') seen[message.type] = context.getStore()
  }
  subscribe(CHANNEL, mine)
  const options = required('solveTurnstile', server.baseURL, { pollIntervalMs: 10 })
  await context.run('mine', () => calls.solveTurnstile(options))
  unsubscribe(CHANNEL, mine)
  assert.deepEqual([seen.start, seen.settled], ['mine', 'mine'])
})

test('every event has the label of the account, and a refused call how long nothing is sent', async t => {
  const banned = { body: { errorId: 1, errorCode: 'ERROR_KEY_TEMP_BLOCKED' } }
  const { messages, error } = await watchedAt(t, 'createTask', [banned], { label: 'main' })
  assert.deepEqual(
    messages.map(({ type, label }) => [type, label]),
    [
      ['start', 'main'],
      ['settled', 'main'],
    ],
  )
  assert.equal(messages[1].retryAfterMs, error.retryAfterMs)
  assert.equal(error.retryAfterMs, 60_000)
})

test('NODE_DEBUG=turnstile-solver prints every event to stderr, and no key', async t => {
  const server = await scripted(t, [replies.created, replies.ready])
  const options = required('solveTurnstile', server.baseURL, { pollIntervalMs: 10, label: 'main' })
  const script = `
    import { solveTurnstile } from 'turnstile-solver'
    await solveTurnstile(JSON.parse(process.argv[1]))`
  const args = [JSON.stringify(options)]
  const { stderr, code } = await runScript(script, {
    args,
    env: { ...process.env, NODE_DEBUG: 'turnstile-solver' },
  })
  const lines = stderr.trim().split('\n')
  const shown = lines.map(line => /^TURNSTILE-SOLVER \d+: solveTurnstile (\w+) (\{.*\})$/.exec(line))
  assert.deepEqual(
    [code, ...shown.map(line => line?.[1])],
    [0, 'start', 'created', 'ready', 'settled'],
    stderr,
  )
  for (const line of shown) assert.equal(JSON.parse(line?.[2] ?? '{}').label, 'main')
  assert.ok(!stderr.includes(KEY) && !stderr.includes(TOKEN), stderr)
})

test('the code of docs/events.md runs and prints what it shows', async t => {
  const [script, shown] = blocksOf(read('docs/events.md')).filter(({ heading }) => heading === 'The channel')
  let ahead = 0
  const begun = Date.now()
  const now = () => begun + ahead
  const sandbox = await startSandbox({ provider: 'yescaptcha', clientKey: KEY, solveTimeMs: 60_000, now })
  t.after(() => sandbox.close())
  // Once the first poll is answered, the task is ready.
  sandbox.events.on('*', ({ type }) => type === 'task:polled' && setImmediate(() => (ahead = 60_000)))
  const task = { websiteURL: WEBSITE, websiteKey: SITEKEY, ...patient, pollIntervalMs: 10 }
  const call = `\nawait solveTurnstile(${JSON.stringify({ ...sandbox.account, ...task })})`
  const { stdout, stderr, code } = await runScript(
    `import { solveTurnstile } from 'turnstile-solver'\n${script.code}${call}`,
  )
  assert.equal(code, 0, stderr)
  const plain = (/** @type {string} */ text) =>
    text.replaceAll(/[0-9a-f-]{36}/g, 'id').replaceAll(/\d+ ms/g, 'ms')
  assert.equal(plain(stdout), plain(shown.code))
})
