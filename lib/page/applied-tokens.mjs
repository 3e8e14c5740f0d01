/** The tokens that were applied to each page. */

/** @type {WeakMap<object, Set<string>>} */
const applied = new WeakMap()

/** @param {object} page @param {string} token */
export function rememberApplied(page, token) {
  const tokens = applied.get(page) ?? new Set()
  applied.set(page, tokens.add(token))
}

/** @param {object} page @param {string} token */
export const wasApplied = (page, token) => applied.get(page)?.has(token) === true
