/** Runs command lines, each in its own process or many in one; fails if their output contains a secret. */

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

/** A command with all the time that it may have, unless its own flags, which come later, say otherwise. @param {string[]} args */
export const patiently = ([command, ...flags]) =>
  ['solve', 'wait', 'balance'].includes(command)
    ? [command, '--timeout', '300000', '--request-timeout', '300000', ...flags]
    : [command, ...flags].filter(word => word !== undefined)

/** The command line after this script. @param {string} script @returns {[string, ...string[]]} */
export const preloaded = script => [process.execPath, '--import', inline(script), BIN]

/** @param {string} script */
const inline = script => `data:text/javascript,${encodeURIComponent(script)}`

/**
 * Run before the demo, this polls at other intervals, and lets the sandbox's clock go on once a poll has found nothing: no task is
 * ready at its first poll.
 * @param {number} pollIntervalMs
 */
export const demoPolling = pollIntervalMs => `
  import { createRequire } from 'node:module'
  const api = createRequire(${JSON.stringify(BIN)})('../../index.js')
  const { solveTurnstile } = api
  let now = Date.now()
  Date.now = () => now
  api.solveTurnstile = options => {
    const onProgress = event => {
      if (event.phase === 'processing') now += 60_000
      return options.onProgress(event)
    }
    return solveTurnstile({ ...options, timeoutMs: 300_000, requestTimeoutMs: 300_000, pollIntervalMs: ${pollIntervalMs}, onProgress })
  }
`
/** For a command line that is started by another program. */
export const quickDemo = { NODE_OPTIONS: `--import=${inline(demoPolling(10))}` }

/** @typedef {{ code: number | null, signal: NodeJS.Signals | null, stdout: string, stderr: string }} Ended */
/** @typedef {{ env?: Record<string, string>, input?: string, command?: [string, ...string[]], bin?: string }} SpawnOptions */

/** The variables that every process needs, and the given ones. @param {Record<string, string>} [env] */
export function environment(env = {}) {
  const kept = INHERITED.flatMap(name => (process.env[name] === undefined ? [] : [[name, process.env[name]]]))
  return { ...Object.fromEntries(kept), ...env }
}

/**
 * Starts the command line. `ended` rejects only if the output contains a secret; `outputMatches` waits for a text on either stream.
 * @param {string[]} args
 * @param {SpawnOptions} [options]
 */
export function start(args, { env, input, command, bin = BIN } = {}) {
  const [file, ...before] = command ?? [process.execPath, bin]
  const child = spawn(file, [...before, ...patiently(args)], {
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
  }).then(result => assertNoSecrets(/** @type {Ended} */ (result)))

  /** @param {RegExp} pattern @returns {Promise<void>} */
  const outputMatches = pattern =>
    new Promise((resolve, reject) => {
      const check = () => {
        if (!pattern.test(output.stdout) && !pattern.test(output.stderr)) return
        listeners.delete(check)
        resolve()
      }
      listeners.add(check)
      check()
      ended.then(
        ({ stderr }) => reject(new Error(`it ended without output that matches ${pattern}: ${stderr}`)),
        reject,
      )
    })
  return { child, output, ended, outputMatches }
}

/** @param {Ended} ended */
function assertNoSecrets(ended) {
  for (const secret of [KEY, PROXY_PASSWORD]) {
    assert.ok(!`${ended.stdout}${ended.stderr}`.includes(secret), 'a secret was printed')
  }
  return ended
}

/**
 * Runs command lines to their end, one after another in one process.
 * @param {{ args: string[], env?: Record<string, string> }[]} list
 * @returns {Promise<Ended[]>}
 */
export async function runAll(list) {
  const child = fork(
    fileURLToPath(new URL('cli-sequence.mjs', import.meta.url)),
    [JSON.stringify(list.map(({ args, env }) => ({ args: patiently(args), env })))],
    {
      env: environment(),
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      ...killedIfItHangs,
    },
  )
  /** @type {Ended[]} */
  let results = []
  child.on('message', message => {
    results = /** @type {Ended[]} */ (message)
  })
  const [code] = await once(child, 'exit')
  assert.deepEqual([code, results.length], [0, list.length])
  return results.map(assertNoSecrets)
}

/**
 * Runs the command line to its end.
 * @param {string[]} args
 * @param {SpawnOptions} [options]
 */
export const run = (args, options) => start(args, { input: '', ...options }).ended

/**
 * A sandbox, closed when the test ends, and command lines that use it.
 * @param {import('node:test').TestContext} t
 * @param {import('../../lib/sandbox/index.mjs').SandboxOptions & { readyAfterPolls?: number }} [options] a task is
 *   ready at the poll after so many
 */
export async function openSandbox(t, { readyAfterPolls, ...options } = {}) {
  let ahead = 0
  const begun = Date.now()
  // It stands still until the tasks are to be ready.
  const waiting = { solveTimeMs: 60_000, now: () => begun + ahead }
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
  // Providers answer 120 polls of a task, and how many go out until a test calls makeReady depends on the machine.
  const isEndless = [readyAfterPolls, options.solveTimeMs].includes(Number.POSITIVE_INFINITY)
  const pollIntervalMs = isEndless ? '1000' : '50'
  const wait = [...account, '--poll-interval', pollIntervalMs]
  return {
    sandbox,
    env: { [`${provider.toUpperCase()}_API_KEY`]: KEY },
    account,
    solve: ['solve', ...wait, ...task, ...taskType],
    wait: ['wait', ...wait],
    /** Makes all tasks ready. */
    makeReady() {
      ahead = 60_000
    },
    /** Creates a task without the command line. */
    async createTask() {
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

/** The next event of a sandbox that matches. @param {import('../../lib/sandbox/index.mjs').Sandbox} sandbox @param {(event: import('../../lib/sandbox/index.mjs').SandboxEvent) => boolean} matches */
export const nextEvent = ({ events }, matches) =>
  new Promise(resolve => {
    /** @param {import('../../lib/sandbox/index.mjs').SandboxEvent} event */
    const listener = event => {
      if (!matches(event)) return
      events.off('*', listener)
      resolve(event)
    }
    events.on('*', listener)
  })
