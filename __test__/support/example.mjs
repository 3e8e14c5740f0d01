/** Makes an example that has dependencies of its own ready to run, as its user would. */

import { existsSync, lstatSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { root as home, run } from './child.mjs'

/**
 * Installs from the example's own lockfile, unless that is done, and links this very package where its user would install it.
 *
 * @param {string} name
 * @returns {Promise<string>} the example's folder
 */
export async function prepared(name) {
  const folder = join(home, 'examples', name)
  const modules = join(folder, 'node_modules')
  const done = join(modules, '.package-lock.json')
  if (!existsSync(done) || statSync(done).mtimeMs < statSync(join(folder, 'package-lock.json')).mtimeMs) {
    const [command, ...before] = process.platform === 'win32' ? ['cmd', '/c', 'npm'] : ['npm']
    const args = [...before, 'ci', '--include=dev', '--ignore-scripts', '--loglevel=error']
    const { code, stdout, stderr } = await run(command, args, { cwd: folder, limitMs: 110_000 })
    if (code !== 0) throw new Error(`npm ci in examples/${name} failed:\n${stdout}${stderr}`)
  }
  const link = join(modules, 'turnstile-solver')
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
