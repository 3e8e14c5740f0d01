/** Reads the documents. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './child.mjs'

export { blocksOf } from '../../tools/dev/markdown.mjs'

/** @typedef {import('../../tools/dev/markdown.mjs').Block} Block */

/** @param {string} path */
export const read = path => readFileSync(join(root, path), 'utf8')

export const readme = read('README.md')

/** @param {string} markdown */
export const anchors = markdown =>
  [...markdown.matchAll(/^#+ (.+)$/gm)].map(([, title]) =>
    title
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  )
