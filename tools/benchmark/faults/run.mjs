/** The same 13 faults, each on one poll, against three clients. `--write` puts the table into the README beside this file. */

import { readFileSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { inspect } from 'node:util'
import { startSandbox } from '../../../lib/sandbox/index.mjs'
import { refuseDebugBuild } from '../../dev/build-stamp.mjs'
import { root } from '../../dev/run.mjs'
import { withSection } from '../../dev/section.mjs'
import { clients, TIMEOUT_MS } from './clients.mjs'

/** @typedef {import('../../../lib/sandbox/index.mjs').FaultRule} FaultRule */

/** @type {[title: string, rule: Omit<FaultRule, 'method'>][]} */
const faults = [
  ['connection reset', { fault: 'connection-reset' }],
  ['body cut short', { fault: 'truncated-body' }],
  ['truncated JSON', { fault: 'truncated-json' }],
  ['HTML with 200', { fault: 'html' }],
  ['408', { fault: '408' }],
  ['429, Retry-After: 2', { fault: '429', retryAfter: 2 }],
  ['502', { fault: '502' }],
  ['503', { fault: '503' }],
  ['busy, with HTTP 500', { fault: 'error', errorCode: 'ERROR_NO_SLOT_AVAILABLE', status: 500 }],
  ['never answered', { fault: 'no-response' }],
  ['a byte a second', { fault: 'slow-body' }],
  ['a reply of 2 MiB', { fault: 'oversized' }],
  ['redirect to another host', { fault: 'redirect' }],
]

/** A client that has not settled by then hangs. */
const GIVE_UP_MS = TIMEOUT_MS + 5000

/**
 * @param {(typeof clients)[number][1]} solve
 * @param {Omit<FaultRule, 'method'>} rule
 */
async function run(solve, rule) {
  const faults = [{ method: /** @type {const} */ ('getTaskResult'), ...rule }]
  const sandbox = await startSandbox({ provider: 'custom', solveTimeMs: 0, faults })
  const started = performance.now()
  const givenUp = new AbortController()
  const outcome = await Promise.race([
    solve(sandbox.account).then(
      token => ({ token, error: undefined }),
      error => ({ token: undefined, error }),
    ),
    sleep(GIVE_UP_MS, undefined, { signal: givenUp.signal }),
  ])
  const ms = Math.round(performance.now() - started)
  givenUp.abort()
  const { faults: applied, redirectsFollowed, tasks } = sandbox.stats()
  const [{ taskId, token }] = sandbox.tasks()
  if (applied[rule.fault] !== 1 || tasks.created !== 1)
    throw new Error(`not exactly one fault and one task: ${rule.fault}`)
  await sandbox.close()
  const delivered = outcome?.token !== undefined && outcome.token === token
  const namesTask = inspect(outcome?.error, { depth: null }).includes(String(taskId))
  return { delivered, hung: outcome === undefined, ms, followed: redirectsFollowed > 0, namesTask }
}

/** @param {Awaited<ReturnType<typeof run>>} outcome */
function cell({ delivered, hung, ms, followed, namesTask }) {
  const seconds = `${(ms / 1000).toFixed(1)} s`
  const end = delivered ? `delivered, ${seconds}` : hung ? `hangs (${seconds}+)` : `died, ${seconds}`
  const lost = delivered ? [] : [namesTask ? 'task id in the error' : 'task id lost']
  return [end, ...lost, ...(followed ? ['**key sent to the other host**'] : [])].join(', ')
}

refuseDebugBuild(root)
const results = await Promise.all(
  faults.map(([, rule]) => Promise.all(clients.map(([, solve]) => run(solve, rule)))),
)
const lines = faults.map(([title], i) => `| ${[title, ...results[i].map(cell)].join(' | ')} |`)
const totals = clients.map((_, j) => `${results.filter(row => row[j].delivered).length} of ${faults.length}`)
const table = [
  `| fault on one poll | ${clients.map(([name]) => name).join(' | ')} |`,
  `|---|${'---|'.repeat(clients.length)}`,
  ...lines,
  `| **delivered** | ${totals.map(total => `**${total}**`).join(' | ')} |`,
].join('\n')
console.log(table)

if (process.argv.includes('--write')) {
  const path = new URL('README.md', import.meta.url)
  writeFileSync(path, withSection(readFileSync(path, 'utf8'), 'table', table))
}
// A client that hangs would keep the process alive for as long as it likes.
process.exit()
