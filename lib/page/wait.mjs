/** Waits for the one widget that the options choose. */

import { setTimeout as delay } from 'node:timers/promises'
import { listed, overError, pageError, scriptError } from './errors.mjs'
import { evaluate, PageScriptError } from './evaluate.mjs'
import { releaseCandidates, scanPage } from './find.mjs'
import { hasFunction, pick } from './in-page.mjs'
import { namesOf } from './options.mjs'
import { asBoolean, asHandle } from './replies.mjs'

/** @typedef {import('./frames.mjs').Page} Page */
/** @typedef {import('./index.d.mts').Widget} Widget */
/** @typedef {import('./find.mjs').Candidate} Candidate */
/** @typedef {import('./options.mjs').Wanted} Wanted */
/** @typedef {import('./lifecycle.mjs').Lifecycle} Lifecycle */

/** @typedef {{ widget: Widget, frame: import('./frames.mjs').Frame, handle: any }} Held a widget that is held on to */

const SCAN_INTERVAL_MS = 100

/** @type {Awaited<ReturnType<typeof scanPage>>} */
const nothing = { candidates: [], fault: undefined }

/**
 * @param {Page} page
 * @param {Wanted} wanted
 * @param {Lifecycle} lifecycle
 * @returns {Promise<Held>}
 */
export async function waitForWidget(page, wanted, lifecycle) {
  const { widgetTimeoutMs, choice } = wanted
  const { provider } = wanted.task
  const deadline = performance.now() + widgetTimeoutMs
  for (;;) {
    const late = performance.now() >= deadline
    const { candidates, fault } = lifecycle.endReason() ? nothing : await scanPage(page, choice)
    if (lifecycle.endReason()) throw overError(lifecycle, { provider })
    try {
      const held = await taken(candidates, wanted, late, fault)
      if (held) {
        lifecycle.attach(held.handle)
        return held
      }
    } catch (error) {
      if (lifecycle.endReason()) throw overError(lifecycle, { provider })
      if (!(error instanceof PageScriptError)) throw error
      if (late) throw scriptError(error, { provider, widgets: candidates.map(({ widget }) => widget) })
    } finally {
      releaseCandidates(candidates)
    }
    const pauseMs = Math.min(SCAN_INTERVAL_MS, Math.max(0, deadline - performance.now()))
    await delay(pauseMs, undefined, { signal: lifecycle.signal }).catch(() => {})
  }
}

/**
 * The widget, if it has been found and is ready. Once it is late, the widget is taken as it is, or an error is thrown: the late scan is the last.
 * @param {Candidate[]} candidates
 * @param {Wanted} wanted
 * @param {boolean} late
 * @param {PageScriptError} [fault] why a frame could not be read
 * @returns {Promise<Held | undefined>}
 */
async function taken(candidates, { choice, callback, widgetTimeoutMs, task }, late, fault) {
  const { provider } = task
  const widgets = candidates.map(({ widget }) => widget)
  const chosen = candidates.filter(({ chosen }) => chosen)
  if (chosen.length > 1) {
    const several = chosen.map(({ widget }) => widget)
    const problem = `${several.length} widgets fit: ${listed(several)}`
    const advice = 'choose one with `selector` or `websiteKey`; nothing was bought'
    throw pageError('WIDGET_AMBIGUOUS', problem, advice, { provider, widgets: several })
  }
  const [candidate] = chosen
  if (!candidate) {
    if (!late) return
    if (fault) throw fault
    const which =
      choice.selector === undefined && choice.websiteKey === undefined ? 'no widget' : 'no such widget'
    const others = widgets.length > 0 ? `, only ${listed(widgets)}` : ''
    const problem = `${which} within widgetTimeoutMs (${widgetTimeoutMs} ms)${others}`
    const advice = 'one in a frame that the page itself cannot read is not seen; nothing was bought'
    throw pageError('WIDGET_NOT_FOUND', problem, advice, { provider, widgets })
  }

  const { widget, frame, list, index, loading } = candidate
  const details = { provider, widgets: [widget] }
  if (widget.websiteKey === undefined && task.websiteKey === undefined) {
    if (!late) return
    const problem = `the page does not tell the sitekey of ${widget.selector}`
    throw pageError('SITEKEY_UNKNOWN', problem, 'give it as `websiteKey`; nothing was bought', details)
  }
  const there =
    typeof callback === 'string'
      ? await evaluate(() => list.evaluate(hasFunction, namesOf(callback)), asBoolean)
      : callback
  const lacking =
    typeof callback === 'string' && !there
      ? `the page has no function ${callback}`
      : widget.fields.length === 0 && !there && !widget.callback
        ? `${widget.selector} has no response field, and no callback of it is known`
        : undefined
  if (lacking !== undefined) {
    if (!late) return
    throw pageError('TOKEN_NOT_APPLIED', lacking, 'see the option `callback`; nothing was bought', details)
  }
  // A widget that is not rendered yet gets a response field when it is.
  if ((loading || widget.widgetId === undefined) && !late) return
  const handle = await evaluate(() => list.evaluateHandle(pick, index), asHandle)
  if (handle)
    return { widget: { ...widget, websiteKey: widget.websiteKey ?? task.websiteKey }, frame, handle }
  if (!late) return
  const problem = `the page did not hand out ${widget.selector} within widgetTimeoutMs (${widgetTimeoutMs} ms)`
  throw pageError('WIDGET_NOT_FOUND', problem, 'try again; nothing was bought', details)
}
