/** Parses the options of the page helper, before anything else happens. The client checks those of the solve. */

import { Script } from 'node:vm'
import { validate } from '../client.js'
import { invalidOption, kindOf } from './errors.mjs'

/** @typedef {import('./index.d.mts').PageSolveOptions} PageSolveOptions */

/**
 * @typedef {object} ParsedOptions
 * @property {import('./index.d.mts').WidgetChoice} choice
 * @property {Callback | undefined} callback
 * @property {'keep' | 'solve'} ifSolved
 * @property {number} widgetTimeoutMs
 * @property {AbortSignal | undefined} signal
 * @property {Task} task
 */

/** The name of a function of the page, or a function of the caller's as an expression. @typedef {string | { source: string }} Callback */
/** @typedef {import('../../index.js').SolveOptions} Task what goes to the client; without what is read from the page */

const DEFAULT_WIDGET_TIMEOUT_MS = 30_000
const MAX_WIDGET_TIMEOUT_MS = 300_000
const REQUIRED_METHODS = /** @type {const} */ (['isClosed', 'mainFrame', 'frames', 'on', 'off'])

/** Placeholders for the values that are read from the page, so that all other options can be checked first. */
const PLACEHOLDERS = { websiteURL: 'https://widget.invalid/', websiteKey: 'widget' }

/** @param {any} page @returns {import('./frames.mjs').Page} */
export function requirePage(page) {
  if (
    typeof page !== 'object' ||
    page === null ||
    REQUIRED_METHODS.some(name => typeof page[name] !== 'function')
  )
    throw invalidOption('page', `must be a Page of Puppeteer or Playwright, not ${kindOf(page)}`)
  return page
}

/**
 * @param {PageSolveOptions} options
 * @returns {ParsedOptions}
 */
export function parseOptions(options) {
  const { selector, callback, ifSolved = 'keep', signal, ...others } = copyOf(options)
  const { widgetTimeoutMs = DEFAULT_WIDGET_TIMEOUT_MS, ...task } = others
  /** @param {unknown} holds @param {string} option @param {string} expected @param {unknown} value */
  const demand = (holds, option, expected, value) => {
    if (!holds) throw invalidOption(option, `must be ${expected}, not ${kindOf(value)}`, task)
  }
  const isText = (/** @type {unknown} */ value) => typeof value === 'string' && value !== ''
  demand(selector === undefined || isText(selector), 'selector', 'a CSS selector', selector)
  demand(
    callback === undefined || typeof callback === 'function' || isText(callback),
    'callback',
    'the name of a function of the page, or a function',
    callback,
  )
  if (ifSolved !== 'keep' && ifSolved !== 'solve')
    throw invalidOption('ifSolved', "must be 'keep' or 'solve'", task)
  const whole =
    Number.isInteger(widgetTimeoutMs) && widgetTimeoutMs >= 0 && widgetTimeoutMs <= MAX_WIDGET_TIMEOUT_MS
  if (!whole) {
    const problem = `must be a whole number from 0 to ${MAX_WIDGET_TIMEOUT_MS}`
    throw invalidOption('widgetTimeoutMs', problem, task)
  }
  const refused = taskOptionsError(/** @type {Task} */ ({ ...task, signal }))
  if (refused) throw refused
  return {
    choice: { selector, websiteKey: task.websiteKey },
    callback: typeof callback === 'function' ? { source: sourceOf(callback, task) } : callback,
    ifSolved,
    widgetTimeoutMs,
    signal,
    task: /** @type {Task} */ (task),
  }
}

/**
 * A driver sends a function to the page as source text.
 * @param {Function} callback
 * @param {{ provider?: unknown }} about
 */
function sourceOf(callback, about) {
  const text = String(callback)
  // The source of a method is not an expression by itself.
  const source = [text, `Object.values({ ${text} })[0]`].find(isExpression)
  if (source !== undefined) return source
  throw invalidOption(
    'callback',
    'must have source code that the page can run, and not be native or bound',
    about,
  )
}

/** A callback by its name, which may be a path, in the form that the functions in the page take. @param {string} path */
export const namesOf = path => ({ path, names: path.split('.') })

/** @param {string} text */
function isExpression(text) {
  try {
    return Boolean(new Script(`(${text})`))
  } catch {
    return false
  }
}

/** Getters run here, once. @param {unknown} options @returns {any} */
function copyOf(options) {
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw invalidOption('options', `must be an object, not ${kindOf(options)}`)
  try {
    return { ...options }
  } catch (cause) {
    throw invalidOption('options', 'cannot be read', { cause })
  }
}

/**
 * What is wrong with the options of the solve, if there is one.
 * @param {Partial<Task>} task
 */
export function taskOptionsError(task) {
  const given = Object.fromEntries(Object.entries(task).filter(([, value]) => value !== undefined))
  return validate('solveTurnstile', { ...PLACEHOLDERS, ...given })
}
