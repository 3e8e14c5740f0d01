/** Checks the shape of what a page replies: its scripts can change any reply. */

/** @typedef {import('./in-page.mjs').Description} Description */

/** @param {unknown} condition @param {string} what @returns {asserts condition} */
function check(condition, what) {
  if (!condition) throw new TypeError(`the page replied with ${what} of another kind`)
}

/** @template T @param {T} reply */
export const asAny = reply => reply

/** @param {unknown} reply */
export function asBoolean(reply) {
  check(typeof reply === 'boolean', 'a boolean')
  return reply
}

/** @param {unknown} reply */
export function asString(reply) {
  check(typeof reply === 'string', 'a text')
  return reply
}

/** @param {unknown} reply @returns {number} */
export function asInteger(reply) {
  check(Number.isInteger(reply), 'an index')
  return /** @type {number} */ (reply)
}

/** @param {unknown} reply @returns {string[]} */
export function asStrings(reply) {
  check(Array.isArray(reply), 'a list')
  return reply.map(asString)
}

/** @param {any} reply */
const asOptionalString = reply => (reply === undefined || reply === null ? undefined : asString(reply))

/** A handle may be of `undefined` in the page: the code that uses it finds out. @param {any} handle */
export function asHandle(handle) {
  check(typeof handle?.evaluate === 'function', 'a handle')
  return handle
}

/** @param {any} reply @returns {{ now: number, loading: boolean, widgets: Description[] } | 'wrong selector'} */
export function asDescription(reply) {
  if (reply === 'wrong selector') return reply
  check(Number.isFinite(reply?.now), 'a time')
  check(Array.isArray(reply.widgets), 'a list of widgets')
  return { now: reply.now, loading: asBoolean(reply.loading), widgets: reply.widgets.map(asWidget) }
}

/** @param {any} reply @returns {Description} */
function asWidget(reply) {
  check(typeof reply === 'object' && reply !== null, 'a widget')
  return {
    sitekey: asOptionalString(reply.sitekey),
    action: asOptionalString(reply.action),
    cData: asOptionalString(reply.cData),
    callback: asOptionalString(reply.callback),
    fields: fieldNames(reply.fields),
    hasToken: asBoolean(reply.hasToken),
    widgetId: asOptionalString(reply.widgetId),
    selector: asString(reply.selector),
    inShadowRoot: asBoolean(reply.inShadowRoot),
    token: asOptionalString(reply.token),
    explicit: asBoolean(reply.explicit),
    chosen: asBoolean(reply.chosen),
    first: asInteger(reply.first),
  }
}

/** Several response fields may have one name. @param {unknown} reply */
const fieldNames = reply => [...new Set(asStrings(reply))]

/** @param {unknown} reply @returns {string[] | 'late'} */
export const asFillResult = reply => (reply === 'late' ? reply : fieldNames(reply))

/** @param {any} reply @returns {'called' | 'late' | 'missing'} */
export function asCallResult(reply) {
  check(reply === 'called' || reply === 'late' || reply === 'missing', 'a word')
  return reply
}
