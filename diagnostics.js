'use strict'

// What calls do, told on a channel of node:diagnostics_channel. A call that begins while nobody listens never comes here.

const { channel } = require('node:diagnostics_channel')
const native = require('./load.js')

const solves = channel('turnstile-solver:solve')

/**
 * Options that are only to be checked: what asks that is no call of anybody's, and is not told.
 *
 * @type {WeakSet<object>}
 */
const untold = new WeakSet()

/** @typedef {import('./index.d.ts').Progress} Progress */
/** @typedef {Omit<Progress, 'phase'> & { phase: Progress['phase'] | 'ended' }} Step what the addon tells of a call */
/** @typedef {(step: Step) => unknown} Watch */
/** @typedef {(type: string, more?: Record<string, unknown>) => void} Tell */
/** @typedef {{ provider?: string, taskId?: string, polls: number, retries: number }} Known */

/** Those about a task that exists. */
const resuming = ['waitForTask', 'getTaskResult']

/**
 * Begins a call, and tells of it from its start to its end.
 *
 * @param {string} call
 * @param {unknown} options
 * @param {(options: unknown, watch?: Watch) => Promise<unknown>} begin
 */
function observed(call, options, begin) {
  const id = globalThis.crypto.randomUUID()
  const startedAt = performance.now()
  const elapsed = () => Math.floor(performance.now() - startedAt)
  const given = copied(options)
  const known = knownOf(call, given)
  /** @type {Tell} */
  const tell = (type, more) =>
    solves.publish(Object.freeze({ type, id, call, ...known, elapsedMs: elapsed(), ...more }))
  tell('start')
  const answer = given ? begin(given, watch(known, tell, given.onProgress)) : begin(options)
  return answer.then(
    value => {
      tell('settled', { outcome: 'ready' })
      return value
    },
    error => {
      const { provider, taskId, code, reason, errorCode, mayBeCharged, message } = error
      Object.assign(known, { ...(provider && { provider }), ...(taskId && { taskId }) })
      tell('settled', { outcome: 'failed', code, reason, errorCode, mayBeCharged, message })
      throw error
    },
  )
}

/**
 * The options, each read once, as the addon would. Nothing where that fails: the addon says of which option it is.
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
 * Only a provider that there is, and no key as a task: it may have been put in the wrong place.
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
 * What the addon tells, passed on, also to the caller's own callback: the addon has checked that it is one.
 *
 * @param {Known} known
 * @param {Tell} tell
 * @param {((event: Progress) => unknown) | undefined} onProgress
 * @returns {Watch}
 */
function watch(known, tell, onProgress) {
  return step => {
    const { phase, provider, taskId, polls, retries, elapsedMs, ...retry } = step
    Object.assign(known, { provider, ...(taskId && { taskId }), polls, retries })
    if (phase === 'ended') return undefined
    if (phase === 'created') tell('created', { elapsedMs })
    else if (phase === 'retrying') tell('retry', { elapsedMs, ...retry })
    else tell('poll', { elapsedMs, status: phase })
    return onProgress?.(/** @type {Progress} */ (step))
  }
}

module.exports = { observed, solves, untold }
