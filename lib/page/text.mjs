/** Text of a page in messages: in one line, bounded, and without characters that a terminal interprets or that are invisible. */

import { inspect } from 'node:util'

const MISLEADING =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to escape.
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]|\p{Cs}/gu

/** @param {string} text @param {number} max how many characters are shown at most */
export function printable(text, max = 200) {
  // No more than that can be shown: a character has at most two units.
  const characters = [...text.slice(0, 2 * (max + 1))]
  const start = characters.slice(0, max).join('')
  const escaped = start.replace(MISLEADING, character => `\\u{${character.codePointAt(0)?.toString(16)}}`)
  return characters.length > max ? `${escaped}…` : escaped
}

/** A page can throw any value, also one without a string form. @param {unknown} value */
export const asText = value => (typeof value === 'string' ? value : inspect(value))

const MAX_LINES = 20
const MAX_LINE = 500

/**
 * The same for an error that came from a page, with its stack: Node.js prints it below the error that it is the cause of.
 * @param {unknown} error
 */
export function printableError(error) {
  if (!(error instanceof Error)) return typeof error === 'string' ? printable(error, MAX_LINE) : error
  const lines = (/** @type {unknown} */ text) =>
    asText(text)
      .slice(0, MAX_LINES * MAX_LINE)
      .split('\n', MAX_LINES)
      .map(line => printable(line, MAX_LINE))
      .join('\n')
  const copy = new Error(lines(error.message))
  Object.defineProperty(copy, 'name', {
    value: printable(asText(error.name)),
    configurable: true,
    writable: true,
  })
  return Object.defineProperty(copy, 'stack', {
    value: lines(error.stack),
    configurable: true,
    writable: true,
  })
}
