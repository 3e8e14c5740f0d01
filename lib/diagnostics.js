'use strict'

// The events of calls, published on a channel of node:diagnostics_channel. A call that starts while the channel has no
// subscribers never comes here.

const diagnostics = require('node:diagnostics_channel')
const native = require('./loader.js')

const channel = diagnostics.channel('turnstile-solver:solve')

/**
 * Options that are only validated: this is no call of the user's, and publishes nothing.
 *
 * @type {WeakSet<object>}
 */
const untold = new WeakSet()

/** @typedef {import('../index.d.ts').Progress} Progress */
/** @typedef {Omit<Progress, 'phase'> & { phase: Progress['phase'] | 'ended' }} Step an event of the addon */
/** @typedef {(step: Step) => unknown} Listener */
/** @typedef {(type: string, fields?: Record<string, unknown>) => void} Publish */
/** @typedef {{ provider?: string, taskId?: string, polls: number, retries: number }} Known */

/** The calls about a task that exists. */
const resuming = ['waitForTask', 'getTaskResult']

/**
 * Starts a call, and publishes its events.
 *
 * @param {string} call
 * @param {unknown} options
 * @param {(options: unknown, listener?: Listener) => Promise<unknown>} startCall
 */
function traced(call, options, startCall) {
  const id = globalThis.crypto.randomUUID()
  const startedAt = performance.now()
  const elapsed = () => Math.floor(performance.now() - startedAt)
  const copy = copied(options)
  const known = knownOf(call, copy)
  /** @type {Publish} */
  const publish = (type, fields) =>
    channel.publish(Object.freeze({ type, id, call, ...known, elapsedMs: elapsed(), ...fields }))
  publish('start')
  const result = copy ? startCall(copy, listener(known, publish, copy.onProgress)) : startCall(options)
  return result.then(
    value => {
      publish('settled', { outcome: 'ready' })
      return value
    },
    error => {
      const { provider, taskId, code, reason, errorCode, mayBeCharged, message } = error
      Object.assign(known, { ...(provider && { provider }), ...(taskId && { taskId }) })
      publish('settled', { outcome: 'failed', code, reason, errorCode, mayBeCharged, message })
      throw error
    },
  )
}

/**
 * The options, each read once, as the addon reads them. Undefined where that fails: the addon reports which option it was.
 *
 * @param {any} options
 * @returns {Record<string, any> | undefined}
 */
function copied(options) {
  if (typeof options !== 'object' || options === null) return undefined
  try {
    return Array.isArray(options) ? undefined : { ...options }
  } catch {
    return undefined
  }
}

/**
 * Only the name of a provider, and never the key: it may have been given as another option.
 *
 * @param {string} call
 * @param {Record<string, any>} [options]
 * @returns {Known}
 */
function knownOf(call, { provider, taskId, clientKey } = {}) {
  const isTask =
    resuming.includes(call) && ['string', 'number'].includes(typeof taskId) && taskId !== clientKey
  return {
    ...(native.providers.includes(provider) ? { provider } : {}),
    ...(isTask ? { taskId: String(taskId) } : {}),
    polls: 0,
    retries: 0,
  }
}

/**
 * Publishes the addon's events, and passes them on to the caller's own callback, which the addon has checked.
 *
 * @param {Known} known
 * @param {Publish} publish
 * @param {((event: Progress) => unknown) | undefined} onProgress
 * @returns {Listener}
 */
function listener(known, publish, onProgress) {
  return step => {
    const { phase, provider, taskId, polls, retries, elapsedMs, ...retry } = step
    Object.assign(known, { provider, ...(taskId && { taskId }), polls, retries })
    if (phase === 'ended') return undefined
    if (phase === 'created') publish('created', { elapsedMs })
    else if (phase === 'retrying') publish('retry', { elapsedMs, ...retry })
    else publish('poll', { elapsedMs, status: phase })
    return onProgress?.(/** @type {Progress} */ (step))
  }
}

module.exports = { channel, traced, untold }
