/** Looks for widgets in a page. */

import { dispose, evaluated, PageScriptFault } from './answers.mjs'
import { addHidden, challengesIn } from './challenges.mjs'
import { invalidOption, pageError, scriptError } from './errors.mjs'
import { framesToLookInto, isClosed, isOwn, patienceWith, websiteURLOf } from './frames.mjs'
import { collect, describe, isThere } from './in-page.mjs'
import { demandedPage } from './options.mjs'
import { aBoolean, aDescription, aHandle } from './shapes.mjs'

/** @typedef {import('./frames.mjs').Page} Page */
/** @typedef {import('./frames.mjs').Frame} Frame */
/** @typedef {import('./index.d.mts').Widget} Widget */
/** @typedef {import('./index.d.mts').WidgetChoice} WidgetChoice */

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
  const { sightings, fault } = await look(page)
  release(sightings)
  const widgets = sightings.map(({ widget }) => widget)
  if (fault) throw scriptError(fault, { widgets })
  return widgets
}

/**
 * One look at the whole page. The caller has to release what was seen. `fault` is set if a frame could not be read.
 * @param {Page} page
 * @param {WidgetChoice} [choice]
 * @returns {Promise<{ sightings: Sighting[], fault: PageScriptFault | undefined }>}
 */
export async function look(page, choice) {
  const frames = framesToLookInto(page)
  const looks = await Promise.allSettled(frames.map(frame => lookInto(page, frame, choice)))
  const sightings = looks.flatMap(look => (look.status === 'fulfilled' ? look.value : []))
  const there = new Set(page.frames())
  const failures = looks.flatMap((look, index) =>
    look.status === 'rejected' && there.has(frames[index]) ? [look.reason] : [],
  )
  const other = failures.find(failure => !(failure instanceof PageScriptFault))
  if (other) {
    release(sightings)
    throw other
  }
  return { sightings, fault: failures[0] }
}

/**
 * @param {Page} page
 * @param {Frame} frame
 * @param {WidgetChoice} [choice]
 * @param {number} [patienceMs] how long the frame may take to answer
 * @returns {Promise<Sighting[]>}
 */
export async function lookInto(page, frame, choice, patienceMs) {
  if (!(await isOwn(page, frame, patienceMs))) return []
  const patience = patienceMs ?? patienceWith(frame)
  const list = await evaluated(() => frame.evaluateHandle(collect), aHandle, patience)
  if (!list) return []
  /** @type {Sighting[]} */
  let sightings = []
  try {
    const seen = await sightingsIn(page, frame, list, choice, patience)
    if (seen.length > 0 && (await isOfOwn(page, frame, list, patienceMs))) sightings = seen
    return sightings
  } finally {
    if (sightings.length === 0) dispose(list)
  }
}

/**
 * Whether the list is of a document of the page's own. The frame may have navigated since the first question; a list that is still there
 * after the second one is of the document that the answer is about.
 * @param {Page} page
 * @param {Frame} frame
 * @param {any} list
 * @param {number} [patienceMs]
 */
async function isOfOwn(page, frame, list, patienceMs) {
  if (frame === page.mainFrame()) return true
  if (!(await isOwn(page, frame, patienceMs))) return false
  return (await evaluated(() => list.evaluate(isThere), aBoolean, patienceMs)) === true
}

/**
 * @param {Page} page
 * @param {Frame} frame
 * @param {any} list
 * @param {WidgetChoice} [choice]
 * @param {number} [patienceMs]
 * @returns {Promise<Sighting[]>}
 */
async function sightingsIn(page, frame, list, { selector, websiteKey } = {}, patienceMs) {
  const challenges = await challengesIn(page, frame)
  await addHidden(list, challenges)
  const seen = await evaluated(() => list.evaluate(describe, selector), aDescription, patienceMs)
  if (seen === 'wrong selector') throw invalidOption('selector', 'is no CSS selector')
  if (!seen) return []
  return seen.widgets.map(({ chosen, sitekey, ...shown }, index) => {
    const key = challenges.find(({ widgetId }) => widgetId === shown.widgetId)?.sitekey ?? sitekey
    const widget = widgetOf({ websiteURL: websiteURLOf(frame), websiteKey: key, ...shown })
    const right = websiteKey === undefined || key === undefined || key === websiteKey
    const { loading, now } = seen
    return { widget, chosen: chosen && right, loading, now, frame, list, index }
  })
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
