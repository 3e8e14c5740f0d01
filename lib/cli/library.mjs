/** The library, loaded when it is first needed: `--help` works also where the addon does not. */

import { createRequire } from 'node:module'
import { PlainError } from './errors.mjs'

const require = createRequire(import.meta.url)

/** What is wrong, and then why and what mends it: the error says all of it, line by line. @param {string} path */
function load(path) {
  try {
    return require(path)
  } catch (error) {
    const [what, ...rest] = /** @type {Error} */ (error).message.split('\n')
    throw new PlainError(what.replace(/\.$/, ''), rest.join('\n'))
  }
}

/** @returns {typeof import('../../index.js')} */
export const library = () => load('../../index.js')

/** The providers' names, as the addon knows them. @returns {readonly string[]} */
export const providerNames = () => library().providers.map(({ name }) => name)
