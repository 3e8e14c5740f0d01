'use strict'

// The shell around the addon. Three things are JavaScript's own and stand here: an error class with the caller's frames in
// its stack, the listener on the AbortSignal, and turning every failure into a rejection. Everything else is decided in Rust.

const { inspect } = require('node:util')
const { observed, solves, untold } = require('./diagnostics.js')
const native = require('./load.js')

/** @typedef {import('./index.d.ts').Failure} Failure */

const brand = Symbol.for('turnstile-solver.TurnstileError')

class TurnstileError extends Error {
  static {
    Object.defineProperties(TurnstileError.prototype, {
      name: { value: 'TurnstileError', writable: true, configurable: true },
      [brand]: { value: true },
    })
  }

  /**
   * @param {Failure} failure
   * @param {unknown} [cause]
   */
  constructor({ message, ...fields }, cause) {
    super(message, cause === undefined ? undefined : { cause })
    Object.assign(this, fields)
    if (fields.code === 'ABORT_ERR') {
      Object.defineProperty(this, 'name', { value: 'AbortError', writable: true, configurable: true })
    }
  }
}

/** The frames of whoever makes a call, taken down while they are still on the stack; the first is the function called. */
class CallSite extends Error {}

/** @param {any} value */
function isTurnstileError(value) {
  return typeof value === 'object' && value?.[brand] === true
}

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

const hooks = { onAbort, guarded }

/**
 * @param {Function} start
 * @param {unknown} options
 * @param {CallSite} site
 */
function run(start, options, site) {
  const heard = solves.hasSubscribers && !untold.has(/** @type {any} */ (options))
  return heard ? told(start, options, site) : begin(start, options, site)
}

/**
 * @param {Function} start
 * @param {unknown} options
 * @param {CallSite} site
 */
function told(start, options, site) {
  return observed(start.name, options, (given, watch) => begin(start, given, site, watch))
}

/**
 * No async function: it would hold the caller's options until the call ends.
 *
 * @param {Function} start
 * @param {unknown} options
 * @param {CallSite} site
 * @param {import('./diagnostics.js').Watch} [watch]
 */
function begin(start, options, site, watch) {
  try {
    const { outcome, signal, dispose } = start(options, hooks, watch)
    const call = Promise.resolve(outcome).then(settled => {
      if (settled.type === 'ready') return settled.value
      throw failed(settled, signal, site)
    })
    return dispose ? call.finally(dispose) : call
  } catch (error) {
    return Promise.reject(error)
  }
}

/**
 * @param {{ failures: Failure[], causeMessage?: string }} outcome
 * @param {AbortSignal | undefined} signal
 * @param {CallSite} site
 */
function failed({ failures, causeMessage }, signal, site) {
  const aborted = failures[0]?.code === 'ABORT_ERR'
  const root = aborted ? reasonOf(signal) : causeMessage === undefined ? undefined : new Error(causeMessage)
  return failures.reduceRight((cause, failure) => withStack(new TurnstileError(failure, cause), site), root)
}

/**
 * One listener for a signal, however many calls share it: each further one would bring a warning about a leak.
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
      // Only an imitation of a signal does that, and what the call came to matters more.
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
 * @param {Error} error
 * @param {CallSite} site
 */
function withStack(error, site) {
  try {
    if (typeof site.stack !== 'string') return error
    const frames = site.stack.replace(/^(?!\s+at ).*\n?/, '').replace(/^\s+at .*\n?/, '')
    const value = `${error.name}: ${error.message}\n${frames}`
    return Object.defineProperty(error, 'stack', { value, writable: true, configurable: true })
  } catch {
    // The process formats stacks in its own way, and that failed.
    return error
  }
}

/**
 * The caller's progress callback, made safe to call from anywhere.
 *
 * @param {(event: import('./index.d.ts').Progress) => unknown} onProgress
 */
function guarded(onProgress) {
  /** @param {import('./index.d.ts').Progress} event */
  const report = async event => {
    try {
      await onProgress(event)
    } catch (error) {
      process.emitWarning(`onProgress failed: ${described(error)}`, 'TurnstileWarning')
    }
  }
  /** @param {import('./index.d.ts').Progress} event */
  return event => void report(event)
}

/** @param {unknown} error */
function described(error) {
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
  TurnstileError,
  isTurnstileError,
}
