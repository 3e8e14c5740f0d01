/** Reads the documents, and the types that they have to agree with. */

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './child.mjs'

/** @typedef {{ heading: string, language: string, code: string }} Block */
/** @typedef {{ name: string, text: string, byDefault: string | undefined, optional: boolean }} Field */

/** @param {string} path */
export const read = path => readFileSync(join(root, path), 'utf8')

export const readme = read('README.md')
export const types = read('index.d.ts')

/**
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

/** The text under a heading up to the next of its kind. @param {string} heading */
export function section(heading) {
  const [, after] = readme.split(`\n## ${heading}\n`)
  assert.ok(after, `README: ## ${heading}`)
  return after.split('\n## ')[0]
}

/** The rows of all tables under a heading, without their heads. @param {string} heading */
export function tableUnder(heading) {
  const lines = section(heading).split('\n')
  const rows = lines.filter(
    (line, at) => line.startsWith('|') && !lines[at + 1]?.startsWith('|--') && !line.startsWith('|--'),
  )
  return rows.map(line =>
    line
      .slice(1, -1)
      .split('|')
      .map(cell => cell.trim()),
  )
}

/** @param {string} markdown */
export const anchors = markdown =>
  [...markdown.matchAll(/^#+ (.+)$/gm)].map(([, title]) =>
    title
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  )

/** The words of a doc comment. @param {string} comment */
const prose = comment =>
  comment
    .replaceAll(/^\s*\* ?/gm, '')
    .replaceAll(/\s+/g, ' ')
    .trim()

/**
 * @param {string} name of an interface in the types
 * @returns {Field[]}
 */
export function fieldsOf(name) {
  const body = new RegExp(`^export interface ${name} \\{\\n(.*?)\\n\\}`, 'ms').exec(types)?.[1]
  assert.ok(body, `index.d.ts: interface ${name}`)
  return [...body.matchAll(/\/\*\*(.*?)\*\/\s+(\w+)(\??): /gs)].map(([, comment, field, mark]) => {
    const [text, byDefault] = prose(comment).split(' @default ')
    return { name: field, text, byDefault, optional: mark === '?' }
  })
}

/**
 * @param {string} name of a union of literals in the types
 * @returns {[string, string][]}
 */
export function membersOf(name) {
  const body = new RegExp(`^export type ${name} =\\n(.*?)\\n\\n`, 'ms').exec(types)?.[1]
  assert.ok(body, `index.d.ts: type ${name}`)
  return [...body.matchAll(/\/\*\*(.*?)\*\/\s+\| '(\w+)'/gs)].map(([, comment, member]) => [
    `\`${member}\``,
    prose(comment),
  ])
}
