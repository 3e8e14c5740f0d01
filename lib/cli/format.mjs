/** Formats durations, counts, lists and paragraphs. */

/** @param {number} ms */
export const formatSeconds = ms => `${(ms / 1000).toFixed(1)} s`

/**
 * @param {number} count
 * @param {string} noun
 */
export const pluralize = (count, noun) => `${count} ${noun}${count === 1 ? '' : 's'}`

/** @param {number} time milliseconds since the epoch */
export const formatTime = time => new Date(time).toLocaleTimeString('en-GB')

/**
 * `a`, `a or b`, `a, b or c`.
 * @param {readonly string[]} names
 */
export const oneOf = names =>
  names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`

/**
 * @param {string} text
 * @param {number} width
 * @returns {string[]}
 */
export function wrap(text, width) {
  /** @type {string[]} */
  const lines = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= width)
      lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}
