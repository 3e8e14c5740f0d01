/** Errors about the page: TurnstileErrors with codes of their own. */

import { TurnstileError } from '../index.js'

/** @typedef {import('./index.d.mts').PageErrorCode} PageErrorCode */
/** @typedef {import('./index.d.mts').Widget} Widget */
/** @typedef {import('../index.js').Solution} Solution */

const brand = Symbol.for('turnstile-solver.TurnstilePageError')

/**
 * @typedef {object} Details
 * @property {string} [provider]
 * @property {string} [taskId]
 * @property {boolean} [mayBeCharged]
 * @property {Widget[]} [widgets]
 * @property {Solution} [solution]
 */

export class TurnstilePageError extends TurnstileError {
  static {
    Object.defineProperties(TurnstilePageError.prototype, {
      name: { value: 'TurnstilePageError', writable: true, configurable: true },
      [brand]: { value: true },
    })
  }

  /**
   * @param {PageErrorCode} code
   * @param {string} problem
   * @param {string} advice
   * @param {Details} [details]
   * @param {unknown} [cause]
   */
  constructor(code, problem, advice, { mayBeCharged = false, ...details } = {}, cause) {
    const { provider, taskId } = details
    const about = [provider, taskId && `task ${taskId}`].filter(Boolean).join(', ')
    const message = `${problem}${about && ` [${about}]`}; ${advice}`
    const known = Object.entries(details).filter(([, value]) => value !== undefined)
    super({ message, code: /** @type {any} */ (code), mayBeCharged, ...Object.fromEntries(known) }, cause)
  }
}

/**
 * @param {import('./answers.mjs').PageScriptFault} fault
 * @param {Details} [details]
 */
export function scriptError(fault, details) {
  const problem = 'a script of the page broke what runs there, see `cause`'
  return new TurnstilePageError('PAGE_SCRIPT_ERROR', problem, 'nothing was bought', details, fault.cause)
}

/** @param {any} value */
export function isTurnstilePageError(value) {
  return typeof value === 'object' && value?.[brand] === true
}

/** @type {Record<Exclude<import('./watch.mjs').End, 'aborted'>, [code: PageErrorCode, problem: string]>} */
const ends = {
  closed: ['PAGE_CLOSED', 'the page was closed'],
  crashed: ['PAGE_CLOSED', 'the page crashed'],
  navigated: ['PAGE_NAVIGATED', 'the document that held the widget is gone'],
}

/**
 * The error for a call that is over before its time.
 * @param {import('./watch.mjs').Watch} watching
 * @param {Details} details what is known of the task
 */
export function overError(watching, { provider, taskId, mayBeCharged = false, solution }) {
  const end = watching.end()
  if (end === undefined || end === 'aborted') {
    const about = { ...(provider && { provider }), ...(taskId && { taskId }), mayBeCharged }
    const message = `aborted by the signal [${[provider, taskId && `task ${taskId}`].filter(Boolean).join(', ')}]`
    return new TurnstileError({ message, code: 'ABORT_ERR', ...about }, watching.signal.reason)
  }
  const advice = solution
    ? solutionAdvice(solution)
    : taskId
      ? 'the task is paid for: waitForTask with this taskId can still fetch its token'
      : mayBeCharged
        ? 'a task may have been created and charged all the same'
        : 'nothing was bought'
  const [code, problem] = ends[end]
  return new TurnstilePageError(code, problem, advice, { provider, taskId, mayBeCharged, solution })
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
  const about = typeof provider === 'string' ? { provider } : {}
  const message = `${option}: ${problem}`
  return new TurnstileError(
    { message, code: 'INVALID_OPTIONS', ...about, mayBeCharged: false, option },
    cause,
  )
}

/** What a message calls a value that should have been another. @param {unknown} value */
export function kindOf(value) {
  if (value === undefined || value === null) return String(value)
  if (Array.isArray(value)) return 'an array'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}

/** Lists widgets for a message. @param {Widget[]} widgets */
export const listed = widgets =>
  widgets.map(({ selector, websiteKey = 'sitekey unknown' }) => `${selector} (${websiteKey})`).join(', ')

/** The frames of whoever makes a call, taken down while they are still on the stack; the first is the function called. */
export class CallSite extends Error {}

/**
 * @param {unknown} error
 * @param {CallSite} site
 */
export function withStack(error, site) {
  if (!(error instanceof TurnstileError)) return error
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
