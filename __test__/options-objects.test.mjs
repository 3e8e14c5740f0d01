import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { inspect } from 'node:util'
import vm from 'node:vm'
import { callNames, calls, failure, KEY, replies, required, scripted, TASK } from './support/calls.mjs'

/** @typedef {import('./support/calls.mjs').CallName} CallName */

/** @typedef {import('./support/calls.mjs').Provider} Provider */

const together = { concurrency: 32 }
const nowhere = 'http://127.0.0.1:1'

/** @param {CallName} name @param {any} options @param {string} option */
async function refused(name, options, option) {
  const error = await failure(calls[name](options))
  assert.deepEqual([error.code, error.option], ['INVALID_OPTIONS', option], error.message)
  return error
}

/** @param {CallName} name @param {any} options */
async function accepted(name, options) {
  options.signal = AbortSignal.abort()
  const error = await failure(calls[name](options))
  assert.equal(error.code, 'ABORT_ERR', error.message)
}

/**
 * What a createTask with such an extra sends as the task.
 * @param {import('node:test').TestContext} t
 * @param {unknown} extra
 */
async function sentTask(t, extra) {
  const server = await scripted(t, [replies.created])
  await calls.createTask(required('createTask', server.baseURL, { extraTaskFields: extra }))
  return server.requests[0]
}

describe('an options object', together, () => {
  for (const name of callNames) {
    test(`an options object of ${name} with a getter that throws is refused at that option, with what was thrown as the cause`, async () => {
      const boom = new RangeError('boom')
      for (const option of ['timeoutMs', 'clientKey', 'signal']) {
        const options = Object.defineProperty(required(name, nowhere), option, {
          enumerable: true,
          get() {
            throw boom
          },
        })
        const error = await refused(name, options, option)
        assert.match(inspect(error.cause), /boom/)
        assert.equal(error.provider, 'ezcaptcha')
      }
    })

    test(`an options object of ${name} whose getters work is read, each of them once`, async () => {
      const options = required(name, nowhere)
      /** @type {Record<string, number>} */
      const reads = {}
      const values = { ...options, timeoutMs: 60_000, requestTimeoutMs: 5000, signal: AbortSignal.abort() }
      const observed = Object.defineProperties(
        {},
        Object.fromEntries(
          Object.entries(values).map(([option, value]) => {
            const get = () => {
              reads[option] = (reads[option] ?? 0) + 1
              return value
            }
            return [option, { enumerable: true, get }]
          }),
        ),
      )
      assert.equal((await failure(calls[name](observed))).code, 'ABORT_ERR')
      assert.deepEqual(reads, Object.fromEntries(Object.keys(values).map(option => [option, 1])))
    })

    test(`an options object of ${name} may be a Proxy`, () =>
      accepted(name, new Proxy(required(name, nowhere), {})))

    test(`an options object of ${name} that is a Proxy whose traps throw is refused`, async () => {
      const boom = () => {
        throw new RangeError('boom')
      }
      for (const handler of [{ ownKeys: boom }, { get: boom }, { getOwnPropertyDescriptor: boom }]) {
        const error = await failure(calls[name](new Proxy(required(name, nowhere), handler)))
        assert.equal(error.code, 'INVALID_OPTIONS')
      }
    })

    test(`an options object of ${name} that is a revoked Proxy is refused`, async () => {
      const { proxy, revoke } = Proxy.revocable(required(name, nowhere), {})
      revoke()
      await refused(name, proxy, 'options')
    })

    test(`an options object of ${name} inherits neither required nor wrong options`, async () => {
      await refused(name, Object.create(required(name, nowhere)), 'provider')
      const wrong = { timeoutMs: -1, nobodyKnows: 1, signal: 'none', onProgress: 'none' }
      await accepted(name, Object.assign(Object.create(wrong), required(name, nowhere)))
    })

    test(`an options object of ${name} may have no prototype, or come from another realm`, async () => {
      await accepted(name, Object.assign(Object.create(null), required(name, nowhere)))
      await accepted(name, Object.assign(vm.runInNewContext('({})'), required(name, nowhere)))
    })

    test(`an options object of ${name} may have symbols, which are ignored`, () =>
      accepted(name, { ...required(name, nowhere), [Symbol('note')]: 1, [Symbol.iterator]: 1 }))

    test(`an options object of ${name} may be frozen, and is left as it was`, async () => {
      const options = Object.freeze({ ...required(name, nowhere), signal: AbortSignal.abort() })
      const before = inspect(options)
      assert.equal((await failure(calls[name](options))).code, 'ABORT_ERR')
      assert.equal(inspect(options), before)
    })
  }

  test('an options object is read before the call returns: what is changed later changes nothing', async t => {
    const server = await scripted(t, [replies.created])
    const options = required('createTask', server.baseURL, { extraTaskFields: { a: 1 } })
    const pending = calls.createTask(options)
    Object.assign(options, { clientKey: 'other', websiteURL: 'https://other.example' })
    Object.assign(/** @type {object} */ (options.extraTaskFields), { a: 2 })
    await pending
    const { clientKey, task } = server.requests[0].body
    assert.deepEqual([clientKey, task.websiteURL, task.a], [KEY, 'https://shop.example/login', 1])
  })
})

describe('extraTaskFields', together, () => {
  test('extraTaskFields that is cyclic is refused', async () => {
    const extra = { a: {} }
    Object.assign(extra.a, { back: extra })
    const error = await refused(
      'createTask',
      required('createTask', nowhere, { extraTaskFields: extra }),
      'extraTaskFields',
    )
    assert.ok(error.cause instanceof Error, 'the cause says what is wrong with it')
  })

  test('extraTaskFields that has a BigInt anywhere is refused', async () => {
    for (const extra of [{ n: 1n }, { deep: [{ n: 2n ** 64n }] }]) {
      await refused(
        'createTask',
        required('createTask', nowhere, { extraTaskFields: extra }),
        'extraTaskFields',
      )
    }
  })

  test('extraTaskFields with a getter or a toJSON that throws is refused, with what was thrown as the cause', async () => {
    const boom = new RangeError('boom')
    const thrower = () => {
      throw boom
    }
    for (const extra of [
      Object.defineProperty({}, 'a', { enumerable: true, get: thrower }),
      { toJSON: thrower },
    ]) {
      const error = await refused(
        'createTask',
        required('createTask', nowhere, { extraTaskFields: extra }),
        'extraTaskFields',
      )
      assert.match(inspect(error.cause), /boom/)
    }
  })

  test('extraTaskFields is sent as JSON.stringify would write it', async t => {
    const extra = {
      when: new Date(0),
      gone: undefined,
      call: () => {},
      hole: [undefined, () => {}],
      nan: Number.NaN,
      big: 2 ** 60,
      small: 5e-324,
      minus: -1.25,
      text: 'quote " line \n nul \0 é 😀',
      own: { toJSON: () => 'mine' },
    }
    const { body } = await sentTask(t, extra)
    const { type: _, websiteURL: __, websiteKey: ___, ...rest } = body.task
    assert.deepEqual(rest, JSON.parse(JSON.stringify(extra)))
  })

  test('extraTaskFields with a lone surrogate is refused', async () => {
    await refused(
      'createTask',
      required('createTask', nowhere, { extraTaskFields: { lone: '\ud800' } }),
      'extraTaskFields',
    )
  })

  test('extraTaskFields sends numbers as they are written, above 32 bits too', async t => {
    const { text } = await sentTask(t, { a: 2 ** 53, b: 4294967296, c: 1e21, d: 0.1 })
    for (const part of ['"a":9007199254740992', '"b":4294967296', '"c":1e21', '"d":0.1']) {
      assert.ok(text.replace('1e+21', '1e21').includes(part), text)
    }
  })

  test('extraTaskFields sends an own __proto__ as a field', async t => {
    const { text } = await sentTask(t, JSON.parse('{"__proto__":{"a":1}}'))
    assert.match(text, /"__proto__":\{"a":1\}/)
  })

  test('extraTaskFields that is empty adds nothing', async t => {
    const { body } = await sentTask(t, {})
    assert.deepEqual(Object.keys(body.task).sort(), ['type', 'websiteKey', 'websiteURL'])
  })

  test('extraTaskFields of another realm is an object too', async t => {
    const { body } = await sentTask(t, vm.runInNewContext('({ a: { b: [1] } })'))
    assert.deepEqual(body.task.a, { b: [1] })
  })
})

describe('taskId', together, () => {
  for (const [provider, taskId, wire] of /** @type {[Provider, string | number, string][]} */ ([
    ['ezcaptcha', TASK, `"${TASK}"`],
    ['ezcaptcha', '0042', '"0042"'],
    ['ezcaptcha', 7, '"7"'],
    ['custom', '42', '"42"'],
    ['custom', 7, '7'],
    ['custom', 0, '0'],
    ['custom', 2 ** 40, '1099511627776'],
    ['custom', Number.MAX_SAFE_INTEGER, '9007199254740991'],
    ['ezcaptcha', 'quote " \\ é 😀', JSON.stringify('quote " \\ é 😀')],
  ])) {
    test(`taskId ${inspect(taskId)} goes out to ${provider} as ${wire}`, async t => {
      const server = await scripted(t, [replies.processing])
      await calls.getTaskResult({ ...required('getTaskResult', server.baseURL, { provider }), taskId })
      assert.ok(server.requests[0].text.includes(`"taskId":${wire}`), server.requests[0].text)
    })
  }
})
