/// <reference lib="dom" />
/** The functions that apply a token in the page; see `in-page.mjs`. */

/** @typedef {import('./in-page.mjs').Found} Found */

/**
 * As Turnstile's own script does: the value alone, and no event. After `until`, by the page's own clock, nothing is set any more.
 * @param {Found} widget
 * @param {{ token: string, until: number }} solution
 */
export function fill({ inputs }, { token, until }) {
  if (performance.now() > until) return 'late'
  /** @type {string[]} */
  const names = []
  for (let i = 0; i < inputs.length; i++) {
    inputs[i].value = token
    // A script of the page may have redefined the property.
    if (Reflect.get(HTMLInputElement.prototype, 'value', inputs[i]) !== token)
      Reflect.set(HTMLInputElement.prototype, 'value', token, inputs[i])
    names[i] = Reflect.get(HTMLInputElement.prototype, 'name', inputs[i])
  }
  return names
}

/**
 * Whether the document has that function.
 * @param {Found[]} _found
 * @param {{ path: string, names: string[] }} callback a name or a path, and the names in the path
 */
export function hasFunction(_found, { path, names }) {
  const page = /** @type {any} */ (window)
  let target = page
  if (path in page) target = page[path]
  else for (let i = 0; i < names.length; i++) target = target?.[names[i]]
  return typeof target === 'function'
}

/**
 * As Turnstile's own script does: with the token and with `false`, which means that there is no clearance. What the callback throws
 * becomes an uncaught error of the page.
 * @param {Found} _widget makes the driver call this in the document of the widget
 * @param {{ path: string, names: string[], token: string, until: number }} call
 */
export function callByName(_widget, { path, names, token, until }) {
  if (performance.now() > until) return 'late'
  const page = /** @type {any} */ (window)
  let owner = page
  let name = path
  if (!(path in page)) {
    for (let i = 0; i < names.length - 1; i++) owner = owner?.[names[i]]
    name = names[names.length - 1]
  }
  if (typeof owner?.[name] !== 'function') return 'missing'
  try {
    owner[name](token, false)
  } catch (error) {
    reportError(error)
  }
  return 'called'
}

/**
 * The same for a function of the caller's, whose source is in the text that the driver sends. What it throws rejects the call.
 * @param {(token: string) => unknown} own
 * @param {{ token: string, until: number }} call
 */
export async function callOwn(own, { token, until }) {
  if (performance.now() > until) return 'late'
  await own(token)
  return 'called'
}
