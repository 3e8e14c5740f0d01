/** Child processes that are called over IPC. Every measurement runs in a new one. */

import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const folder = new URL('../processes/', import.meta.url)

/** @typedef {Awaited<ReturnType<typeof startProcess>>} Child */

/**
 * @param {string} name
 * @param {{ execArgv?: string[], env?: NodeJS.ProcessEnv }} [options]
 */
export async function startProcess(name, { execArgv = [], env = {} } = {}) {
  const child = fork(fileURLToPath(new URL(`${name}.mjs`, folder)), {
    execArgv,
    env: { ...process.env, ...env },
    serialization: 'advanced',
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
  })
  let errors = ''
  child.stderr?.setEncoding('utf8').on('data', text => {
    errors = (errors + text).slice(-2000)
  })
  /** @type {Map<number, { resolve: (value: any) => void, reject: (error: Error) => void }>} */
  const waiting = new Map()
  let lastId = 0
  /** @type {(value?: any) => void} */
  let started
  /** @type {(error: Error) => void} */
  let failed
  const ready = new Promise((resolve, reject) => {
    started = resolve
    failed = reject
  })
  child.on('message', (/** @type {any} */ message) => {
    if (message.ready) return started()
    const call = waiting.get(message.id)
    waiting.delete(message.id)
    if (message.error) call?.reject(new Error(message.error))
    else call?.resolve(message.result)
  })
  const exited = new Promise(resolve => child.once('exit', resolve))
  child.once('exit', (code, signal) => {
    const error = new Error(`${name} ended (${signal ?? code}) ${errors}`.trim())
    failed(error)
    for (const { reject } of waiting.values()) reject(error)
  })
  await ready

  return {
    /**
     * @param {string} call
     * @param {unknown} [value]
     * @param {number} [limitMs]
     * @returns {Promise<any>}
     */
    ask(call, value, limitMs = 300_000) {
      const id = ++lastId
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          reject(new Error(`did not finish within ${limitMs / 1000} s`))
          child.kill('SIGKILL')
        }, limitMs)
        const settle = (/** @type {(value: any) => void} */ then) => (/** @type {any} */ outcome) => {
          clearTimeout(timer)
          then(outcome)
        }
        waiting.set(id, { resolve: settle(resolve), reject: settle(reject) })
        child.send({ id, call, value }, error => error && settle(reject)(error))
      })
    },
    async stop() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
      await exited
    },
  }
}
