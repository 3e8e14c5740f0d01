/** Makes an example that has dependencies of its own ready to run, as its user would. */

import { existsSync, lstatSync, realpathSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { installLocked } from '../../tools/dev/setup.mjs'
import { root as home, run } from './child.mjs'

/**
 * Installs from the example's own lockfile, unless that is done, and links this very package where its user would install it.
 *
 * @param {string} name
 * @returns {Promise<string>} the example's folder
 */
export async function prepared(name) {
  const folder = join(home, 'examples', name)
  await installLocked(folder)
  const link = join(folder, 'node_modules', 'turnstile-solver')
  if (existsSync(link) && realpathSync(link) === realpathSync(home)) return folder
  if (lstatSync(link, { throwIfNoEntry: false })) rmSync(link, { recursive: true })
  symlinkSync(home, link, 'junction')
  return folder
}

/**
 * Whether an example's own tsconfig.json finds nothing: the compiler is the project's.
 *
 * @param {string} folder
 * @param {string[]} [args]
 */
export async function compiled(folder, args = []) {
  const compiler = join(home, 'node_modules/typescript/bin/tsc')
  const { code, stdout } = await run(process.execPath, [compiler, '-p', folder, '--pretty', 'false', ...args])
  return { code, stdout }
}
