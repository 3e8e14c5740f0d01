/** Runs a script in a Node of its own, for what can only be seen from outside: crashes, warnings, and whether it ends by itself. */

import { capture as run } from '../../tools/dev/child.mjs'

export { killedIfItHangs } from '../../tools/dev/child.mjs'
export { root } from '../../tools/dev/run.mjs'
export { run }

/** @typedef {import('../../tools/dev/child.mjs').Ended} Ended */

/**
 * The script is a module in the package's own folder, so that it can name the package.
 * @param {string} script
 * @param {{ env?: NodeJS.ProcessEnv, args?: string[], execArgv?: string[] }} [options]
 * @returns {Promise<Ended>}
 */
export function runScript(script, { env, args = [], execArgv = [] } = {}) {
  return run(process.execPath, [...execArgv, '--input-type=module', '-e', script, ...args], { env })
}
