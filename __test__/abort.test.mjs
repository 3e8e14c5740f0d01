import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { describe, test } from 'node:test'
import {
  callNames,
  calls,
  creating,
  Deferred,
  failure,
  fields,
  polling,
  replies,
  required,
  resuming,
  scripted,
  success,
  TASK,
} from './support/calls.mjs'
import { runScript } from './support/child.mjs'

/** @typedef {import('./support/calls.mjs').CallName} CallName */

const together = { concurrency: 32 }

/** @type {Record<CallName, string>} The first request of each call. */
const firstPath = {
  solveTurnstile: '/createTask',
  createTask: '/createTask',
  getTaskResult: '/getTaskResult',
  waitForTask: '/getTaskResult',
  getBalance: '/getBalance',
}

/** @param {CallName} name */
const brief = name => (polling.includes(name) ? { pollIntervalMs: 10 } : {})

/**
 * @param {AbortController} controller
 * @param {Promise<unknown>} pending
 * @param {unknown} [reason]
 */
async function abortedAt(controller, pending, reason) {
  controller.abort(reason)
  const error = await failure(pending)
  assert.equal(error.code, 'ABORT_ERR')
  assert.equal(error.name, 'AbortError')
  assert.equal(error.cause, controller.signal.reason)
  assert.deepEqual(getEventListeners(controller.signal, 'abort'), [])
  return error
}

/**
 * A call whose first request was read and is never answered.
 * @param {import('node:test').TestContext} t
 * @param {CallName} name
 * @param {AbortSignal} signal
 */
async function hanging(t, name, signal) {
  const arrived = /** @type {Deferred<void>} */ (new Deferred())
  const server = await scripted(t, [{ path: firstPath[name], handler: () => arrived.resolve() }])
  const pending = calls[name](required(name, server.baseURL, { ...brief(name), signal }))
  pending.catch(() => {})
  await arrived.promise
  return { server, pending }
}

describe('an aborted signal', together, () => {
  for (const name of callNames) {
    test(`an aborted signal keeps ${name} from sending anything`, async t => {
      const server = await scripted(t)
      const reason = new Error('not needed any more')
      const signal = AbortSignal.abort(reason)
      const error = await failure(calls[name](required(name, server.baseURL, { signal })))
      const known = resuming.includes(name) ? { taskId: TASK, mayBeCharged: true } : { mayBeCharged: false }
      assert.deepEqual(fields(error), { code: 'ABORT_ERR', provider: 'ezcaptcha', ...known })
      assert.equal(error.name, 'AbortError')
      assert.equal(error.cause, reason)
      assert.deepEqual(server.requests, [])
      assert.deepEqual(getEventListeners(signal, 'abort'), [])
    })

    test(`an aborted signal that fires in the same turn as ${name} was called keeps the call from ending well`, async t => {
      const server = await scripted(t, [{ hang: true }], { loose: true })
      const controller = new AbortController()
      const { signal } = controller
      const pending = calls[name](required(name, server.baseURL, { ...brief(name), signal }))
      await abortedAt(controller, pending)
    })
  }

  test('an aborted signal without a reason rejects with the AbortError of the platform', async () => {
    const signal = AbortSignal.abort()
    const error = await failure(calls.getBalance(required('getBalance', 'http://127.0.0.1:1', { signal })))
    assert.equal(error.cause, signal.reason)
    assert.equal(/** @type {Error} */ (error.cause).name, 'AbortError')
  })

  for (const reason of [null, 0, '', false, 'text', Symbol('reason'), Number.NaN]) {
    test(`an aborted signal has a reason that is not an error as the cause: ${String(reason)}`, async t => {
      const early = AbortSignal.abort(reason)
      const nowhere = 'http://127.0.0.1:1'
      const before = await failure(calls.getBalance(required('getBalance', nowhere, { signal: early })))
      assert.ok('cause' in before && Object.is(before.cause, reason))
      const controller = new AbortController()
      const { pending } = await hanging(t, 'getBalance', controller.signal)
      assert.ok(Object.is((await abortedAt(controller, pending, reason)).cause, reason))
    })
  }
})

describe('an abort', together, () => {
  for (const name of callNames) {
    test(`an abort while the first request of ${name} hangs rejects at once, and the request is dropped`, async t => {
      const controller = new AbortController()
      const { server, pending } = await hanging(t, name, controller.signal)
      assert.notDeepEqual(getEventListeners(controller.signal, 'abort'), [])
      const error = await abortedAt(controller, pending, new Error('enough'))
      const known = resuming.includes(name) ? { taskId: TASK } : {}
      assert.deepEqual(fields(error), {
        code: 'ABORT_ERR',
        provider: 'ezcaptcha',
        mayBeCharged: name !== 'getBalance',
        ...known,
      })
      assert.equal(server.requests.length, 1)
    })
  }

  test('an abort while a task is created rejects with mayBeCharged and without a task id', async t => {
    for (const name of creating) {
      const controller = new AbortController()
      const { pending } = await hanging(t, name, controller.signal)
      assert.equal((await abortedAt(controller, pending)).mayBeCharged, true)
    }
  })

  test('an abort while a task waits for its first poll keeps its id', async t => {
    const controller = new AbortController()
    const created = /** @type {Deferred<void>} */ (new Deferred())
    const server = await scripted(t, [replies.created])
    const onProgress = () => created.resolve()
    const options = { pollIntervalMs: 300_000, signal: controller.signal, onProgress }
    const pending = calls.solveTurnstile(required('solveTurnstile', server.baseURL, options))
    await created.promise
    const error = await abortedAt(controller, pending)
    assert.deepEqual([error.taskId, error.mayBeCharged], [TASK, true])
  })

  for (const name of polling) {
    const before = name === 'solveTurnstile' ? [replies.created] : []

    test(`an abort between two polls of ${name} rejects at once and keeps the task id`, async t => {
      const controller = new AbortController()
      const polled = /** @type {Deferred<void>} */ (new Deferred())
      const server = await scripted(t, [...before, ...Array(99).fill(replies.processing)], { loose: true })
      const onProgress = (/** @type {any} */ { phase }) => void (phase === 'processing' && polled.resolve())
      const options = { pollIntervalMs: 200, signal: controller.signal, onProgress }
      const pending = calls[name](required(name, server.baseURL, options))
      await polled.promise
      const error = await abortedAt(controller, pending)
      assert.deepEqual([error.taskId, error.mayBeCharged], [TASK, true])
    })

    test(`an abort while a poll of ${name} hangs rejects at once and keeps the task id`, async t => {
      const controller = new AbortController()
      const arrived = /** @type {Deferred<void>} */ (new Deferred())
      const silence = { path: '/getTaskResult', handler: () => arrived.resolve() }
      const server = await scripted(t, [...before, silence])
      const options = { ...brief(name), signal: controller.signal }
      const pending = calls[name](required(name, server.baseURL, options))
      await arrived.promise
      const error = await abortedAt(controller, pending)
      assert.deepEqual([error.taskId, error.mayBeCharged], [TASK, true])
    })

    test(`an abort while ${name} waits to repeat a failed poll rejects at once and keeps the task id`, async t => {
      const controller = new AbortController()
      const failed = /** @type {Deferred<void>} */ (new Deferred())
      const busy = { path: '/getTaskResult', status: 503, headers: { 'retry-after': '100' }, body: 'busy' }
      const server = await scripted(t, [...before, busy])
      const onProgress = (/** @type {any} */ { phase }) => void (phase === 'retrying' && failed.resolve())
      const options = { ...brief(name), signal: controller.signal, onProgress }
      const pending = calls[name](required(name, server.baseURL, options))
      await failed.promise
      assert.equal((await abortedAt(controller, pending)).taskId, TASK)
    })
  }

  test('an abort in onProgress, at the very moment that the task is created, keeps its id', async t => {
    const controller = new AbortController()
    const server = await scripted(t, [replies.created])
    const onProgress = () => controller.abort()
    const options = { pollIntervalMs: 300_000, signal: controller.signal, onProgress }
    const error = await failure(calls.solveTurnstile(required('solveTurnstile', server.baseURL, options)))
    assert.deepEqual([error.code, error.taskId], ['ABORT_ERR', TASK])
  })

  test('an abort by AbortSignal.timeout is an ABORT_ERR whose cause is the TimeoutError', async t => {
    const server = await scripted(t, [{ path: '/getBalance', hang: true }], { loose: true })
    const signal = AbortSignal.timeout(50)
    const error = await failure(calls.getBalance(required('getBalance', server.baseURL, { signal })))
    assert.equal(error.code, 'ABORT_ERR')
    assert.equal(/** @type {Error} */ (error.cause).name, 'TimeoutError')
  })

  test('an abort by AbortSignal.any has the reason of the one that fired', async t => {
    const controller = new AbortController()
    const signal = AbortSignal.any([new AbortController().signal, controller.signal])
    const { pending } = await hanging(t, 'getBalance', signal)
    controller.abort('the second')
    assert.equal((await failure(pending)).cause, 'the second')
  })

  test('an abort of a polyfilled signal rejects, and the signal keeps no listener', async t => {
    const listeners = new Set()
    const signal = {
      aborted: false,
      reason: /** @type {unknown} */ (undefined),
      addEventListener: (/** @type {string} */ _, /** @type {() => void} */ listener) =>
        listeners.add(listener),
      removeEventListener: (/** @type {string} */ _, /** @type {() => void} */ listener) =>
        listeners.delete(listener),
    }
    const { pending } = await hanging(t, 'getBalance', /** @type {any} */ (signal))
    Object.assign(signal, { aborted: true, reason: 'enough' })
    for (const listener of listeners) listener()
    const { code, cause } = await failure(pending)
    assert.deepEqual([code, cause, listeners.size], ['ABORT_ERR', 'enough', 0])
  })

  test('an abort after the promise has settled changes nothing', async t => {
    const controller = new AbortController()
    const server = await scripted(t, success.getBalance)
    const options = required('getBalance', server.baseURL, { signal: controller.signal })
    const { balance } = await calls.getBalance(options)
    controller.abort()
    assert.equal(balance, 1234.5)
  })

  test('an abort does not replace the onabort handler of the signal', async t => {
    const controller = new AbortController()
    let calls = 0
    controller.signal.onabort = () => {
      calls += 1
    }
    const { pending } = await hanging(t, 'getBalance', controller.signal)
    controller.abort()
    await failure(pending)
    assert.equal(calls, 1)
  })
})

describe('a signal', together, () => {
  for (const name of callNames) {
    const times = polling.includes(name) ? { pollIntervalMs: 10 } : {}

    test(`a signal has no listener left after ${name} ended well`, async t => {
      const { signal } = new AbortController()
      const server = await scripted(t, success[name])
      const pending = calls[name](required(name, server.baseURL, { ...times, signal }))
      assert.notDeepEqual(getEventListeners(signal, 'abort'), [])
      await pending
      assert.deepEqual(getEventListeners(signal, 'abort'), [])
    })

    test(`a signal has no listener left after ${name} failed`, async t => {
      const { signal } = new AbortController()
      const server = await scripted(t, [replies.refused])
      const pending = calls[name](required(name, server.baseURL, { ...times, signal }))
      assert.notDeepEqual(getEventListeners(signal, 'abort'), [])
      await failure(pending)
      assert.deepEqual(getEventListeners(signal, 'abort'), [])
    })

    test(`a signal has no listener left after ${name} refused its options`, async () => {
      const { signal } = new AbortController()
      await failure(calls[name](required(name, 'http://127.0.0.1:1', { signal, timeoutMs: -1 })))
      assert.deepEqual(getEventListeners(signal, 'abort'), [])
    })
  }

  test('a signal that 200 calls share ends all of them and keeps no listener', async t => {
    const controller = new AbortController()
    const { signal } = controller
    const arrived = /** @type {Deferred<void>} */ (new Deferred())
    let count = 0
    const handler = () => {
      count += 1
      if (count === 1) arrived.resolve()
    }
    const server = await scripted(t, Array(200).fill({ handler }), { loose: true })
    const options = required('getBalance', server.baseURL, { signal })
    const pending = Array.from({ length: 200 }, () => failure(calls.getBalance(options)))
    assert.notDeepEqual(getEventListeners(signal, 'abort'), [])
    await arrived.promise
    const reason = new Error('all of you')
    controller.abort(reason)
    const errors = await Promise.all(pending)
    assert.deepEqual(new Set(errors.map(({ code }) => code)), new Set(['ABORT_ERR']))
    assert.ok(errors.every(({ cause }) => cause === reason))
    assert.deepEqual(getEventListeners(signal, 'abort'), [])
  })
})

describe('a process whose calls were aborted', together, () => {
  test('a process whose calls were aborted ends by itself though the server holds the connections open', async t => {
    const { code, signal, stdout } = await abortedProcess(t, 5)
    assert.deepEqual({ code, signal, stdout }, { code: 0, signal: null, stdout: '5\n' })
  })

  test('a process whose calls were aborted prints no warning of a leak, however many calls shared the signal', async t => {
    const { code, stdout, stderr } = await abortedProcess(t, 50)
    assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: '50\n', stderr: '' })
  })
})

/**
 * @param {import('node:test').TestContext} t
 * @param {number} count
 */
async function abortedProcess(t, count) {
  let requests = 0
  /** @type {import('node:http').ServerResponse | undefined} */
  let waiting
  // No call is answered, so not all are sent. The parent is notified once some have arrived.
  const handler = (/** @type {{ path: string }} */ { path }, /** @type {any} */ response) => {
    if (path === '/some-arrived') waiting = response
    else requests += 1
    if (requests >= 5) waiting?.end()
  }
  const server = await scripted(t, Array(count + 1).fill({ handler }), { loose: true })
  const script = `
    import { getBalance, solveTurnstile, waitForTask } from 'turnstile-solver'
    const controller = new AbortController()
    const { signal } = controller
    const account = { provider: 'ezcaptcha', clientKey: 'k', baseURL: process.argv[1], signal, timeoutMs: 300_000, requestTimeoutMs: 300_000 }
    const page = { websiteURL: 'https://shop.example', websiteKey: 'key' }
    const calls = [solveTurnstile({ ...account, ...page }), waitForTask({ ...account, taskId: 'a', pollIntervalMs: 10 })]
    while (calls.length < ${count}) calls.push(getBalance(account))
    await fetch(account.baseURL + '/some-arrived')
    controller.abort()
    const settled = await Promise.allSettled(calls)
    console.log(settled.filter(({ reason }) => reason?.code === 'ABORT_ERR').length)`
  return runScript(script, { args: [server.baseURL] })
}
