/** Runs the command line as its users do, or many in one process; the output is searched for secrets at the end. */

import assert from 'node:assert/strict'
import { fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { startSandbox } from '../../lib/sandbox/index.mjs'
import { killedIfItHangs } from './child.mjs'

export const KEY = 'test-key-0123456789abcdef'
export const PROXY_PASSWORD = 'test-proxy-password-0123456789'
export const BIN = fileURLToPath(new URL('../../lib/cli/turnstile-solver.mjs', import.meta.url))

const INHERITED = ['PATH', 'HOME', 'SystemRoot', 'TEMP', 'TMP', 'NODE_V8_COVERAGE']

/** @typedef {{ code: number | null, signal: NodeJS.Signals | null, stdout: string, stderr: string }} Ended */
/** @typedef {{ env?: Record<string, string>, input?: string, command?: [string, ...string[]], bin?: string }} Surroundings */

/** Nothing of the tests' own surroundings but what a process needs. @param {Record<string, string>} [env] */
export function environment(env = {}) {
  const kept = INHERITED.flatMap(name => (process.env[name] === undefined ? [] : [[name, process.env[name]]]))
  return { ...Object.fromEntries(kept), ...env }
}

/**
 * Starts it. `ended` never rejects but for a secret in the output; `said` waits for a text on either stream.
 * @param {string[]} args
 * @param {Surroundings} [surroundings]
 */
export function start(args, { env, input, command, bin = BIN } = {}) {
  const [file, ...before] = command ?? [process.execPath, bin]
  const child = spawn(file, [...before, ...args], {
    env: environment(env),
    stdio: 'pipe',
    ...killedIfItHangs,
  })
  const output = { stdout: '', stderr: '' }
  /** @type {Set<() => void>} */
  const listeners = new Set()
  for (const name of /** @type {const} */ (['stdout', 'stderr'])) {
    child[name].setEncoding('utf8').on('data', text => {
      output[name] += text
      for (const listener of listeners) listener()
    })
  }
  child.stdin.on('error', () => {})
  if (input !== undefined) child.stdin.end(input)
  /** @type {Promise<Ended>} */
  const ended = new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code, signal, ...output }))
  }).then(result => withoutSecrets(/** @type {Ended} */ (result)))

  /** @param {RegExp} pattern @returns {Promise<void>} */
  const said = pattern =>
    new Promise((resolve, reject) => {
      const look = () => {
        if (!pattern.test(output.stdout) && !pattern.test(output.stderr)) return
        listeners.delete(look)
        resolve()
      }
      listeners.add(look)
      look()
      ended.then(({ stderr }) => reject(new Error(`it ended without saying ${pattern}: ${stderr}`)), reject)
    })
  return { child, output, ended, said }
}

/** @param {Ended} ended */
function withoutSecrets(ended) {
  for (const secret of [KEY, PROXY_PASSWORD]) {
    assert.ok(!`${ended.stdout}${ended.stderr}`.includes(secret), 'a secret was printed')
  }
  return ended
}

/**
 * Runs each to its end, one after another in one process: for what is the same there as in a process of its own.
 * @param {{ args: string[], env?: Record<string, string> }[]} list
 * @returns {Promise<Ended[]>}
 */
export async function runAll(list) {
  const child = fork(fileURLToPath(new URL('cli-sequence.mjs', import.meta.url)), [JSON.stringify(list)], {
    env: environment(),
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    ...killedIfItHangs,
  })
  /** @type {Ended[]} */
  let results = []
  child.on('message', message => {
    results = /** @type {Ended[]} */ (message)
  })
  const [code] = await once(child, 'exit')
  assert.deepEqual([code, results.length], [0, list.length])
  return results.map(withoutSecrets)
}

/**
 * Runs it to its end.
 * @param {string[]} args
 * @param {Surroundings} [surroundings]
 */
export const run = (args, surroundings) => start(args, { input: '', ...surroundings }).ended

/**
 * A sandbox that the test's end closes, and the command line pointed at it.
 * @param {import('node:test').TestContext} t
 * @param {import('../../lib/sandbox/index.mjs').SandboxOptions & { readyAfterPolls?: number }} [options] a task is ready for the
 *   poll after so many
 */
export async function open(t, { readyAfterPolls, ...options } = {}) {
  let ahead = 0
  const waiting = { solveTimeMs: 60_000, now: () => Date.now() + ahead }
  const sandbox = await startSandbox({
    clientKey: KEY,
    solveTimeMs: 0,
    ...(readyAfterPolls ? waiting : {}),
    ...options,
  })
  t.after(() => sandbox.close())
  sandbox.events.on('*', event => {
    if (event.type === 'task:polled' && event.polls === readyAfterPolls) setImmediate(() => (ahead = 60_000))
  })
  const { provider } = sandbox.account
  const account = ['--provider', provider, '--base-url', sandbox.baseURL]
  const task = ['--url', 'https://shop.example/login', '--sitekey', '0x4AAAAAAATestSitekey']
  const taskType = provider === 'custom' ? ['--task-type', sandbox.taskType] : []
  const wait = [...account, '--poll-interval', '50']
  return {
    sandbox,
    env: { [`${provider.toUpperCase()}_API_KEY`]: KEY },
    account,
    solve: ['solve', ...wait, ...task, ...taskType],
    wait: ['wait', ...wait],
    /** From now on the tasks are ready. */
    later() {
      ahead = 60_000
    },
    /** A task that was created elsewhere. */
    async create() {
      const response = await fetch(`${sandbox.baseURL}/createTask`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          clientKey: KEY,
          task: {
            type: sandbox.taskType,
            websiteURL: 'https://shop.example',
            websiteKey: '0x4AAAAAAATestSitekey',
          },
        }),
      })
      return /** @type {any} */ (await response.json()).taskId
    },
  }
}

/**
 * The arguments of the command that an error prints to resume a task.
 * @param {string} stderr
 */
export function resumeArguments(stderr) {
  const [, line] = /^ {4}turnstile-solver (wait .*)$/m.exec(stderr) ?? []
  assert.ok(line, `no resume command in: ${stderr}`)
  return line.split(' ')
}

/** The events of a sandbox, from now on. @param {import('../../lib/sandbox/index.mjs').Sandbox} sandbox @param {(event: import('../../lib/sandbox/index.mjs').SandboxEvent) => boolean} wanted */
export const happened = ({ events }, wanted) =>
  new Promise(resolve => {
    /** @param {import('../../lib/sandbox/index.mjs').SandboxEvent} event */
    const look = event => {
      if (!wanted(event)) return
      events.off('*', look)
      resolve(event)
    }
    events.on('*', look)
  })
