import { execFile } from 'node:child_process'
import { root } from '../dev/run.mjs'

/**
 * The output of npm. On Windows it is a script, which needs a shell.
 *
 * @param {string[]} args
 * @returns {Promise<{ ok: boolean, output: string }>}
 */
export function npm(args) {
  const [command, ...before] = process.platform === 'win32' ? ['cmd', '/c', 'npm'] : ['npm']
  return new Promise(resolve => {
    execFile(command, [...before, ...args], { cwd: root, maxBuffer: 2 ** 24 }, (error, stdout, stderr) =>
      resolve({ ok: !error, output: (error ? `${stdout}${stderr}` || error.message : stdout).trim() }),
    )
  })
}
