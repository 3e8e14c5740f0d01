/** Looks for widgets in a page. */

import { invalidOption, pageError } from './errors.mjs'
import {
  answerOf,
  challengesIn,
  dispose,
  framesToLookInto,
  isClosed,
  patienceWith,
  websiteURLOf,
} from './frames.mjs'
import { addFramed, collect, describe, idsOf } from './in-page.mjs'
import { demandedPage } from './options.mjs'

/** @typedef {import('./frames.mjs').Page} Page */
/** @typedef {import('./frames.mjs').Frame} Frame */
/** @typedef {import('./index.d.mts').Widget} Widget */
/** @typedef {import('./index.d.mts').WidgetChoice} WidgetChoice */
/** @typedef {import('./in-page.mjs').Description} Description */
/** @typedef {Awaited<ReturnType<typeof challengesIn>>[number]} Challenge */

/**
 * A widget and where it was seen.
 * @typedef {object} Sighting
 * @property {Widget} widget
 * @property {boolean} chosen whether the choice by selector and sitekey falls on it
 * @property {boolean} loading whether its document is still being read
 * @property {number} now the page's own clock
 * @property {Frame} frame
 * @property {any} list the handle of all widgets of the frame
 * @property {number} index its place among them
 */

/** @param {import('./index.d.mts').DriverPage} given */
export async function findTurnstile(given) {
  const page = demandedPage(given)
  if (isClosed(page)) throw pageError('PAGE_CLOSED', 'the page is closed', 'open another')
  const sightings = await look(page)
  release(sightings)
  return sightings.map(({ widget }) => widget)
}

/**
 * One look at the whole page. Who looks has to release what was seen.
 * @param {Page} page
 * @param {WidgetChoice} [choice]
 * @returns {Promise<Sighting[]>}
 */
export async function look(page, choice) {
  const frames = framesToLookInto(page)
  return (await Promise.all(frames.map(frame => lookInto(page, frame, choice)))).flat()
}

/**
 * @param {Page} page
 * @param {Frame} frame
 * @param {WidgetChoice} [choice]
 * @param {number} [patienceMs] how long the frame may take to answer
 * @returns {Promise<Sighting[]>}
 */
export async function lookInto(page, frame, { selector, websiteKey } = {}, patienceMs = patienceWith(frame)) {
  const list = await answerOf(() => frame.evaluateHandle(collect), patienceMs)
  if (!list) return []
  const challenges = await challengesIn(page, frame)
  await addHidden(list, challenges)
  /** @type {Exclude<ReturnType<typeof describe>, string> | 'wrong selector' | undefined} */
  const seen = await answerOf(() => list.evaluate(describe, selector), patienceMs)
  if (typeof seen !== 'object' || seen.widgets.length === 0) dispose(list)
  if (seen === 'wrong selector') throw invalidOption('selector', 'is no CSS selector')
  if (!seen) return []
  return seen.widgets.map(({ chosen, sitekey, ...told }, index) => {
    const key = challenges.find(({ widgetId }) => widgetId === told.widgetId)?.sitekey ?? sitekey
    const widget = widgetOf({ websiteURL: websiteURLOf(frame), websiteKey: key, ...told })
    const right = websiteKey === undefined || key === undefined || key === websiteKey
    const { loading, now } = seen
    return { widget, chosen: chosen && right, loading, now, frame, list, index }
  })
}

/**
 * Widgets without a response field show by their iframes alone.
 * @param {any} list
 * @param {Challenge[]} challenges
 */
async function addHidden(list, challenges) {
  if (challenges.length === 0) return
  const ids = await answerOf(() => list.evaluate(idsOf))
  for (const { frame } of challenges.filter(({ widgetId }) => !ids?.includes(widgetId))) {
    const iframe = await answerOf(() => frame.frameElement())
    if (!iframe) continue
    await answerOf(() => iframe.evaluate(addFramed, list))
    dispose(iframe)
  }
}

/**
 * What is not known is absent.
 * @param {{ [Name in keyof Widget]: Widget[Name] | undefined }} told
 */
function widgetOf(told) {
  const known = Object.entries(told).filter(([, value]) => value !== undefined)
  return /** @type {Widget} */ (/** @type {unknown} */ (Object.fromEntries(known)))
}

/** @param {Sighting[]} sightings */
export function release(sightings) {
  for (const list of new Set(sightings.map(({ list }) => list))) dispose(list)
}
