/** Makes calls in a Node of its own, whose environment says whom to trust and which way to go. */

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { runScript } from './child.mjs'

/** @typedef {import('./calls.mjs').CallName} CallName */
/** `untilRetry`: the call is aborted as soon as it has to repeat a request. @typedef {Record<string, unknown> & { untilRetry?: boolean }} Options */

/**
 * @typedef {object} Outcome
 * @property {any} [value]
 * @property {string[]} codes of the failures after which a request was to be repeated
 * @property {{ code: string, message: string, taskId?: string, mayBeCharged: boolean, cause?: string, underneath?: string, shown: string }} [error]
 */

/** @param {string} name */
export const fixture = name => fileURLToPath(new URL(`../fixtures/tls/${name}.pem`, import.meta.url))
export const authorityFile = fixture('ca.cert')
/** @param {'localhost' | 'expired' | 'wrong-host' | 'provider' | 'self-signed' | 'self-signed-leaf'} name */
export const certificate = name => ({
  key: readFileSync(fixture(`${name}.key`), 'utf8'),
  cert: readFileSync(fixture(`${name}.cert`), 'utf8'),
})

/** Nothing of the machine's own. */
const bare = Object.fromEntries(
  [
    ...['HTTPS_PROXY', 'HTTP_PROXY', 'ALL_PROXY', 'NO_PROXY', 'https_proxy', 'http_proxy', 'all_proxy'],
    ...['no_proxy', 'NODE_EXTRA_CA_CERTS', 'NODE_USE_SYSTEM_CA', 'SSL_CERT_FILE', 'SSL_CERT_DIR'],
    ...['NODE_TLS_REJECT_UNAUTHORIZED', 'NODE_USE_ENV_PROXY'],
  ].map(name => [name, undefined]),
)

const script = `
  import * as api from 'turnstile-solver'
  import { inspect } from 'node:util'
  const patient = { timeoutMs: 300_000, requestTimeoutMs: 300_000 }
  const outcomes = JSON.parse(process.argv[1]).map(async ([name, { untilRetry, ...options }]) => {
    const stop = new AbortController()
    const events = []
    const onProgress = event => {
      if (event.phase === 'retrying') events.push(event), stop.abort('enough')
    }
    const watched = untilRetry ? { onProgress, signal: stop.signal } : {}
    try {
      return { value: await api[name]({ ...patient, ...options, ...watched }), codes: [] }
    } catch (error) {
      const { code, message, taskId, mayBeCharged, cause } = error
      const shown = [inspect([error, events], { depth: Infinity, showHidden: true }), error.stack, JSON.stringify(error)].join('\\n')
      const causes = { cause: cause?.message, underneath: cause?.cause?.message }
      return { codes: events.map(({ code }) => code), error: { code, message, taskId, mayBeCharged, ...causes, shown } }
    }
  })
  console.log(JSON.stringify(await Promise.all(outcomes)))`

/**
 * All at once, in one process. What it wrote to stderr comes along, for who looks for secrets.
 * @param {NodeJS.ProcessEnv} env
 * @param {[CallName, Options][]} list
 * @returns {Promise<{ outcomes: Outcome[], stderr: string }>}
 */
export const callsUnder = (env, ...list) => callsWith({ env, execArgv: [] }, ...list)

/**
 * The same with options of Node.js on the command line.
 * @param {{ env: NodeJS.ProcessEnv, execArgv: string[] }} settings
 * @param {[CallName, Options][]} list
 * @returns {Promise<{ outcomes: Outcome[], stderr: string }>}
 */
export async function callsWith({ env, execArgv }, ...list) {
  const ended = await runScript(script, { env: { ...bare, ...env }, args: [JSON.stringify(list)], execArgv })
  assert.deepEqual([ended.code, ended.signal], [0, null], ended.stderr)
  return { outcomes: JSON.parse(ended.stdout), stderr: ended.stderr }
}
