/** One cell of the matrix, played against a sandbox of its own: what the caller saw, and what the provider saw. */

import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { inspect } from 'node:util'
import { startSandbox } from '../../lib/sandbox/index.mjs'
import { calls, patient, SITEKEY, WEBSITE } from './calls.mjs'
import { exchange } from './sandbox-client.mjs'

/** @typedef {import('./matrix.mjs').Row} Row */
/** @typedef {import('./matrix.mjs').Column} Column */
/** @typedef {import('../../index.js').TurnstileError} TurnstileError */
/** @typedef {import('../../index.js').Progress} Progress */

/** Reads otherwise percent-encoded and in base64. */
export const KEY = 'test-key-0123456789abcdef+/=&%'

const pem = (/** @type {string} */ name) => new URL(`../fixtures/tls/${name}.pem`, import.meta.url)
const ca = readFileSync(pem('ca.cert'), 'utf8')
const tls = { key: readFileSync(pem('localhost.key')), cert: readFileSync(pem('localhost.cert')) }

/** Must be said before the first call: the roots are read once. */
export function trustTestAuthority() {
  process.env.NODE_EXTRA_CA_CERTS = fileURLToPath(pem('ca.cert'))
}

/**
 * @param {import('node:test').TestContext} t
 * @param {Row} row
 * @param {Column} column
 * @param {boolean} accepted
 */
export async function play(t, row, { call, method: on }, accepted) {
  // A clock that stands still keeps a task unready for as long as the fault needs it so.
  let time = 1_700_000_000_000
  const sandbox = await startSandbox({
    provider: 'ezcaptcha',
    clientKey: KEY,
    solveTimeMs: row.unready ? 3000 : 0,
    ...(row.unready ? { now: () => time } : {}),
    ...(row.http2 ? { tls } : {}),
  })
  t.after(() => sandbox.close())
  sandbox.events.on('*', event => {
    if (event.type !== 'fault') return
    setImmediate(() => (time += 60_000))
  })

  const task = { websiteURL: WEBSITE, websiteKey: SITEKEY }
  const existing = call === 'waitForTask' || call === 'getTaskResult'
  const bought = existing ? await buy(sandbox, task) : undefined
  sandbox.addFault({ method: on, fault: row.fault, processed: accepted, ...row.params(on) })

  /** @type {Progress[]} */
  const events = []
  const polls = call === 'solveTurnstile' || call === 'waitForTask'
  const options = {
    ...sandbox.account,
    ...patient,
    ...(polls
      ? { pollIntervalMs: 10, onProgress: (/** @type {Progress} */ event) => events.push(event) }
      : {}),
    ...(existing ? { taskId: bought } : call === 'getBalance' ? {} : task),
  }
  const before = sandbox.stats()
  const { value, error } = await calls[call](options).then(
    value => ({ value, error: undefined }),
    error => ({ value: undefined, error }),
  )
  const stats = sandbox.stats()
  const count = (/** @type {string} */ method) =>
    (stats.requests[`/${method}`] ?? 0) - (before.requests[`/${method}`] ?? 0)
  return {
    value,
    error: /** @type {(TurnstileError & Record<string, unknown>) | undefined} */ (error),
    events,
    sandbox,
    requests: {
      createTask: count('createTask'),
      getTaskResult: count('getTaskResult'),
      getBalance: count('getBalance'),
    },
    struck: stats.faults[row.fault] ?? 0,
    created: stats.tasks.created - before.tasks.created,
    charged: stats.pointsCharged - before.pointsCharged,
    redirectsFollowed: stats.redirectsFollowed,
    /** The task that the sandbox holds: there is at most one. */
    taskId: sandbox.tasks()[0]?.taskId,
  }
}

/**
 * @param {import('../../lib/sandbox/index.mjs').Sandbox} sandbox
 * @param {Record<string, unknown>} task
 * @returns {Promise<string>}
 */
async function buy(sandbox, task) {
  const body = JSON.stringify({ clientKey: KEY, task: { type: sandbox.taskType, ...task } })
  const { json } = await exchange(`${sandbox.baseURL}/createTask`, { body, ca })
  return json.taskId
}

/**
 * The token that a bare poll gets: nothing of the client is in it.
 * @param {import('../../lib/sandbox/index.mjs').Sandbox} sandbox
 * @param {unknown} taskId
 */
export async function fetchToken(sandbox, taskId) {
  sandbox.clearFaults()
  const body = JSON.stringify({ clientKey: KEY, taskId })
  const { json } = await exchange(`${sandbox.baseURL}/getTaskResult`, { body, ca })
  return json?.solution?.token
}

/** The key in every spelling that text could carry it in: also inside a longer base64 text, at any offset. */
const spellings = [
  KEY,
  KEY.slice(0, 24),
  encodeURIComponent(KEY),
  encodeURIComponent(encodeURIComponent(KEY)),
  [...Buffer.from(KEY)].map(byte => `%${byte.toString(16)}`).join(''),
  Buffer.from(KEY).toString('hex'),
  ...['', '.', '..'].flatMap(before => {
    // What the neighbours colour is cut off: the first and the last group.
    const text = Buffer.from(before + KEY).toString('base64')
    const core = text.slice(before === '' ? 0 : 4, -4)
    return [core, core.replaceAll('+', '-').replaceAll('/', '_')]
  }),
]

/**
 * All that was said, by any route: the error and its causes, hidden properties included, and every progress event.
 * @param {unknown} outcome
 * @param {Progress[]} events
 */
export function keyFoundIn(outcome, events) {
  const texts = [inspect(events, { depth: null }), JSON.stringify(events)]
  const seen = new Set()
  for (let link = outcome; link && !seen.has(link); link = /** @type {any} */ (link).cause) {
    seen.add(link)
    texts.push(
      inspect(link, { depth: null, showHidden: true, getters: true, maxStringLength: null }),
      String(link),
      JSON.stringify(link),
      JSON.stringify(link, Object.getOwnPropertyNames(link)),
    )
  }
  const text = texts.join('\n').toLowerCase()
  return spellings.find(spelling => text.includes(spelling.toLowerCase()))
}
