/** The comparison: every client in every mode at every N, round after round, so that what changes on the machine changes for all. */

import { clients, modes } from './clients.mjs'
import { runOnce } from './run.mjs'

/** @typedef {{ client: string, mode: import('./clients.mjs').Mode, count: number, cannot?: string, outcomes: import('./run.mjs').Outcome[] }} Cell */

/**
 * @param {import('./flags.mjs').Flags} flags
 * @param {(line: string) => void} log
 */
export async function compare(flags, log) {
  const cells = plan(flags)
  const most = Math.max(...cells.map(cell => roundsOf(flags, cell.count) + watchedOf(cell)))
  for (let round = 0; round < most; round++) {
    // The order alternates, so that no client always runs after the most expensive one.
    const order = round % 2 === 0 ? cells : cells.toReversed()
    for (const cell of order) {
      const { client, mode, count, outcomes } = cell
      // A client that failed once at this N is not run again.
      if (cell.cannot || outcomes[0]?.failed || round >= roundsOf(flags, count) + watchedOf(cell)) continue
      const { pollMs, readyMs } = flags
      const order = { client, mode, count, pollMs, readyMs, seed: round }
      const { lags: _, ...outcome } = await runOnce({ ...order, watched: round >= roundsOf(flags, count) })
      outcomes.push(outcome)
      const { failed, cpuMs, peakMiB, delayP99Ms } = outcome
      const summary =
        failed ??
        (cpuMs === undefined
          ? `${delayP99Ms?.toFixed(1)} ms loop delay`
          : `${(cpuMs / 1000).toFixed(2)} s CPU, ${peakMiB?.toFixed(0)} MiB`)
      log(`round ${round + 1}: ${modes[mode]}, N = ${count}, ${clients[client]?.title ?? client}: ${summary}`)
    }
  }
  return cells
}

/** @param {import('./flags.mjs').Flags} flags */
function plan(flags) {
  /** @type {Cell[]} */
  const cells = [{ client: 'idle', mode: 'plain', count: 1, outcomes: [] }]
  for (const mode of flags.modes) {
    for (const count of flags.counts) {
      for (const client of flags.clients) {
        const cannot = clients[client].absent ?? clients[client].cannot?.[mode]
        cells.push({ client, mode, count, outcomes: [], ...(cannot ? { cannot } : {}) })
      }
    }
  }
  return cells
}

/** @param {import('./flags.mjs').Flags} flags @param {number} count */
const roundsOf = (flags, count) => flags.rounds ?? (flags.quick ? 2 : count > 5000 ? 3 : 5)

/** How many rounds more are watched; the bare program has no event loop. @param {Cell} cell */
const watchedOf = ({ client, count }) => (client === 'bare' ? 0 : count < 1000 ? 1 : 2)
