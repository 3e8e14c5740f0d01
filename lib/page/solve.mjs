/** The story: wait for the widget, have it solved, put the token where the page expects it. */

import { isTurnstileError, solveTurnstile } from '../../index.js'
import { CallSite, withStack } from '../errors.js'
import { applyToken } from './apply-token.mjs'
import { overError } from './errors.mjs'
import { dispose } from './evaluate.mjs'
import { watchLifecycle } from './lifecycle.mjs'
import { demandedPage, parseOptions, refusal } from './options.mjs'
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
  const page = demandedPage(given)
  const wanted = parseOptions(options)
  const lifecycle = watchLifecycle(page, wanted.signal)
  /** @type {import('./wait.mjs').Held | undefined} */
  let held
  try {
    held = await waitForWidget(page, wanted, lifecycle)
    const { widget } = held
    const { task, unsupported } = taskFor(widget, wanted.task)
    const solution = await solveTurnstile({ ...task, signal: lifecycle.signal }).catch(error => {
      throw isTurnstileError(error) && error.code === 'ABORT_ERR' ? overError(lifecycle, error) : error
    })
    const applied = await applyToken(page, held, wanted, solution, lifecycle)
    return { ...solution, widget, applied, unsupported }
  } finally {
    lifecycle.close()
    dispose(held?.handle)
  }
}

/**
 * What the caller gives goes before what the widget says. Not every provider has a field for all that a widget has.
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
    if (refusal(fuller)?.option === name) unsupported.push(name)
    else task[name] = widget[name]
  }
  return { task, unsupported }
}
