/** Looks for widgets in a page. */

import { addHidden, challengesIn } from './challenges.mjs'
import { invalidOption, pageError, scriptError } from './errors.mjs'
import { dispose, evaluate, PageScriptError } from './evaluate.mjs'
import { framesToScan, isClosed, isOwn, timeoutOf, websiteURLOf } from './frames.mjs'
import { collect, describe, isThere } from './in-page.mjs'
import { requirePage } from './options.mjs'
import { asBoolean, asDescription, asHandle } from './replies.mjs'

/** @typedef {import('./frames.mjs').Page} Page */
/** @typedef {import('./frames.mjs').Frame} Frame */
/** @typedef {import('./index.d.mts').Widget} Widget */
/** @typedef {import('./index.d.mts').WidgetChoice} WidgetChoice */

/**
 * A widget that was found, and its frame.
 * @typedef {object} Candidate
 * @property {Widget} widget
 * @property {string} [token] that the page has got by itself
 * @property {boolean} explicit whether a script renders it
 * @property {boolean} chosen whether it fits the options `selector` and `websiteKey`
 * @property {boolean} loading whether its document is still loading
 * @property {number} now the page's own clock
 * @property {Frame} frame
 * @property {any} list the handle of all widgets of the frame
 * @property {number[]} indices those of the widget in `list`
 */

/** @param {import('./index.d.mts').DriverPage} given */
export async function findTurnstile(given) {
  const page = requirePage(given)
  if (isClosed(page)) throw pageError('PAGE_CLOSED', 'the page is closed', 'open another')
  const { candidates, fault } = await scanPage(page)
  releaseCandidates(candidates)
  const widgets = candidates.map(({ widget }) => widget)
  if (fault) throw scriptError(fault, { widgets })
  return widgets
}

/**
 * Finds all widgets of the page. The caller has to release the candidates. `fault` is set if a frame could not be read.
 * @param {Page} page
 * @param {WidgetChoice} [choice]
 * @returns {Promise<{ candidates: Candidate[], fault: PageScriptError | undefined }>}
 */
export async function scanPage(page, choice) {
  const frames = framesToScan(page)
  const results = await Promise.allSettled(frames.map(frame => scanFrame(page, frame, choice)))
  const candidates = results.flatMap(result => (result.status === 'fulfilled' ? result.value : []))
  const there = new Set(page.frames())
  const failures = results.flatMap((result, index) =>
    result.status === 'rejected' && there.has(frames[index]) ? [result.reason] : [],
  )
  const other = failures.find(failure => !(failure instanceof PageScriptError))
  if (other) {
    releaseCandidates(candidates)
    throw other
  }
  return { candidates, fault: failures[0] }
}

/**
 * @param {Page} page
 * @param {Frame} frame
 * @param {WidgetChoice} [choice]
 * @param {number} [timeoutMs] how long the frame may take
 * @returns {Promise<Candidate[]>}
 */
export async function scanFrame(page, frame, choice, timeoutMs) {
  if (!(await isOwn(page, frame, timeoutMs))) return []
  const ownTimeoutMs = timeoutMs ?? timeoutOf(frame)
  const list = await evaluate(() => frame.evaluateHandle(collect), asHandle, ownTimeoutMs)
  if (!list) return []
  /** @type {Candidate[]} */
  let candidates = []
  try {
    const found = await candidatesIn(page, frame, list, choice, ownTimeoutMs)
    if (found.length > 0 && (await isOfOwn(page, frame, list, timeoutMs))) candidates = found
    return candidates
  } finally {
    if (candidates.length === 0) dispose(list)
  }
}

/**
 * Whether the list is of a document of the page's own. The frame may have navigated since the first check. A list that still exists after
 * the second check belongs to the document that was checked.
 * @param {Page} page
 * @param {Frame} frame
 * @param {any} list
 * @param {number} [timeoutMs]
 */
async function isOfOwn(page, frame, list, timeoutMs) {
  if (frame === page.mainFrame()) return true
  if (!(await isOwn(page, frame, timeoutMs))) return false
  return (await evaluate(() => list.evaluate(isThere), asBoolean, timeoutMs)) === true
}

/**
 * @param {Page} page
 * @param {Frame} frame
 * @param {any} list
 * @param {WidgetChoice} [choice]
 * @param {number} [timeoutMs]
 * @returns {Promise<Candidate[]>}
 */
async function candidatesIn(page, frame, list, { selector, websiteKey } = {}, timeoutMs) {
  const challenges = await challengesIn(page, frame)
  await addHidden(list, challenges)
  const seen = await evaluate(() => list.evaluate(describe, selector), asDescription, timeoutMs)
  if (seen === 'wrong selector') {
    if (selector !== undefined) throw invalidOption('selector', 'is no CSS selector')
    throw new PageScriptError('a script of the page changed a reply', {
      cause: new TypeError('the page replied that a selector is wrong, and there is none'),
    })
  }
  if (!seen) return []
  const { loading, now } = seen
  /** @type {(Candidate & { first: number })[]} */
  const candidates = []
  for (const [index, { chosen, sitekey, first, token, explicit, ...shown }] of seen.widgets.entries()) {
    const key = challenges.find(({ widgetId }) => widgetId === shown.widgetId)?.sitekey ?? sitekey
    const same = candidates.find(
      ({ first: other, widget }) => other === first && isSameKey(widget.websiteKey, key),
    )
    if (same) {
      same.widget = merged(same.widget, { ...shown, websiteKey: key })
      same.indices.push(index)
      same.chosen ||= chosen
      same.token &&= token && same.token
    } else {
      const widget = widgetOf({ websiteURL: websiteURLOf(frame), websiteKey: key, ...shown })
      const page = { loading, now, frame, list }
      candidates.push({ ...page, widget, token, explicit, chosen, indices: [index], first })
    }
  }
  return candidates.map(({ first, ...candidate }) => ({
    ...candidate,
    chosen: candidate.chosen && isSameKey(candidate.widget.websiteKey, websiteKey),
  }))
}

/** Whether two sitekeys can be the same: one may be unknown. @param {string | undefined} a @param {string | undefined} b */
const isSameKey = (a, b) => a === undefined || b === undefined || a === b

/**
 * Widgets of one container and sitekey are one: the page, or Turnstile itself, has rendered it a second time.
 * @param {Widget} widget
 * @param {{ websiteKey: string | undefined, fields: string[], hasToken: boolean, widgetId?: string | undefined }} other
 */
const merged = (widget, { websiteKey, fields, hasToken, widgetId }) =>
  widgetOf({
    ...widget,
    websiteKey: widget.websiteKey ?? websiteKey,
    widgetId: widget.widgetId ?? widgetId,
    fields: [...new Set([...widget.fields, ...fields])],
    hasToken: widget.hasToken || hasToken,
  })

/**
 * Unknown fields are absent.
 * @param {{ [Name in keyof Widget]: Widget[Name] | undefined }} fields
 */
function widgetOf(fields) {
  const known = Object.entries(fields).filter(([, value]) => value !== undefined)
  return /** @type {Widget} */ (/** @type {unknown} */ (Object.fromEntries(known)))
}

/** @param {Candidate[]} candidates */
export function releaseCandidates(candidates) {
  for (const list of new Set(candidates.map(({ list }) => list))) dispose(list)
}
