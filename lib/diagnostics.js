'use strict'

// The events of calls, published on a channel of node:diagnostics_channel, and printed where NODE_DEBUG names the package. A
// call that starts while there is neither subscriber nor NODE_DEBUG never comes here.

const { channel } = require('node:diagnostics_channel')
const { debuglog } = require('node:util')

const calls = channel('turnstile-solver:call')
const debug = debuglog('turnstile-solver')

/** @typedef {import('../index.d.ts').Progress} Progress */
/** @typedef {Omit<Progress, 'phase'> & { phase: Progress['phase'] | 'ended' }} Step an event of the addon */
/** @typedef {(step: Step) => void} Tracer */
/** @typedef {{ provider?: string, label?: string, taskId?: string, polls: number, retries: number }} State what every event of a call has */

function isTraced() {
  return calls.hasSubscribers || debug.enabled
}

/**
 * Starts a call, and publishes its events.
 *
 * @param {string} call
 * @param {(tracer: Tracer, state: State) => Promise<any>} startCall
 * @returns {Promise<any>}
 */
function trace(call, startCall) {
  const id = globalThis.crypto.randomUUID()
  const startedAt = performance.now()
  /** @type {State} */
  const state = { polls: 0, retries: 0 }
  /** @param {string} type @param {Record<string, unknown>} [fields] */
  const publish = (type, fields) => {
    const elapsedMs = Math.floor(performance.now() - startedAt)
    calls.publish(Object.freeze({ type, id, call, ...state, elapsedMs, ...fields }))
    if (debug.enabled) debug('%s %s %s', call, type, JSON.stringify({ id, ...state, elapsedMs, ...fields }))
  }
  /** @type {Tracer} */
  const tracer = ({ phase, provider, label, taskId, polls, retries, elapsedMs, ...retry }) => {
    Object.assign(state, { provider, ...(label && { label }), ...(taskId && { taskId }), polls, retries })
    if (phase !== 'ended') publish(phase, { elapsedMs, ...retry })
  }
  const result = startCall(tracer, state)
  // Before any other: the addon's events come in later turns of the event loop.
  publish('start')
  return result.then(
    value => {
      publish('settled', { outcome: 'succeeded' })
      return value
    },
    error => {
      const { code, reason, errorCode, retryAfterMs, mayBeCharged, message } = error
      publish('settled', { outcome: 'failed', code, reason, errorCode, retryAfterMs, mayBeCharged, message })
      throw error
    },
  )
}

module.exports = { isTraced, trace }
