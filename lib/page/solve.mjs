/** The steps: wait for the widget, solve it, apply the token. */

import { isTurnstileError, solveTurnstile } from '../../index.js'
import { CallSite, withStack } from '../errors.js'
import { applyToken } from './apply-token.mjs'
import { endedError } from './errors.mjs'
import { dispose } from './evaluate.mjs'
import { watchLifecycle } from './lifecycle.mjs'
import { parseOptions, requirePage, taskOptionsError } from './options.mjs'
import { waitForWidget } from './wait.mjs'

/** @typedef {import('./index.d.mts').DriverPage} DriverPage */
/** @typedef {import('./index.d.mts').PageSolveOptions} PageSolveOptions */
/** @typedef {import('./index.d.mts').PageSolution} PageSolution */
/** @typedef {import('./index.d.mts').Widget} Widget */
/** @typedef {import('./options.mjs').Task} Task */

/**
 * @param {DriverPage} page
 * @param {PageSolveOptions} options
 * @returns {Promise<PageSolution>}
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
  /** @type {import('./wait.mjs').HeldWidget | undefined} */
  let held
  try {
    held = await waitForWidget(page, parsed, lifecycle)
    const { widget } = held
    const { task, unsupported } = taskFor(widget, parsed.task)
    const solution = await solveTurnstile({ ...task, signal: lifecycle.signal }).catch(error => {
      throw isTurnstileError(error) && error.code === 'ABORT_ERR' ? endedError(lifecycle, error) : error
    })
    const applied = await applyToken(page, held, parsed, solution, lifecycle)
    return { ...solution, widget, applied, unsupported }
  } finally {
    lifecycle.close()
    dispose(held?.handle)
  }
}

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
