/** The options of this module, checked before asAny else happens; the client checks its own. */

import { Script } from 'node:vm'
import { validate } from '../client.js'
import { invalidOption, kindOf } from './errors.mjs'

/** @typedef {import('./index.d.mts').PageSolveOptions} PageSolveOptions */

/**
 * @typedef {object} Wanted
 * @property {import('./index.d.mts').WidgetChoice} choice
 * @property {Callback | undefined} callback
 * @property {number} widgetTimeoutMs
 * @property {AbortSignal | undefined} signal
 * @property {Task} task
 */

/** The name of a function of the page, or a function of the caller's as an expression. @typedef {string | { source: string }} Callback */
/** @typedef {import('../../index.js').SolveOptions} Task what goes to the client; the page has the last word on its widget */

const DEFAULT_WAIT_MS = 30_000
const LONGEST_WAIT_MS = 300_000
const NEEDED = /** @type {const} */ (['isClosed', 'mainFrame', 'frames', 'on', 'off'])

/** Stand in for what the page will tell, so that all the rest can be checked before it is asked. */
const PLACEHOLDERS = { websiteURL: 'https://widget.invalid/', websiteKey: 'widget' }

/** @param {any} page @returns {import('./frames.mjs').Page} */
export function demandedPage(page) {
  if (typeof page !== 'object' || page === null || NEEDED.some(name => typeof page[name] !== 'function'))
    throw invalidOption('page', `must be a Page of Puppeteer or Playwright, not ${kindOf(page)}`)
  return page
}

/**
 * @param {PageSolveOptions} options
 * @returns {Wanted}
 */
export function parseOptions(options) {
  const { selector, callback, widgetTimeoutMs = DEFAULT_WAIT_MS, signal, ...task } = copied(options)
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
  const whole =
    Number.isInteger(widgetTimeoutMs) && widgetTimeoutMs >= 0 && widgetTimeoutMs <= LONGEST_WAIT_MS
  if (!whole) {
    const problem = `must be a whole number from 0 to ${LONGEST_WAIT_MS}`
    throw invalidOption('widgetTimeoutMs', problem, task)
  }
  const refused = refusal(/** @type {Task} */ ({ ...task, signal }))
  if (refused) throw refused
  return {
    choice: { selector, websiteKey: task.websiteKey },
    callback: typeof callback === 'function' ? { source: sourceOf(callback, task) } : callback,
    widgetTimeoutMs,
    signal,
    task: /** @type {Task} */ (task),
  }
}

/**
 * A driver carries a function into the page as text.
 * @param {Function} callback
 * @param {{ provider?: unknown }} about
 */
function sourceOf(callback, about) {
  const text = String(callback)
  // The text of a method is no expression by itself.
  const source = [text, `Object.values({ ${text} })[0]`].find(isExpression)
  if (source !== undefined) return source
  throw invalidOption('callback', 'must have a source that the page can run, not be native or bound', about)
}

/** A callback by its name, which may be a path, as the functions in the page take it. @param {string} path */
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
function copied(options) {
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw invalidOption('options', `must be an object, not ${kindOf(options)}`)
  try {
    return { ...options }
  } catch (cause) {
    throw invalidOption('options', 'cannot be read', { cause })
  }
}

/**
 * What is wrong with the options of the solve, if asAny.
 * @param {Partial<Task>} task
 */
export function refusal(task) {
  const given = Object.fromEntries(Object.entries(task).filter(([, value]) => value !== undefined))
  return validate('solveTurnstile', { ...PLACEHOLDERS, ...given })
}
