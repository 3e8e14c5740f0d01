/** JSON documents on the terminal. */

import { escapeJson } from './escape.mjs'

/** @typedef {import('./terminal.mjs').Terminal} Terminal */

/** The library delivers values of a provider to the same depth. */
const MAX_DEPTH = 100

/**
 * Prints a document on standard output: indented on a terminal, otherwise on one line.
 * @param {Terminal} terminal
 * @param {unknown} document
 */
export const printJson = (terminal, document) =>
  terminal.write(`${jsonText(document, terminal.isTTY ? 2 : undefined)}\n`)

/**
 * Writes a document to standard error on one line.
 * @param {Terminal} terminal
 * @param {unknown} document
 */
export const logJson = (terminal, document) => terminal.log(jsonText(document))

/**
 * A document as JSON without invisible characters. If it cannot be serialized, its `raw` fields and what is nested too
 * deep are left out, so that a token and the id of its task are printed in any case.
 * @param {unknown} document
 * @param {number} [indent]
 * @returns {string}
 */
export function jsonText(document, indent) {
  try {
    return escapeJson(JSON.stringify(document, null, indent))
  } catch {
    return escapeJson(JSON.stringify(reduced(document), null, indent))
  }
}

/** @param {unknown} value @param {number} [depth] @returns {unknown} */
function reduced(value, depth = 0) {
  if (typeof value !== 'object' || value === null) return value
  if (depth === MAX_DEPTH) return null
  if (Array.isArray(value)) return value.map(item => reduced(item, depth + 1))
  const fields = Object.entries(value).filter(([name]) => name !== 'raw')
  return Object.fromEntries(fields.map(([name, field]) => [name, reduced(field, depth + 1)]))
}
