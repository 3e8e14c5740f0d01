/** The steps: wait for the widget, solve it, apply the token. */

import { isTurnstileError, solveTurnstile } from '../../index.js'
import { CallSite, withStack } from '../errors.js'
import { applyToken } from './apply-token.mjs'
import { expiryOf, now } from './clock.mjs'
import { endedError } from './errors.mjs'
import { dispose } from './evaluate.mjs'
import { watchLifecycle } from './lifecycle.mjs'
import { parseOptions, requirePage, taskOptionsError } from './options.mjs'
import { printable } from './text.mjs'
import { waitForWidget } from './wait.mjs'

/** @typedef {import('./index.d.mts').DriverPage} DriverPage */
/** @typedef {import('./index.d.mts').PageSolveOptions} PageSolveOptions */
/** @typedef {import('./index.d.mts').PageSolution} PageSolution */
/** @typedef {import('./index.d.mts').Widget} Widget */
/** @typedef {import('./options.mjs').Task} Task */

/**
 * @param {DriverPage} page
 * @param {PageSolveOptions} options
 * @returns {Promise<any>} see the overloads in index.d.mts
 */
export function solveTurnstileOnPage(page, options) {
  const site = new CallSite()
  return run(page, options).catch(error => {
    throw isTurnstileError(error) ? withStack(error, site) : error
  })
}

/** @param {DriverPage} given @param {PageSolveOptions} options @returns {Promise<PageSolution>} */
async function run(given, options) {
  const page = requirePage(given)
  const parsed = parseOptions(options)
  const lifecycle = watchLifecycle(page, parsed.signal)
  /** @type {Awaited<ReturnType<typeof waitForWidget>> | undefined} */
  let held
  try {
    held = await waitForWidget(page, parsed, lifecycle)
    const { widget } = held
    if ('keptToken' in held) return keptSolution(widget, held.keptToken)
    const { task, unsupported } = taskFor(widget, parsed.task)
    const startedAt = now()
    const solution = await solveTurnstile({ ...task, signal: lifecycle.signal }).catch(error => {
      throw isTurnstileError(error) && error.code === 'ABORT_ERR' ? endedError(lifecycle, error) : error
    })
    const expiry = expiryOf(solution, startedAt)
    const applied = await applyToken(page, held, parsed, solution, expiry, lifecycle)
    const warnings = held.explicit && !applied.callback ? [callbackUnreachable(widget)] : []
    return { ...solution, kept: false, widget, applied, unsupported, warnings }
  } finally {
    lifecycle.close()
    if (held && 'handle' in held) dispose(held.handle)
  }
}

/** @param {Widget} widget @param {string} token @returns {PageSolution} */
const keptSolution = (widget, token) => ({
  ...{ kept: true, token, widget },
  ...{ applied: { fields: widget.fields, callback: false }, unsupported: [], warnings: [] },
})

/** @param {Widget} widget @returns {import('./index.d.mts').PageWarning} */
const callbackUnreachable = ({ selector }) => ({
  code: 'CALLBACK_UNREACHABLE',
  message: `a script rendered ${printable(selector)}, and no callback of it can be called; if the page does not react to the token, set \`callback\`: see "Recipes" in docs/page.md`,
})

/**
 * The task for a widget. Options override what the widget has. Not every provider supports every field.
 * @param {Widget} widget
 * @param {Task} given
 */
function taskFor(widget, given) {
  const known = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  const task = /** @type {Task} */ ({
    websiteURL: widget.websiteURL,
    websiteKey: widget.websiteKey,
    ...known,
  })
  /** @type {('action' | 'cData')[]} */
  const unsupported = []
  for (const name of /** @type {const} */ (['action', 'cData'])) {
    if (widget[name] === undefined || task[name] !== undefined) continue
    const fuller = { ...task, [name]: widget[name] }
    if (taskOptionsError(fuller)?.option === name) unsupported.push(name)
    else task[name] = widget[name]
  }
  return { task, unsupported }
}
