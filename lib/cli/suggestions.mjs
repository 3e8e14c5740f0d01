/** Finds the name that a misspelt one stands for. */

/** @param {string} name */
export const normalizeName = name => name.toLowerCase().replaceAll(/[^a-z0-9]/g, '')

/**
 * The value whose spelling is nearest, if one is near enough.
 * @template T
 * @param {string} name
 * @param {readonly (readonly [spelling: string, value: T])[]} known
 * @returns {T | undefined}
 */
export function closest(name, known) {
  const text = normalizeName(name)
  let best = {
    edits: Math.max(2, Math.floor(text.length / 3)) + 1,
    value: /** @type {T | undefined} */ (undefined),
  }
  for (const [spelling, value] of known) {
    const word = normalizeName(spelling)
    const isPrefix = text.length >= 3 && (word.startsWith(text) || text.startsWith(word))
    const edits = isPrefix ? Math.min(1, editDistance(text, word)) : editDistance(text, word)
    if (edits < best.edits) best = { edits, value }
  }
  return best.value
}

/**
 * The Damerau-Levenshtein distance (optimal string alignment).
 * @param {string} a
 * @param {string} b
 */
function editDistance(a, b) {
  /** @type {number[][]} */
  const rows = [Array.from({ length: b.length + 1 }, (_, j) => j)]
  for (let i = 1; i <= a.length; i++) {
    rows[i] = [i]
    for (let j = 1; j <= b.length; j++) {
      const substitution = rows[i - 1][j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1)
      let least = Math.min(rows[i - 1][j] + 1, rows[i][j - 1] + 1, substitution)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        least = Math.min(least, rows[i - 2][j - 2] + 1)
      rows[i][j] = least
    }
  }
  return rows[a.length][b.length]
}
