'use strict'

// What calls do, told on a channel of node:diagnostics_channel. A call that begins while nobody listens never comes here.

const { channel } = require('node:diagnostics_channel')
const native = require('./load.js')

const solves = channel('turnstile-solver:solve')

/** @typedef {import('./index.d.ts').Progress} Progress */
/** @typedef {(type: string, more?: Record<string, unknown>) => void} Tell */
/** @typedef {{ provider?: string, taskId?: string, polls: number, retries: number }} Known */

/** Those that take `onProgress`. The others are one exchange, and their answer tells what it came to. */
const polling = ['solveTurnstile', 'waitForTask']
/** Those about a task that exists. */
const resuming = ['waitForTask', 'getTaskResult']

/**
 * Begins a call, and tells of it from its start to its end.
 *
 * @param {string} call
 * @param {unknown} options
 * @param {(options: unknown) => Promise<any>} begin
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
  const answer = begin(given === undefined ? options : withReport(call, given, reporter(known, tell)))
  return answer.then(
    value => {
      if (!polling.includes(call)) answered(value, known, tell)
      const { polls = known.polls, retries = known.retries } = value
      Object.assign(known, { polls, retries })
      tell('settled', { outcome: 'ready' })
      return value
    },
    error => {
      const { provider, taskId, polls = known.polls } = error
      Object.assign(known, { ...(provider && { provider }), ...(taskId && { taskId }), polls })
      const { code, reason, errorCode, mayBeCharged, message } = error
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
 * Only a provider that there is: anything else may be a key in the wrong place.
 *
 * @param {string} call
 * @param {Record<string, any>} [options]
 * @returns {Known}
 */
function knownOf(call, { provider, taskId } = {}) {
  const isTask = resuming.includes(call) && ['string', 'number'].includes(typeof taskId)
  return {
    ...(native.providers.includes(provider) ? { provider } : {}),
    ...(isTask ? { taskId: String(taskId) } : {}),
    polls: 0,
    retries: 0,
  }
}

/**
 * @param {string} call
 * @param {Record<string, any>} options
 * @param {(event: Progress) => void} report
 */
function withReport(call, options, report) {
  const { onProgress } = options
  // What is no function is refused, as it is when nobody listens.
  if (!polling.includes(call) || !['undefined', 'function'].includes(typeof onProgress)) return options
  return {
    ...options,
    /** @param {Progress} event */
    onProgress: event => {
      report(event)
      return onProgress?.(event)
    },
  }
}

/**
 * @param {Known} known
 * @param {Tell} tell
 * @returns {(event: Progress) => void}
 */
function reporter(known, tell) {
  return ({ phase, provider, taskId, polls, retries, elapsedMs, ...retry }) => {
    Object.assign(known, { provider, ...(taskId && { taskId }), polls, retries })
    if (phase === 'created') tell('created', { elapsedMs })
    else if (phase === 'retrying') tell('retry', { elapsedMs, ...retry })
    else tell('poll', { elapsedMs, status: phase })
  }
}

/**
 * What a single call came to.
 *
 * @param {any} value
 * @param {Known} known
 * @param {Tell} tell
 */
function answered({ taskId, createdAt, status, solution }, known, tell) {
  if (createdAt !== undefined) {
    known.taskId = taskId
    tell('created')
  } else if (status !== undefined) {
    known.polls = solution?.polls ?? 1
    known.retries = solution?.retries ?? 0
    tell('poll', { status })
  }
}

module.exports = { observed, solves }
