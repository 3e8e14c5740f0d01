/** Applies a token to the page: sets the response fields and calls the callback, unless the token has expired. */

import { Script } from 'node:vm'
import { rememberApplied } from './applied-tokens.mjs'
import { clearTimeout, delay, setTimeout } from './clock.mjs'
import { endedError, pageError, solutionAdvice } from './errors.mjs'
import { dispose, evaluate, isAlive, PageScriptError } from './evaluate.mjs'
import { releaseCandidates, scanFrame } from './find.mjs'
import { indexOf, pick } from './in-page.mjs'
import { callByName, callOwn, fill } from './in-page-apply.mjs'
import { namesOf } from './options.mjs'
import { asCallResult, asFillResult, asHandle, asInteger } from './replies.mjs'
import { asText, printable } from './text.mjs'

/** @typedef {import('./frames.mjs').Page} Page */
/** @typedef {import('./index.d.mts').BoughtSolution} BoughtSolution */
/** @typedef {import('../../index.js').Solution} Solution */
/** @typedef {import('./options.mjs').ParsedOptions} ParsedOptions */
/** @typedef {Pick<import('./wait.mjs').HeldWidget, 'widget' | 'frame' | 'handle'>} HeldWidget */
/** @typedef {import('./clock.mjs').Expiry} Expiry */
/** @typedef {import('./lifecycle.mjs').Lifecycle} Lifecycle */

/** A page that renders its widget again has none for a moment. */
const RENDER_MS = 5000
const SCAN_INTERVAL_MS = 100

/**
 * @param {Page} page
 * @param {HeldWidget} held
 * @param {ParsedOptions} parsed
 * @param {Solution} solution
 * @param {Expiry} expiry
 * @param {Lifecycle} lifecycle
 * @returns {Promise<BoughtSolution['applied']>}
 */
export async function applyToken(page, held, parsed, solution, expiry, lifecycle) {
  const { provider, taskId, token, expiresAt } = solution
  const details = { provider, taskId, mayBeCharged: true, solution }
  const late = () => {
    const problem = `the page did not take the token before it expired at ${new Date(expiresAt).toISOString()}`
    return pageError('TOKEN_EXPIRED', problem, 'solve again', details)
  }
  /** @param {string} problem @param {unknown} [cause] */
  const notApplied = (problem, cause) =>
    pageError('TOKEN_NOT_APPLIED', problem, solutionAdvice(solution), details, cause)

  const assertAlive = async () => {
    await lifecycle.checked()
    if (lifecycle.endReason()) throw endedError(lifecycle, details)
  }

  const apply = async () => {
    if (expiry.leftMs() <= 0) throw late()
    const found = await foundAgain(page, held, parsed, expiry, lifecycle)
    /** @type {string[] | 'late' | undefined} */
    let fields
    try {
      await assertAlive()
      if (!found) throw notApplied(`${printable(held.widget.selector)} is not in the page any more`)
      rememberApplied(page, token)
      const setValue = () => found.handle.evaluate(fill, { token, until: found.until })
      fields = await evaluate(setValue, asFillResult, expiry.leftMs())
    } finally {
      dispose(found?.handle)
    }
    const { until, widget } = found
    if (fields === 'late' || expiry.leftMs() <= 0) throw late()
    await assertAlive()
    if (!fields) throw notApplied('the page did not take the token')
    const callback = parsed.callback ?? widget.callback
    if (callback === undefined) {
      if (fields.length === 0)
        throw notApplied(`${printable(widget.selector)} has no response field any more`)
      return { fields, callback: false }
    }
    lifecycle.detach()
    const outcome = await call(held, callback, { token, until })
    if (outcome === 'late') throw late()
    if (outcome === 'missing') throw notApplied(`the page has no function ${callback} any more`)
    if (outcome !== 'called')
      throw notApplied(`the callback failed: ${printable(outcome.message.split('\n', 1)[0], 500)}`, outcome)
    return { fields, callback: true }
  }

  /** @type {NodeJS.Timeout | undefined} */
  let timer
  const expired = new Promise((_, reject) => {
    timer = setTimeout(() => reject(late()), Math.max(0, expiry.leftMs()))
  })
  const over = lifecycle.ended.then(() => {
    throw endedError(lifecycle, details)
  })
  try {
    return await Promise.race([over, expired, apply()])
  } catch (error) {
    const problem = 'a script of the page broke the code that runs there, see `cause`'
    if (error instanceof PageScriptError) throw notApplied(problem, error.cause)
    // The selector was right before the solve: a script has changed the reply.
    if (/** @type {any} */ (error)?.code === 'INVALID_OPTIONS') throw notApplied(problem, error)
    throw error
  } finally {
    clearTimeout(timer)
  }
}

/**
 * The widget as it is now, or the one that the page has rendered in its place.
 * @param {Page} page
 * @param {HeldWidget} held
 * @param {ParsedOptions} parsed
 * @param {Expiry} expiry
 * @param {Lifecycle} lifecycle
 */
async function foundAgain(page, held, { choice }, expiry, lifecycle) {
  const lastMs = Math.max(0, expiry.leftMs() - RENDER_MS)
  while (!lifecycle.endReason()) {
    const isLate = () => expiry.leftMs() <= lastMs
    try {
      const found = await foundNow(page, held, choice, expiry)
      if (found) return found
    } catch (error) {
      if (!(error instanceof PageScriptError) || isLate()) throw error
    }
    if (isLate()) return
    await delay(SCAN_INTERVAL_MS, lifecycle.signal)
  }
}

/**
 * @param {Page} page
 * @param {HeldWidget} held
 * @param {ParsedOptions['choice']} choice
 * @param {Expiry} expiry
 */
async function foundNow(page, { frame, handle, widget }, choice, expiry) {
  const candidates = await scanFrame(page, frame, choice, expiry.leftMs())
  // By the page's clock: a page that was too busy to run this in time then refuses it.
  const left = expiry.leftMs()
  try {
    const [first] = candidates
    const same = first && (await evaluate(() => first.list.evaluate(indexOf, handle), asInteger, left))
    const alike = candidates.filter(
      ({ chosen, widget: { websiteKey = widget.websiteKey } }) => chosen && websiteKey === widget.websiteKey,
    )
    const found =
      (same === undefined ? undefined : candidates.find(({ indices }) => indices.includes(same))) ??
      (alike.length === 1 ? alike[0] : undefined)
    const picked =
      found && (await evaluate(() => found.list.evaluateHandle(pick, found.indices), asHandle, left))
    return found && picked && { handle: picked, until: found.now + left, widget: found.widget }
  } finally {
    releaseCandidates(candidates)
  }
}

/**
 * The callback may end the document: most submit a form. It is called only in the document of the widget, even if the frame has another
 * by now.
 * @param {HeldWidget} held
 * @param {import('./options.mjs').Callback} callback
 * @param {{ token: string, until: number }} solution
 * @returns {Promise<'called' | 'late' | 'missing' | Error>}
 */
async function call({ handle }, callback, solution) {
  try {
    const outcome =
      typeof callback === 'string'
        ? await handle.evaluate(callByName, { ...namesOf(callback), ...solution })
        : await handle.evaluate(functionOf(callback.source), solution)
    return asCallResult(outcome)
  } catch (error) {
    if (!(await isAlive(handle))) return 'called'
    return error instanceof Error ? error : new Error(asText(error), { cause: error })
  }
}

/** A function, because a driver evaluates a string in the frame's current document. @param {string} source */
const functionOf = source =>
  new Script(`(function (widget, call) { return (${callOwn})(${source}, call) })`).runInThisContext()
