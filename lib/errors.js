'use strict'

// The error class of all calls, and the caller's frames in its stack. `lib/page/` uses both.

/** @param {string} name of an error class */
const brandOf = name => Symbol.for(`turnstile-solver.${name}`)

/**
 * Gives an error class its name and the brand by which `hasBrand` knows it.
 *
 * @param {Function} errorClass
 * @param {string} name kept when a bundler renames the class
 */
function brand(errorClass, name) {
  Object.defineProperties(errorClass.prototype, {
    name: { value: name, writable: true, configurable: true },
    [brandOf(name)]: { value: true },
  })
}

/**
 * Whether a value is an error of that class, also one of another realm or of another copy of the package.
 *
 * @param {any} value
 * @param {string} name
 */
const hasBrand = (value, name) => typeof value === 'object' && value?.[brandOf(name)] === true

class TurnstileError extends Error {
  static {
    brand(TurnstileError, 'TurnstileError')
  }

  /**
   * What is `undefined` is absent.
   *
   * @param {string} message
   * @param {import('../index.d.ts').TurnstileErrorInit<import('../index.d.ts').TurnstileErrorFields>} fields
   */
  constructor(message, { cause, ...fields }) {
    super(message, cause === undefined ? undefined : { cause })
    const known = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
    Object.assign(this, known, { mayBeCharged: known.mayBeCharged ?? false })
    if (fields.code === 'ABORT_ERR') {
      Object.defineProperty(this, 'name', { value: 'AbortError', writable: true, configurable: true })
    }
  }
}

/** @param {any} value */
function isTurnstileError(value) {
  return hasBrand(value, 'TurnstileError')
}

/** The caller's frames, captured while they are still on the stack; the first is the function that was called. */
class CallSite extends Error {}

/**
 * Replaces the frames of an error by those of its call.
 *
 * @param {Error} error
 * @param {CallSite} site of the call
 */
function withStack(error, site) {
  try {
    if (typeof site.stack !== 'string') return error
    const frames = site.stack.replace(/^(?!\s+at ).*\n?/, '').replace(/^\s+at .*\n?/, '')
    const value = `${error.name}: ${error.message}\n${frames}`
    return Object.defineProperty(error, 'stack', { value, writable: true, configurable: true })
  } catch {
    // The process has its own `Error.prepareStackTrace`, and that failed.
    return error
  }
}

module.exports = { brand, CallSite, hasBrand, isTurnstileError, TurnstileError, withStack }
