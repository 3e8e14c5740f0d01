import { spawn, spawnSync } from 'node:child_process'
import { readFileSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../../', import.meta.url))

/** An error that the user can fix: the terminal shows its message only. */
export class UserError extends Error {
  /**
   * @param {string} message
   * @param {number} exitCode
   */
  constructor(message, exitCode = 1) {
    super(message)
    this.exitCode = exitCode
  }
}

/**
 * The command's output goes to the terminal, and also to `onOutput` if it is given.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {{ env?: NodeJS.ProcessEnv, onOutput?: (text: string) => void }} [options]
 * @returns {Promise<void>}
 */
export function run(command, args, { env = process.env, onOutput } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: root,
      env,
      stdio: ['inherit', onOutput ? 'pipe' : 'inherit', 'inherit'],
    })
    child.stdout?.setEncoding('utf8').on('data', text => {
      process.stdout.write(text)
      onOutput?.(text)
    })
    child.on('error', reject)
    child.on('close', (code, signal) => {
      if (code === 0) resolve()
      else
        reject(
          new UserError(`${command} ${args[0] ?? ''} failed (${signal ?? `exit code ${code}`})`, code ?? 1),
        )
    })
  })
}

/**
 * The output of a command, or why it did not run. Nothing is printed.
 *
 * @param {string} command
 * @param {string[]} args
 * @returns {{ ok: boolean, output: string }}
 */
export function probe(command, args) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd: root, encoding: 'utf8' })
  return { ok: status === 0, output: error ? error.message : `${stdout}${stderr}`.trim() }
}

/**
 * The script of a development dependency's command. It runs in this Node.js, without a shell or `npx`, so also on Windows.
 *
 * @param {string} packageName
 * @param {string} command
 */
export function tool(packageName, command) {
  const folder = join(root, 'node_modules', packageName)
  const { bin } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  return join(folder, bin[command])
}

/**
 * Runs `work` if Node.js was started with the module at `url`, not if another module imports it.
 *
 * @param {string} url
 * @param {() => Promise<void>} work
 */
export async function main(url, work) {
  if (!process.argv[1] || realpathSync(process.argv[1]) !== fileURLToPath(url)) return
  try {
    await work()
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    console.error(`\n${error.message}`)
    process.exitCode = error.exitCode
  }
}
