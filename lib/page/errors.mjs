/** Errors about the page: TurnstileErrors with codes of their own. */

import { brand, hasBrand, TurnstileError } from '../errors.js'
import { printable, printableError } from './text.mjs'

/** @typedef {import('./index.d.mts').PageErrorCode} PageErrorCode */
/** @typedef {import('./index.d.mts').Widget} Widget */
/** @typedef {import('../../index.js').Solution} Solution */

/** The most characters of a problem in a message. */
const MAX_PROBLEM = 1000
/** The most widgets that a message names. */
const MAX_WIDGETS = 5

/**
 * @typedef {object} Details
 * @property {import('../../index.js').Provider} [provider]
 * @property {string} [taskId]
 * @property {boolean} [mayBeCharged]
 * @property {Widget[]} [widgets]
 * @property {Solution} [solution]
 */

export class TurnstilePageError extends TurnstileError {
  static {
    brand(TurnstilePageError, 'TurnstilePageError')
  }

  /**
   * @param {string} message
   * @param {import('../../index.js').TurnstileErrorInit<import('./index.d.mts').TurnstilePageErrorFields>} fields
   */
  constructor(message, fields) {
    super(message, /** @type {any} */ (fields))
  }
}

/**
 * @param {PageErrorCode} code
 * @param {string} problem
 * @param {string} advice
 * @param {Details} [details]
 * @param {unknown} [cause]
 */
export function pageError(code, problem, advice, details = {}, cause) {
  const { provider, taskId } = details
  const about = [provider, taskId && `task ${taskId}`].filter(Boolean).join(', ')
  const message = `${printable(problem, MAX_PROBLEM)}${about && ` [${about}]`}; ${advice}`
  return new TurnstilePageError(message, {
    code,
    .../** @type {any} */ (details),
    cause: printableError(cause),
  })
}

/**
 * @param {import('./evaluate.mjs').PageScriptError} error
 * @param {Details} [details]
 */
export function scriptError({ cause }, details) {
  const problem = 'a script of the page broke the code that runs there, see `cause`'
  return pageError('PAGE_SCRIPT_ERROR', problem, 'nothing was bought', details, cause)
}

/** @param {any} value */
export function isTurnstilePageError(value) {
  return hasBrand(value, 'TurnstilePageError')
}

/** @type {Record<Exclude<import('./lifecycle.mjs').EndReason, 'aborted'>, [code: PageErrorCode, problem: string]>} */
const endings = {
  closed: ['PAGE_CLOSED', 'the page was closed'],
  crashed: ['PAGE_CLOSED', 'the page crashed'],
  navigated: ['PAGE_NAVIGATED', 'the document that held the widget is gone'],
}

/**
 * The error for a call that ended early.
 * @param {import('./lifecycle.mjs').Lifecycle} lifecycle
 * @param {Details} details of the task, as far as known
 */
export function endedError(lifecycle, { provider, taskId, mayBeCharged = false, solution }) {
  const end = lifecycle.endReason()
  if (end === undefined || end === 'aborted') {
    const about = { ...(provider && { provider }), ...(taskId && { taskId }), mayBeCharged }
    const message = `aborted by the signal [${[provider, taskId && `task ${taskId}`].filter(Boolean).join(', ')}]`
    return new TurnstileError(message, { code: 'ABORT_ERR', ...about, cause: lifecycle.signal.reason })
  }
  const advice = solution
    ? solutionAdvice(solution)
    : taskId
      ? 'the task is paid for: waitForTask with this taskId can still fetch its token'
      : mayBeCharged
        ? 'a task may still have been created and charged'
        : 'nothing was bought'
  const [code, problem] = endings[end]
  return pageError(code, problem, advice, { provider, taskId, mayBeCharged, solution })
}

/** @param {Solution} solution */
export const solutionAdvice = ({ expiresAt }) =>
  `its token is in the error's \`solution\`, good until ${new Date(expiresAt).toISOString()}`

/**
 * @param {string} option
 * @param {string} problem
 * @param {{ provider?: unknown, cause?: unknown }} [more]
 */
export function invalidOption(option, problem, { provider, cause } = {}) {
  /** @type {{ provider?: import('../../index.js').Provider }} */
  const about = typeof provider === 'string' ? { provider: /** @type {any} */ (provider) } : {}
  const message = `${option}: ${problem}`
  return new TurnstileError(message, { code: 'INVALID_OPTIONS', ...about, option, cause })
}

/** Names the kind of a value in a message. @param {unknown} value */
export function kindOf(value) {
  if (value === undefined || value === null) return String(value)
  if (Array.isArray(value)) return 'an array'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}

/** Lists widgets for a message. @param {Widget[]} widgets */
export function describeWidgets(widgets) {
  const named = widgets
    .slice(0, MAX_WIDGETS)
    .map(
      ({ selector, websiteKey = 'sitekey unknown' }) => `${printable(selector)} (${printable(websiteKey)})`,
    )
  const more = widgets.length - named.length
  return named.join(', ') + (more > 0 ? `, and ${more} more` : '')
}
