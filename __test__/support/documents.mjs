/** Reads the documents. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './child.mjs'

/** @typedef {{ heading: string, language: string, code: string }} Block */

/** @param {string} path */
export const read = path => readFileSync(join(root, path), 'utf8')

export const readme = read('README.md')

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

/** @param {string} markdown */
export const anchors = markdown =>
  [...markdown.matchAll(/^#+ (.+)$/gm)].map(([, title]) =>
    title
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  )
