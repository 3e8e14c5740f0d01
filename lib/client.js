'use strict'

// The calls, around those of the addon. Three things can only be done in JavaScript: an error with the caller's frames in its
// stack, a listener on the AbortSignal, and turning every failure into a rejection. Everything else is decided in Rust.

const { inspect } = require('node:util')
const { isTraced, trace } = require('./diagnostics.js')
const { CallSite, TurnstileError, withStack } = require('./errors.js')
const native = require('./loader.js')

/** @typedef {import('../index.d.ts').TurnstileErrorFields} TurnstileErrorFields */

/** @param {unknown} options */
function solveTurnstile(options) {
  return run(native.solveTurnstile, options, new CallSite())
}

/** @param {unknown} options */
function createTask(options) {
  return run(native.createTask, options, new CallSite())
}

/** @param {unknown} options */
function getTaskResult(options) {
  return run(native.getTaskResult, options, new CallSite())
}

/** @param {unknown} options */
function waitForTask(options) {
  return run(native.waitForTask, options, new CallSite())
}

/** @param {unknown} options */
function getBalance(options) {
  return run(native.getBalance, options, new CallSite())
}

/**
 * What is wrong with the options of a call: the error that it would reject with. Starts nothing. For this package alone.
 *
 * @param {'solveTurnstile' | 'createTask' | 'getTaskResult' | 'waitForTask' | 'getBalance'} call
 * @param {unknown} options
 * @returns {import('../index.d.ts').TurnstileError | undefined}
 */
function validate(call, options) {
  const { outcome } = native.validate(call, options)
  return outcome.type === 'failed' ? failed(outcome, undefined, new CallSite()) : undefined
}

/** All providers, and what each takes. @type {typeof import('../index.d.ts').providers} */
const providers = Object.freeze(
  native.providers.map((/** @type {import('../index.d.ts').ProviderInfo} */ provider) =>
    Object.freeze({ ...provider, taskTypes: Object.freeze(provider.taskTypes) }),
  ),
)

const helpers = { onAbort, safeCallback }

/**
 * @param {Function} start
 * @param {unknown} options
 * @param {Error} site the call site
 */
function run(start, options, site) {
  return isTraced() ? callTraced(start, options, site) : startCall(start, options, site)
}

/**
 * @param {Function} start
 * @param {unknown} options
 * @param {Error} site the call site
 */
function callTraced(start, options, site) {
  return trace(start.name, (tracer, state) => startCall(start, options, site, tracer, state))
}

/**
 * Not an async function, which would keep the caller's options alive until the call ends.
 *
 * @param {Function} start
 * @param {unknown} options
 * @param {Error} site the call site
 * @param {import('./diagnostics.js').Tracer} [tracer]
 * @param {import('./diagnostics.js').State} [state] to which is added what may be shown of the options
 * @returns {Promise<any>}
 */
function startCall(start, options, site, tracer, state) {
  try {
    const { outcome, signal, dispose, shown } = start(options, helpers, tracer)
    if (state) Object.assign(state, shown)
    const result = Promise.resolve(outcome).then(settled => {
      if (settled.type === 'ready') return settled.value
      throw failed(settled, signal, site)
    })
    // Nothing may throw in between: where the stack ends, even an object literal does, and the rejection would be unhandled.
    return dispose ? result.finally(dispose) : result
  } catch (error) {
    return Promise.reject(error)
  }
}

/**
 * @param {{ errors: { message: string, fields: TurnstileErrorFields }[], causeMessage?: string }} outcome
 * @param {AbortSignal | undefined} signal
 * @param {Error} site the call site
 */
function failed({ errors, causeMessage }, signal, site) {
  const aborted = errors[0]?.fields.code === 'ABORT_ERR'
  const root = aborted ? reasonOf(signal) : causeMessage === undefined ? undefined : new Error(causeMessage)
  return errors.reduceRight(
    (cause, { message, fields }) => withStack(new TurnstileError(message, { ...fields, cause }), site),
    /** @type {any} */ (root),
  )
}

/**
 * One listener per signal, however many calls share it: Node.js warns of a leak where a target has many listeners.
 *
 * @type {WeakMap<AbortSignal, { cancels: Set<() => void>, listener: () => void }>}
 */
const listening = new WeakMap()

/**
 * @param {AbortSignal} signal
 * @param {() => void} cancel
 */
function onAbort(signal, cancel) {
  const { cancels, listener } = listening.get(signal) ?? listen(signal)
  cancels.add(cancel)
  return () => {
    if (!cancels.delete(cancel) || cancels.size > 0) return
    listening.delete(signal)
    try {
      signal.removeEventListener('abort', listener)
    } catch {
      // Only an imitation of a signal throws here, and the result of the call matters more.
    }
  }
}

/** @param {AbortSignal} signal */
function listen(signal) {
  /** @type {Set<() => void>} */
  const cancels = new Set()
  const listener = () => {
    for (const cancel of cancels) cancel()
  }
  const entry = { cancels, listener }
  signal.addEventListener('abort', listener, { once: true })
  listening.set(signal, entry)
  return entry
}

/** @param {AbortSignal | undefined} signal */
function reasonOf(signal) {
  try {
    return signal?.reason
  } catch (error) {
    return error
  }
}

/**
 * The caller's progress callback, wrapped so that it never throws.
 *
 * @param {(event: import('../index.d.ts').Progress) => unknown} onProgress
 */
function safeCallback(onProgress) {
  /** @param {import('../index.d.ts').Progress} event */
  const call = async event => {
    try {
      await onProgress(event)
    } catch (error) {
      process.emitWarning(`onProgress failed: ${shown(error)}`, 'TurnstileWarning')
    }
  }
  /** @param {import('../index.d.ts').Progress} event */
  return event => void call(event)
}

/** @param {unknown} error */
function shown(error) {
  try {
    return inspect(error)
  } catch {
    return 'something that cannot be shown'
  }
}

module.exports = {
  solveTurnstile,
  createTask,
  getTaskResult,
  waitForTask,
  getBalance,
  providers,
  validate,
}
