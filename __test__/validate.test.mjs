/** The validator that the files of the package share: what a call would reject with, without the call. */

import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { describe, test } from 'node:test'
import { validate } from '../lib/client.js'
import { callNames, calls, failure, KEY, required, scripted } from './support/calls.mjs'

const CHANNEL = 'turnstile-solver:call'

/** @param {import('node:test').TestContext} t @returns {unknown[]} the events of the calls that follow */
function eventsOf(t) {
  /** @type {unknown[]} */
  const events = []
  const listener = (/** @type {unknown} */ event) => void events.push(event)
  subscribe(CHANNEL, listener)
  t.after(() => unsubscribe(CHANNEL, listener))
  return events
}

describe('validate', () => {
  for (const name of callNames) {
    test(`validate() of right options of ${name} is undefined, and nothing is sent or published`, async t => {
      const server = await scripted(t, [])
      const events = eventsOf(t)
      const options = required(name, server.baseURL, { signal: new AbortController().signal })
      assert.equal(validate(name, options), undefined)
      await new Promise(setImmediate)
      assert.deepEqual([events, server.requests], [[], []])
    })

    test(`validate() of wrong options of ${name} is the error that the call rejects with`, async t => {
      const right = required(name, 'http://127.0.0.1:9')
      const throwing = Object.defineProperty({ ...right }, 'clientKey', {
        enumerable: true,
        get() {
          throw new Error('a getter')
        },
      })
      const wrong = { ...right, timeoutMs: -1 }
      for (const options of [wrong, { ...right, signal: 1 }, { [KEY]: KEY }, undefined, null, [], throwing]) {
        const expected = await failure(calls[name](options))
        const events = eventsOf(t)
        const error = /** @type {any} */ (validate(name, options))
        assert.deepEqual({ ...error, message: error?.message }, { ...expected, message: expected.message })
        assert.equal(error.cause?.message, /** @type {any} */ (expected.cause)?.message)
        assert.match(error.stack, /validate\.test\.mjs/)
        assert.deepEqual(events, [])
      }
    })
  }

  test('validate() of a call that does not exist throws', () => {
    assert.throws(() => validate(/** @type {any} */ ('buyToken'), {}), {
      message: 'there is no call buyToken',
    })
  })
})
