/** The bare reference: a program in `bare/`, built when it is first used. */

import { execFile, execFileSync, spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const root = fileURLToPath(new URL('../../../', import.meta.url))

/** Why it cannot be measured here, if it cannot. */
export function bareCannot() {
  try {
    execFileSync('cargo', ['--version'], { stdio: 'ignore' })
  } catch {
    return 'there is no cargo here to build it'
  }
  return undefined
}

/** @type {Promise<string> | undefined} */
let built

/** @returns {Promise<string>} the path of the program */
const program = () => {
  built ??= build()
  return built
}

async function build() {
  const args = [
    'build',
    '--package',
    'turnstile-solver-bare',
    '--profile',
    'bare',
    '--locked',
    '--message-format=json',
  ]
  const { stdout } = await promisify(execFile)('cargo', args, { cwd: root, maxBuffer: 1 << 26 })
  const made = stdout
    .split('\n')
    .filter(line => line.startsWith('{'))
    .map(line => JSON.parse(line).executable)
    .find(Boolean)
  if (!made) throw new Error('cargo built no program')
  return made
}

/**
 * @param {{ setting: import('./clients.mjs').Setting, count: number, authority: string }} order
 * @param {number} limitMs
 * @returns {Promise<any>} the same as `processes/solves.mjs` returns
 */
export async function runBare(order, limitMs) {
  const child = spawn(await program(), { stdio: ['pipe', 'pipe', 'pipe'], timeout: limitMs })
  child.stdin.end(JSON.stringify(order))
  const [out, errors] = await Promise.all([text(child.stdout), text(child.stderr)])
  if (out === '') throw new Error(`Error: the bare program ended without output. ${errors}`)
  return JSON.parse(out)
}
