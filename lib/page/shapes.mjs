/** Checks of what comes from a page, whose scripts can change any answer. */

/** @typedef {import('./in-page.mjs').Description} Description */

/** @param {unknown} holds @param {string} what @returns {asserts holds} */
function demand(holds, what) {
  if (!holds) throw new TypeError(`the page answered with ${what} of another kind`)
}

/** @template T @param {T} answer */
export const anything = answer => answer

/** @param {unknown} answer */
export function aBoolean(answer) {
  demand(typeof answer === 'boolean', 'a boolean')
  return answer
}

/** @param {unknown} answer */
export function aText(answer) {
  demand(typeof answer === 'string', 'a text')
  return answer
}

/** @param {unknown} answer @returns {number} */
export function anIndex(answer) {
  demand(Number.isInteger(answer), 'an index')
  return /** @type {number} */ (answer)
}

/** @param {unknown} answer @returns {string[]} */
export function texts(answer) {
  demand(Array.isArray(answer), 'a list')
  return answer.map(aText)
}

/** @param {any} answer */
const perhapsText = answer => (answer === undefined || answer === null ? undefined : aText(answer))

/** Of a value of the page, or of `undefined` there: what uses it finds out. @param {any} handle */
export function aHandle(handle) {
  demand(typeof handle?.evaluate === 'function', 'a handle')
  return handle
}

/** @param {any} answer @returns {{ now: number, loading: boolean, widgets: Description[] } | 'wrong selector'} */
export function aDescription(answer) {
  if (answer === 'wrong selector') return answer
  demand(Number.isFinite(answer?.now), 'a time')
  demand(Array.isArray(answer.widgets), 'a list of widgets')
  return { now: answer.now, loading: aBoolean(answer.loading), widgets: answer.widgets.map(aWidget) }
}

/** @param {any} answer @returns {Description} */
function aWidget(answer) {
  demand(typeof answer === 'object' && answer !== null, 'a widget')
  return {
    sitekey: perhapsText(answer.sitekey),
    action: perhapsText(answer.action),
    cData: perhapsText(answer.cData),
    callback: perhapsText(answer.callback),
    fields: fieldNames(answer.fields),
    hasToken: aBoolean(answer.hasToken),
    widgetId: perhapsText(answer.widgetId),
    selector: aText(answer.selector),
    inShadowRoot: aBoolean(answer.inShadowRoot),
    chosen: aBoolean(answer.chosen),
  }
}

/** Several response fields may have one name. @param {unknown} answer */
const fieldNames = answer => [...new Set(texts(answer))]

/** @param {unknown} answer @returns {string[] | 'late'} */
export const whatWasFilled = answer => (answer === 'late' ? answer : fieldNames(answer))

/** @param {any} answer @returns {'called' | 'late' | 'missing'} */
export function whatWasCalled(answer) {
  demand(answer === 'called' || answer === 'late' || answer === 'missing', 'a word')
  return answer
}
