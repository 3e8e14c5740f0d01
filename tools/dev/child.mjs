/** Runs a command to its end and returns its output, whatever its exit code. */

import { spawn } from 'node:child_process'
import { root } from './run.mjs'

/** A process that hangs would keep whoever waits for it from ending. A busy machine may take a hundred times as long as a quiet one. */
export const killedIfItHangs = /** @type {const} */ ({ timeout: 240_000, killSignal: 'SIGKILL' })

/**
 * @typedef {object} Ended
 * @property {number | null} code
 * @property {NodeJS.Signals | null} signal
 * @property {string} stdout
 * @property {string} stderr
 */

/**
 * @param {string} command
 * @param {string[]} args
 * @param {{ env?: NodeJS.ProcessEnv, cwd?: string }} [options]
 * @returns {Promise<Ended>}
 */
export function capture(command, args, { env, cwd = root } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, NODE_OPTIONS: '', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      ...killedIfItHangs,
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
