/** Runs a script in a Node of its own, for what can only be seen from outside: crashes, warnings, and whether it ends by itself. */

import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../../', import.meta.url))

/**
 * @typedef {object} Ended
 * @property {number | null} code
 * @property {NodeJS.Signals | null} signal
 * @property {string} stdout
 * @property {string} stderr
 */

/**
 * The script is a module in the package's own folder, so that it can name the package.
 * @param {string} script
 * @param {{ env?: NodeJS.ProcessEnv, args?: string[], limitMs?: number }} [options] past `limitMs` it is killed: it hung
 * @returns {Promise<Ended>}
 */
export function runScript(script, { env, args = [], limitMs = 60_000 } = {}) {
  return run(process.execPath, ['--input-type=module', '-e', script, ...args], { env, limitMs })
}

/**
 * @param {string} command
 * @param {string[]} args
 * @param {{ env?: NodeJS.ProcessEnv, cwd?: string, limitMs?: number }} [options]
 * @returns {Promise<Ended>}
 */
export function run(command, args, { env, cwd = root, limitMs = 60_000 } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, NODE_OPTIONS: '', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: limitMs,
      killSignal: 'SIGKILL',
    })
    let [stdout, stderr] = ['', '']
    child.stdout.setEncoding('utf8').on('data', text => {
      stdout += text
    })
    child.stderr.setEncoding('utf8').on('data', text => {
      stderr += text
    })
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }))
  })
}
