/** The tables of docs/cost.md. */

import { clients } from './clients.mjs'
import { spread, valuesOf } from './stats.mjs'
import { table, withSpread } from './table.mjs'

/** @type {{ mode: import('./clients.mjs').Mode, count: number, title: string }[]} */
const SHOWN = [
  { mode: 'plain', count: 5000, title: '5000 solves, plain HTTP' },
  { mode: 'tls', count: 1000, title: '1000 solves, TLS with HTTP/1.1' },
  { mode: 'h2', count: 1000, title: '1000 solves, TLS with HTTP/2' },
]

const COLUMNS = [
  { head: 'CPU s', figure: 'cpuMs', unit: 1000 },
  { head: 'memory growth MiB', figure: 'growthMiB', unit: 1 },
  { head: 'loop delay p99 ms', figure: 'delayP99Ms', unit: 1 },
  { head: 'connections', figure: 'connections', unit: 1 },
]

/** @param {any} results */
export function summary({ date, node, cpu, cores, pollMs, readyMs, compare }) {
  const head =
    `Measured on ${date} with Node.js ${node} on ${cores} cores of an ${cpu}, the sandbox on the same machine; a poll every ${pollMs / 1000} s, ` +
    `tokens after ${readyMs[0] / 1000} s. Medians, in brackets the least and the most.`
  const tables = SHOWN.map(({ mode, count, title }) => {
    const rows = compare
      .filter((/** @type {any} */ cell) => cell.mode === mode && cell.count === count)
      .filter((/** @type {any} */ { client, cannot }) => client !== 'idle' && !cannot)
      .map((/** @type {any} */ cell) => row(cell))
    return table([title, ...COLUMNS.map(({ head }) => head)], rows)
  })
  return [head, ...tables].join('\n\n')
}

/** @param {any} cell */
function row({ client, outcomes }) {
  const failed = outcomes.find((/** @type {any} */ outcome) => outcome.failed)?.failed
  if (failed) return [clients[client].title, `failed: ${failed}`]
  const shown = COLUMNS.map(({ figure, unit }) => withSpread(spread(valuesOf(outcomes, figure)), unit))
  return [clients[client].title, ...shown]
}
