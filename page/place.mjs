/** Puts a token where the page expects it, and never one that has expired. */

import { setTimeout as delay } from 'node:timers/promises'
import { overError, pageError, solutionAdvice } from './errors.mjs'
import { lookInto, release } from './find.mjs'
import { answerOf, dispose } from './frames.mjs'
import { callByName, callOwn, fill, indexOf, pick } from './in-page.mjs'

/** @typedef {import('./frames.mjs').Page} Page */
/** @typedef {import('./index.d.mts').PageSolution} PageSolution */
/** @typedef {import('../index.js').Solution} Solution */
/** @typedef {import('./options.mjs').Wanted} Wanted */
/** @typedef {import('./wait.mjs').Held} Held */
/** @typedef {import('./watch.mjs').Watch} Watch */

/** A page that renders its widget anew has none for a moment. */
const RENDER_MS = 5000
const LOOK_EVERY_MS = 100

/**
 * @param {Page} page
 * @param {Held} held
 * @param {Wanted} wanted
 * @param {Solution} solution
 * @param {Watch} watching
 * @returns {Promise<PageSolution['placed']>}
 */
export async function placeToken(page, held, wanted, solution, watching) {
  const { provider, taskId, token, expiresAt } = solution
  const details = { provider, taskId, mayBeCharged: true, solution }
  const late = () => {
    const problem = `the page did not take the token before it expired at ${new Date(expiresAt).toISOString()}`
    return pageError('TOKEN_EXPIRED', problem, 'solve again', details)
  }
  /** @param {string} problem @param {unknown} [cause] */
  const homeless = (problem, cause) =>
    pageError('TOKEN_NOT_PLACED', problem, solutionAdvice(solution), details, cause)

  const standing = async () => {
    await watching.settled()
    if (watching.end()) throw overError(watching, details)
  }

  const place = async () => {
    if (Date.now() >= expiresAt) throw late()
    const found = await foundAgain(page, held, wanted, expiresAt, watching)
    await standing()
    if (!found) throw homeless(`${held.widget.selector} is not in the page any more`)
    const { handle, until, widget } = found
    const fields = await answerOf(() => handle.evaluate(fill, { token, until }), expiresAt - Date.now())
    dispose(handle)
    if (fields === 'late' || Date.now() >= expiresAt) throw late()
    await standing()
    if (!fields) throw homeless('the page did not take the token')
    const callback = wanted.callback ?? widget.callback
    if (callback === undefined) {
      if (fields.length === 0) throw homeless(`${widget.selector} has no response field any more`)
      return { fields, callback: false }
    }
    watching.letGo()
    const answer = await call(held, callback, { token, until })
    if (answer === 'late') throw late()
    if (answer === 'missing') throw homeless(`the page has no function ${callback} any more`)
    if (answer !== 'called') throw homeless(`the callback failed: ${answer.message}`, answer)
    return { fields, callback: true }
  }

  /** @type {NodeJS.Timeout | undefined} */
  let timer
  const expired = new Promise((_, reject) => {
    timer = setTimeout(() => reject(late()), Math.max(0, expiresAt - Date.now()))
  })
  const over = watching.whenOver.then(() => {
    throw overError(watching, details)
  })
  try {
    return await Promise.race([over, expired, place()])
  } finally {
    clearTimeout(timer)
  }
}

/**
 * The widget as it is now, or what the page has rendered in its place.
 * @param {Page} page
 * @param {Held} held
 * @param {Wanted} wanted
 * @param {number} expiresAt
 * @param {Watch} watching
 */
async function foundAgain(page, { frame, handle, widget }, { choice }, expiresAt, watching) {
  const deadline = Math.min(Date.now() + RENDER_MS, expiresAt)
  while (!watching.end()) {
    const sightings = await lookInto(page, frame, choice, expiresAt - Date.now())
    // By the page's clock: a page that is too busy to run this in time refuses it when it does.
    const left = expiresAt - Date.now()
    try {
      const same = sightings[0] && (await answerOf(() => sightings[0].list.evaluate(indexOf, handle), left))
      const alike = sightings.filter(
        ({ chosen, widget: { websiteKey = widget.websiteKey } }) =>
          chosen && websiteKey === widget.websiteKey,
      )
      const found = sightings[same] ?? (alike.length === 1 ? alike[0] : undefined)
      const picked = found && (await answerOf(() => found.list.evaluateHandle(pick, found.index), left))
      if (found && picked) return { handle: picked, until: found.now + left, widget: found.widget }
    } finally {
      release(sightings)
    }
    if (Date.now() >= deadline) return
    await delay(LOOK_EVERY_MS, undefined, { signal: watching.signal }).catch(() => {})
  }
}

/**
 * What ends the document now is the callback's own doing: most submit a form.
 * @param {Held} held
 * @param {import('./options.mjs').Callback} callback
 * @param {{ token: string, until: number }} solution
 * @returns {Promise<'called' | 'late' | 'missing' | Error>}
 */
async function call({ frame, handle }, callback, { token, until }) {
  try {
    if (typeof callback === 'string')
      return await frame.evaluate(callByName, { path: callback, token, until })
    return await frame.evaluate(`(${callOwn})(${callback.source}, ${JSON.stringify({ token, until })})`)
  } catch (error) {
    const stands = await answerOf(() => handle.evaluate(() => true))
    return stands && error instanceof Error ? error : 'called'
  }
}
