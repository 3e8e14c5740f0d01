// The parts of a document that programs write, between `<!-- name:begin -->` and `<!-- name:end -->`.
import { UserError } from './run.mjs'

/** @param {string} document @param {string} name @returns {string} */
export function section(document, name) {
  const [from, to] = markers(document, name)
  return document.slice(from, to).trim()
}

/** @param {string} document @param {string} name @param {string} text @returns {string} the document with this text in the section */
export function withSection(document, name, text) {
  const [from, to] = markers(document, name)
  return `${document.slice(0, from)}\n${text}\n${document.slice(to)}`
}

/** @param {string} document @param {string} name */
function markers(document, name) {
  const [begin, end] = [`<!-- ${name}:begin -->`, `<!-- ${name}:end -->`]
  const [from, to] = [document.indexOf(begin), document.indexOf(end)]
  if (from < 0 || to < from) throw new UserError(`The document has no ${begin} and ${end}.`)
  return [from + begin.length, to]
}
