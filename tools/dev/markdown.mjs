/** @typedef {{ heading: string, language: string, code: string }} Block */

/**
 * The blocks of code of a document, each with the heading above it.
 *
 * @param {string} markdown
 * @returns {Block[]}
 */
export function blocksOf(markdown) {
  const found = []
  let heading = ''
  for (const [, title, language, code] of markdown.matchAll(/^#+ ([^\n]+)$|^```(\w*)\n(.*?)^```$/gms)) {
    if (title !== undefined) heading = title
    else found.push({ heading, language, code })
  }
  return found
}
