/** The same 13 faults, each on one poll, against three clients. `--write` puts the table into the README beside this file. */

import { readFileSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { inspect } from 'node:util'
import { startSandbox } from '../../../lib/sandbox/index.mjs'
import { refuseDebugBuild } from '../../dev/build-stamp.mjs'
import { root } from '../../dev/run.mjs'
import { withSection } from '../../dev/section.mjs'
import { clients, PATIENCE_MS } from './clients.mjs'

/** @typedef {import('../../../lib/sandbox/index.mjs').FaultRule} FaultRule */

/** @type {[title: string, rule: Omit<FaultRule, 'on'>][]} */
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

/** A call that has not ended by then is counted as hanging. */
const LIMIT_MS = PATIENCE_MS + 5000

/**
 * @param {(typeof clients)[number][1]} solve
 * @param {Omit<FaultRule, 'on'>} rule
 */
async function run(solve, rule) {
  const faults = [{ method: /** @type {const} */ ('getTaskResult'), ...rule }]
  const sandbox = await startSandbox({ provider: 'custom', solveTimeMs: 0, faults })
  const started = performance.now()
  const timer = new AbortController()
  const outcome = await Promise.race([
    solve(sandbox.account).then(
      token => ({ token, error: undefined }),
      error => ({ token: undefined, error }),
    ),
    sleep(LIMIT_MS, undefined, { signal: timer.signal }),
  ])
  const ms = Math.round(performance.now() - started)
  timer.abort()
  const { faults: faultCounts, redirectsFollowed, tasks } = sandbox.stats()
  const [{ taskId, token }] = sandbox.tasks()
  if (faultCounts[rule.fault] !== 1 || tasks.created !== 1)
    throw new Error(`the fault did not occur exactly once: ${rule.fault}`)
  await sandbox.close()
  const delivered = outcome?.token !== undefined && outcome.token === token
  const reported = inspect(outcome?.error, { depth: null }).includes(String(taskId))
  return { delivered, hung: outcome === undefined, ms, followed: redirectsFollowed > 0, reported }
}

/** @param {Awaited<ReturnType<typeof run>>} outcome */
function cell({ delivered, hung, ms, followed, reported }) {
  const seconds = `${(ms / 1000).toFixed(1)} s`
  const end = delivered ? `delivered, ${seconds}` : hung ? `hangs (${seconds}+)` : `died, ${seconds}`
  const lost = delivered ? [] : [reported ? 'task id reported' : 'task id lost']
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
