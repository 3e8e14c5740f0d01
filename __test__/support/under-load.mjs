/** Many solves in one process with few descriptors, and a sandbox with faults in another. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { killedIfItHangs } from './child.mjs'

/** @typedef {import('../../lib/sandbox/index.mjs').SandboxOptions} SandboxOptions */
/** @typedef {{ token?: string, taskId?: string, code?: string, mayBeCharged?: boolean, message?: string }} Outcome */

/**
 * @param {string} file
 * @param {unknown} argument
 * @param {string} limit the shell command that sets limits
 */
function start(file, argument, limit) {
  const path = fileURLToPath(new URL(file, import.meta.url))
  return spawn('sh', ['-c', `${limit}; exec "$@"`, 'sh', process.execPath, path, JSON.stringify(argument)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, NODE_OPTIONS: '' },
    ...killedIfItHangs,
  })
}

/** The next message of a child; rejects if the child ends first. @param {import('node:child_process').ChildProcess} child @returns {Promise<any>} */
async function nextMessage(child) {
  const ended = once(child, 'exit').then(([code, signal]) => {
    throw new Error(`the process ended with ${code ?? signal}`)
  })
  const [message] = await Promise.race([once(child, 'message'), ended])
  ended.catch(() => {})
  return message
}

/**
 * @param {import('node:test').TestContext} t
 * @param {number} count
 * @param {SandboxOptions} sandboxOptions
 * @param {Record<string, unknown>} options
 * @param {number} descriptors that the client's process may have open
 */
export async function runUnderLoad(t, count, sandboxOptions, options, descriptors) {
  const sandbox = start(
    'under-load-sandbox.mjs',
    sandboxOptions,
    'ulimit -n 8192 || ulimit -n "$(ulimit -H -n)"',
  )
  t.after(() => sandbox.kill())
  const { account } = await nextMessage(sandbox)
  const argument = { count, options: { ...account, ...options } }
  const client = start('under-load-client.mjs', argument, `ulimit -n ${descriptors}`)
  t.after(() => client.kill())
  const result = await nextMessage(client)
  sandbox.send('over')
  const { stats, tasks } = await nextMessage(sandbox)
  return {
    outcomes: /** @type {Outcome[]} */ (result.outcomes),
    descriptors: /** @type {number} */ (result.descriptors),
    stats: /** @type {import('../../lib/sandbox/index.mjs').SandboxStats} */ (stats),
    tasks: /** @type {{ taskId: string, token?: string, delivered: boolean }[]} */ (tasks),
  }
}
