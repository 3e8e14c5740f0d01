/** Text from outside the program, made safe to print. */

// Characters that are not visible: controls, line separators, characters without a width, and those that change the
// direction of text. They could move the cursor, rename the window or hide what a text says.
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Default_Ignorable_Code_Point}]/gu

/** @param {string} text */
export const hasInvisible = text => text.search(INVISIBLE) >= 0

/**
 * A text on one line, with every invisible character as `\u{…}`.
 * @param {string} text
 */
export const escapeText = text =>
  text.replace(INVISIBLE, character => `\\u{${character.codePointAt(0)?.toString(16)}}`)

/**
 * The first characters of a text.
 * @param {string} text
 * @param {number} max
 */
export function truncate(text, max) {
  if (text.length <= max) return text
  // Enough UTF-16 units for so many characters and one more, so that a long text is not split whole.
  const characters = Array.from(text.slice(0, 2 * (max + 1)))
  return characters.length > max ? `${characters.slice(0, max).join('')}…` : text
}

/**
 * The same JSON with every invisible character in its strings as `\uXXXX`.
 * @param {string} json as `JSON.stringify` makes it: the only invisible characters outside of strings are newlines
 */
export const escapeJson = json =>
  json.replace(INVISIBLE, character =>
    character === '\n'
      ? character
      : Array.from({ length: character.length }, (_, i) => unicodeEscape(character.charCodeAt(i))).join(''),
  )

/** @param {number} unit */
const unicodeEscape = unit => `\\u${unit.toString(16).padStart(4, '0')}`
