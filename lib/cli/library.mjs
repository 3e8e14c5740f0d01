/** The library, loaded on first use, so that `--help` also works where the addon does not load. */

import { createRequire } from 'node:module'
import { CommandError } from './errors.mjs'

const require = createRequire(import.meta.url)

/** The first line of the loader's error is the problem; the other lines are the reason and the fix. @param {string} path */
function load(path) {
  try {
    return require(path)
  } catch (error) {
    const [problem, ...rest] = /** @type {Error} */ (error).message.split('\n')
    throw new CommandError(problem.replace(/\.$/, ''), rest.join('\n'))
  }
}

/** @returns {typeof import('../../index.js')} */
export const library = () => load('../../index.js')

/** The names of the providers, from the addon. @returns {readonly string[]} */
export const providerNames = () => library().providers.map(({ name }) => name)
