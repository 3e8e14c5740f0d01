/** Waits for the one widget that the options choose. */

import { wasApplied } from './applied-tokens.mjs'
import { delay, now } from './clock.mjs'
import { describeWidgets, endedError, pageError, scriptError } from './errors.mjs'
import { evaluate, PageScriptError } from './evaluate.mjs'
import { releaseCandidates, scanPage } from './find.mjs'
import { pick } from './in-page.mjs'
import { hasFunction } from './in-page-apply.mjs'
import { namesOf } from './options.mjs'
import { asBoolean, asHandle } from './replies.mjs'
import { printable } from './text.mjs'

/** @typedef {import('./frames.mjs').Page} Page */
/** @typedef {import('./index.d.mts').Widget} Widget */
/** @typedef {import('./find.mjs').Candidate} Candidate */
/** @typedef {import('./options.mjs').ParsedOptions} ParsedOptions */
/** @typedef {import('./lifecycle.mjs').Lifecycle} Lifecycle */

/**
 * A widget, and a handle that refers to it.
 * @typedef {object} HeldWidget
 * @property {Widget} widget
 * @property {boolean} explicit whether a script renders it
 * @property {import('./frames.mjs').Frame} frame
 * @property {any} handle
 */

/** A widget that has a token already. @typedef {{ widget: Widget, keptToken: string }} KeptWidget */

/** Cloudflare's sitekeys for testing whose widgets get their token by themselves. */
const TEST_SITEKEY = /^[12]x0{20}(?:AA|BB|AB)$/
/** How long a widget with such a sitekey may take. */
const TEST_TOKEN_MS = 5000

const SCAN_INTERVAL_MS = 100

/** @type {Awaited<ReturnType<typeof scanPage>>} */
const nothing = { candidates: [], fault: undefined }

/**
 * @param {Page} page
 * @param {ParsedOptions} parsed
 * @param {Lifecycle} lifecycle
 * @returns {Promise<HeldWidget | KeptWidget>}
 */
export async function waitForWidget(page, parsed, lifecycle) {
  const { widgetTimeoutMs, choice } = parsed
  const { provider } = parsed.task
  const deadline = now() + widgetTimeoutMs
  /** @type {number | undefined} */
  let testTokenUntil
  for (;;) {
    const late = now() >= deadline
    const { candidates, fault } = lifecycle.endReason() ? nothing : await scanPage(page, choice)
    try {
      if (lifecycle.endReason()) throw endedError(lifecycle, { provider })
      const solved = parsed.ifSolved === 'keep' ? onlyChosen(candidates) : undefined
      if (solved?.token !== undefined && !wasApplied(page, solved.token))
        return { widget: solved.widget, keptToken: solved.token }
      if (solved && TEST_SITEKEY.test(solved.widget.websiteKey ?? ''))
        testTokenUntil ??= now() + TEST_TOKEN_MS
      const awaitsToken = !late && testTokenUntil !== undefined && now() < testTokenUntil
      const held = awaitsToken ? undefined : await selectWidget(candidates, parsed, late, fault)
      if (held) {
        lifecycle.attach(held.handle)
        return held
      }
    } catch (error) {
      if (lifecycle.endReason()) throw endedError(lifecycle, { provider })
      if (!(error instanceof PageScriptError)) throw error
      if (late) throw scriptError(error, { provider, widgets: candidates.map(({ widget }) => widget) })
    } finally {
      releaseCandidates(candidates)
    }
    const pauseMs = Math.min(SCAN_INTERVAL_MS, Math.max(0, deadline - now()))
    await delay(pauseMs, lifecycle.signal)
  }
}

/** @param {Candidate[]} candidates */
function onlyChosen(candidates) {
  const [first, ...others] = candidates.filter(({ chosen }) => chosen)
  return others.length === 0 ? first : undefined
}

/**
 * The widget, if it has been found and is ready. Once it is late, the widget is taken as it is, or an error is thrown: the late scan is the last.
 * @param {Candidate[]} candidates
 * @param {ParsedOptions} parsed
 * @param {boolean} late
 * @param {PageScriptError} [fault] why a frame could not be read
 * @returns {Promise<HeldWidget | undefined>}
 */
async function selectWidget(candidates, { choice, callback, widgetTimeoutMs, task }, late, fault) {
  const { provider } = task
  const widgets = candidates.map(({ widget }) => widget)
  const chosen = candidates.filter(({ chosen }) => chosen)
  if (chosen.length > 1) {
    const several = chosen.map(({ widget }) => widget)
    const problem = `${several.length} widgets fit: ${describeWidgets(several)}`
    const advice = 'choose one with `selector` or `websiteKey`; nothing was bought'
    throw pageError('WIDGET_AMBIGUOUS', problem, advice, { provider, widgets: several })
  }
  const [candidate] = chosen
  if (!candidate) {
    if (!late) return
    if (fault) throw fault
    const which =
      choice.selector === undefined && choice.websiteKey === undefined ? 'no widget' : 'no such widget'
    const others = widgets.length > 0 ? `, only ${describeWidgets(widgets)}` : ''
    const problem = `${which} within widgetTimeoutMs (${widgetTimeoutMs} ms)${others}`
    const advice = 'widgets in frames that the page cannot read are ignored; nothing was bought'
    throw pageError('WIDGET_NOT_FOUND', problem, advice, { provider, widgets })
  }

  const { widget, frame, list, indices, loading, explicit } = candidate
  const details = { provider, widgets: [widget] }
  const selector = printable(widget.selector)
  if (widget.websiteKey === undefined && task.websiteKey === undefined) {
    if (!late) return
    const problem = `the sitekey of ${selector} is not in the page`
    throw pageError('SITEKEY_UNKNOWN', problem, 'set `websiteKey`; nothing was bought', details)
  }
  const there =
    typeof callback === 'string'
      ? await evaluate(() => list.evaluate(hasFunction, namesOf(callback)), asBoolean)
      : callback
  const missing =
    typeof callback === 'string' && !there
      ? `the page has no function ${callback}`
      : widget.fields.length === 0 && !there && !widget.callback
        ? `${selector} has no response field, and no callback of it is known`
        : undefined
  if (missing !== undefined) {
    if (!late) return
    throw pageError('TOKEN_NOT_APPLIED', missing, 'see the option `callback`; nothing was bought', details)
  }
  // A widget that is not rendered yet gets a response field when it is.
  if ((loading || widget.widgetId === undefined) && !late) return
  const handle = await evaluate(() => list.evaluateHandle(pick, indices), asHandle)
  if (handle)
    return {
      widget: { ...widget, websiteKey: widget.websiteKey ?? task.websiteKey },
      explicit,
      frame,
      handle,
    }
  if (!late) return
  const problem = `no handle of ${selector} within widgetTimeoutMs (${widgetTimeoutMs} ms)`
  throw pageError('WIDGET_NOT_FOUND', problem, 'try again; nothing was bought', details)
}
