/** The library, loaded when it is first needed: `--help` works also where the addon does not. */

import { createRequire } from 'node:module'
import { PlainError } from './problems.mjs'

const require = createRequire(import.meta.url)

/** @param {string} path */
function load(path) {
  try {
    return require(path)
  } catch (error) {
    const { message } = /** @type {Error} */ (error)
    throw new PlainError(
      `the native addon does not load: ${message}`,
      'Reinstall turnstile-solver on this very machine, without --omit=optional.',
    )
  }
}

/** @returns {typeof import('../index.js')} */
export const library = () => load('../index.js')

/** The providers' names, as the addon knows them. @returns {readonly string[]} */
export const providerNames = () => load('../native.js').providers
