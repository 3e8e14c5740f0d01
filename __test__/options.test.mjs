import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { inspect } from 'node:util'
import {
  callNames,
  calls,
  failure,
  fields,
  KEY,
  polling,
  providers,
  required,
  TASK,
} from './support/calls.mjs'
import { optionNames, optionTable } from './support/option-table.mjs'
import { startScriptedServer } from './support/scripted-server.mjs'

/** @typedef {import('./support/calls.mjs').CallName} CallName */
/** @typedef {import('./support/calls.mjs').Provider} Provider */

/** No request may reach it: its `close` fails if one did. */
const unreached = await startScriptedServer()
after(() => unreached.close())
let cases = 0

const aborted = AbortSignal.abort()

/**
 * All that the call requires, under a path of its own, so that what one case sends is not held against another.
 * @param {CallName} name
 * @param {Record<string, unknown>} change
 * @param {Provider} [provider]
 * @returns {Record<string, unknown>}
 */
function with_(name, change, provider = 'ezcaptcha') {
  cases += 1
  const {
    timeoutMs: _,
    requestTimeoutMs: __,
    ...least
  } = required(name, `${unreached.baseURL}/case-${cases}`, { provider })
  return { ...least, ...change }
}

/**
 * Fails unless the options are refused because of `option`, and says in which respect they are not.
 * @param {CallName} name
 * @param {Record<string, unknown>} options
 * @param {string} option
 */
async function refused(name, options, option) {
  const error = await failure(calls[name](options))
  assert.equal(error.code, 'INVALID_OPTIONS')
  assert.equal(error.option, option)
  assert.equal(error.name, 'TurnstileError')
  assert.equal(error.mayBeCharged, false)
  const sent = unreached.requests.map(({ path }) => unreached.baseURL + path)
  assert.deepEqual(
    sent.filter(url => url.startsWith(`${options.baseURL}/`)),
    [],
  )
  return error
}

/**
 * An aborted signal is looked at after the options, so that its error says that they were accepted.
 * @param {CallName} name
 * @param {Record<string, unknown>} options
 */
async function accepted(name, options) {
  const error = await failure(calls[name]({ ...options, signal: aborted }))
  assert.equal(error.code, 'ABORT_ERR', error.message)
}

/**
 * Every case is tried, so that one failure shows all of them.
 * @template T
 * @param {Iterable<T>} cases
 * @param {(value: T) => Promise<unknown>} tried
 */
async function each(cases, tried) {
  /** @type {string[]} */
  const wrong = []
  for (const value of cases) {
    await tried(value).catch(error => wrong.push(`${inspect(value)}: ${error.message}`))
  }
  assert.deepEqual(wrong, [])
}

describe('an option in its place', () => {
  for (const option of optionNames) {
    const { calls: places, provider, good } = optionTable[option]
    for (const name of places) {
      test(`${name} accepts ${option}`, () => accepted(name, with_(name, { [option]: good }, provider)))

      test(`${name} refuses every wrong ${option} and sends nothing`, () =>
        each(optionTable[option].bad, async bad => {
          const options = with_(name, { [option]: bad }, provider)
          const error = await refused(name, options, option)
          const known = option === 'provider' ? undefined : options.provider
          assert.equal(error.provider, known)
        }))

      test(`${name} takes an undefined ${option} as absent`, async () => {
        const options = with_(name, { [option]: undefined }, provider)
        if (optionTable[option].required) await refused(name, options, option)
        else await accepted(name, options)
      })

      if (!optionTable[option].required) continue
      test(`${name} refuses to go without ${option}`, async () => {
        const { [option]: _, ...options } = with_(name, {})
        const error = await refused(name, options, option)
        assert.match(error.message, new RegExp(option))
      })
    }
  }
})

describe('an option out of place', () => {
  for (const name of callNames) {
    for (const option of optionNames.filter(option => !optionTable[option].calls.includes(name))) {
      test(`${name} refuses ${option}, an option of another call`, async () => {
        const { provider, good } = optionTable[option]
        const error = await refused(name, with_(name, { [option]: good }, provider), option)
        assert.match(error.message, new RegExp(name), 'the message says which call does not know it')
      })
    }
  }
})

describe('an unknown option', () => {
  /** @type {[name: string, near: string][]} */
  const misspelt = [
    ['Provider', 'provider'],
    ['clientkey', 'clientKey'],
    ['client_key', 'clientKey'],
    ['baseUrl', 'baseURL'],
    ['websiteUrl', 'websiteURL'],
    ['website_key', 'websiteKey'],
    ['tasktype', 'taskType'],
    ['actions', 'action'],
    ['cdata', 'cData'],
    ['proxi', 'proxy'],
    ['extraTaskField', 'extraTaskFields'],
    ['developerID', 'developerId'],
    ['timeout', 'timeoutMs'],
    ['timeoutMS', 'timeoutMs'],
    ['pollInterval', 'pollIntervalMs'],
    ['requestTimeout', 'requestTimeoutMs'],
    ['abortSignal', 'signal'],
    ['onprogress', 'onProgress'],
    ['apiKey', 'clientKey'],
    ['url', 'websiteURL'],
    ['pageurl', 'websiteURL'],
    ['sitekey', 'websiteKey'],
  ]
  for (const [wrong, near] of misspelt) {
    test(`${wrong} is refused, and the message names ${near}`, async () => {
      const error = await refused('solveTurnstile', with_('solveTurnstile', { [wrong]: 'x' }), wrong)
      assert.match(error.message, new RegExp(`\\b${near}\\b`))
      assert.equal(error.provider, 'ezcaptcha')
    })
  }

  for (const name of callNames) {
    test(`${name} refuses every unknown name`, () =>
      each(['zzzzzzzzzz', '', '0', 'constructor', 'toString', 'ünknown', 'a b'], unknown =>
        refused(name, with_(name, { [unknown]: 1 }), unknown),
      ))
  }

  test('taskID is refused by waitForTask, and the message names taskId', async () => {
    const error = await refused('waitForTask', with_('waitForTask', { taskID: TASK }), 'taskID')
    assert.match(error.message, /\btaskId\b/)
  })

  test('an own __proto__ is an unknown option and not a prototype', async () => {
    const options = JSON.parse(JSON.stringify(with_('getBalance', {})).replace('{', '{"__proto__":{"a":1},'))
    assert.ok(Object.hasOwn(options, '__proto__'))
    await refused('getBalance', options, '__proto__')
  })

  test('an unknown option that is undefined counts as absent', () =>
    accepted('getBalance', with_('getBalance', { whatever: undefined })))
})

describe('bounds', () => {
  /** @type {[option: string, name: CallName, first: unknown, last: unknown, more?: Record<string, unknown>][]} */
  const rows = [
    ['timeoutMs', 'createTask', 1, 300_000],
    ['timeoutMs', 'getTaskResult', 1, 300_000],
    ['timeoutMs', 'getBalance', 1, 300_000],
    ['timeoutMs', 'solveTurnstile', 1, 300_000],
    ['timeoutMs', 'waitForTask', 1, 300_000],
    ['requestTimeoutMs', 'getBalance', 1, 300_000],
    ['pollIntervalMs', 'waitForTask', 10, 300_000],
    ['pollIntervalMs', 'solveTurnstile', 10, 300_000],
    ['action', 'createTask', 'a', 'Az0_-'.padEnd(32, 'b')],
    ['cData', 'createTask', 'a', 'Az0_-'.padEnd(255, 'b')],
    ['developerId', 'createTask', 1, 2 ** 31 - 1],
    ['taskId', 'getTaskResult', 'a', 'a'.repeat(256)],
    ['taskId', 'getTaskResult', 1, Number.MAX_SAFE_INTEGER],
  ]
  for (const [option, name, first, last] of rows) {
    test(`${name} accepts the first and the last ${option}: ${inspect(first)} and ${inspect(last).slice(0, 20)}`, () =>
      each([first, last], value => accepted(name, with_(name, { [option]: value }))))
  }

  /** A host that is not this machine. Nothing is sent to it. */
  const baseURL = 'https://api.example.test'

  for (const name of polling) {
    test(`${name} polls a provider at most once a second`, async () => {
      await accepted(name, with_(name, { baseURL, pollIntervalMs: 1000 }))
      await refused(name, with_(name, { baseURL, pollIntervalMs: 999 }), 'pollIntervalMs')
    })

    test(`${name} polls a provider at most 120 times: a 120th of timeoutMs is accepted, one millisecond less is not`, async () => {
      await accepted(name, with_(name, { baseURL, timeoutMs: 300_000, pollIntervalMs: 2500 }))
      await accepted(name, with_(name, { baseURL, timeoutMs: 300_000 }))
      await accepted(name, with_(name, { baseURL, timeoutMs: 120_000, pollIntervalMs: 1000 }))
      const short = { baseURL, timeoutMs: 300_000, pollIntervalMs: 2499 }
      await refused(name, with_(name, short), 'pollIntervalMs')
      await refused(
        name,
        with_(name, { ...short, timeoutMs: 120_001, pollIntervalMs: 1000 }),
        'pollIntervalMs',
      )
    })

    test(`${name} polls on loopback as often as it likes`, () =>
      accepted(name, with_(name, { timeoutMs: 300_000, pollIntervalMs: 10 })))
  }

  test('an interval longer than the timeout is accepted: the last wait is clamped', () =>
    accepted('waitForTask', with_('waitForTask', { timeoutMs: 2000, pollIntervalMs: 10_000 })))

  test('minus zero counts as zero', async () => {
    await refused('getBalance', with_('getBalance', { timeoutMs: -0 }), 'timeoutMs')
    await refused('createTask', with_('createTask', { developerId: -0 }), 'developerId')
  })
})

describe('options as a whole', () => {
  for (const name of callNames) {
    test(`${name} refuses everything that is no object, by rejecting`, async () => {
      const noObjects = [
        undefined,
        null,
        [],
        [{}],
        'text',
        '',
        1,
        Number.NaN,
        true,
        5n,
        Symbol('x'),
        () => {},
      ]
      await each(noObjects, async value => {
        const error = await failure(calls[name](value))
        assert.deepEqual(fields(error), { code: 'INVALID_OPTIONS', mayBeCharged: false, option: 'options' })
      })
      const nothing = await failure(calls[name]())
      assert.deepEqual([nothing.code, nothing.option], ['INVALID_OPTIONS', 'options'])
    })

    test(`${name} answers a wrong option with a rejected promise and never throws`, () => {
      const promise = calls[name](with_(name, { timeoutMs: 'soon' }))
      assert.equal(Object.getPrototypeOf(promise), Promise.prototype)
      return assert.rejects(promise)
    })

    test(`${name} rejects a wrong option without a cause`, async () => {
      const error = await refused(name, with_(name, { timeoutMs: -1 }), 'timeoutMs')
      assert.equal('cause' in error, false, inspect(error.cause))
    })
  }

  test('a wrong option is reported before an aborted signal', async () => {
    await refused('getBalance', with_('getBalance', { timeoutMs: -1, signal: aborted }), 'timeoutMs')
  })

  test('an unknown provider is the path of the wrong option, and the error has no provider', async () => {
    const error = await refused('getBalance', with_('getBalance', { provider: 'unknown' }), 'provider')
    assert.deepEqual(fields(error), { code: 'INVALID_OPTIONS', mayBeCharged: false, option: 'provider' })
  })

  test('the error has the provider whatever else is wrong', () =>
    each(providers, async provider => {
      const options = with_('getBalance', { timeoutMs: 0 }, /** @type {Provider} */ (provider))
      const error = await refused('getBalance', options, 'timeoutMs')
      assert.equal(error.provider, provider)
    }))

  for (const name of /** @type {CallName[]} */ (['getTaskResult', 'waitForTask'])) {
    test(`${name} keeps the id of the task that exists when another option is wrong`, async () => {
      const error = await refused(name, with_(name, { timeoutMs: 0 }), 'timeoutMs')
      assert.equal(error.taskId, TASK)
    })
  }

  test('no refusal repeats the key or the proxy in its message', async () => {
    const proxy = 'http://user:secret-of-the-proxy@10.0.0.1:8080'
    const error = await refused('createTask', with_('createTask', { proxy }), 'proxy')
    assert.doesNotMatch(inspect(error, { depth: null, showHidden: true }), /secret-of-the-proxy/)
    const spaced = await refused('getBalance', with_('getBalance', { clientKey: `${KEY} ü` }), 'clientKey')
    assert.doesNotMatch(inspect(spaced, { depth: null, showHidden: true }), new RegExp(KEY))
    const baseURL = `http://user:${KEY}@127.0.0.1:8080`
    const located = await refused('getBalance', with_('getBalance', { baseURL }), 'baseURL')
    assert.doesNotMatch(inspect(located, { depth: null, showHidden: true }), new RegExp(KEY))
  })
})
