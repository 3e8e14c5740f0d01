/** The server's side of every run, in a process of its own. */

import { readFileSync } from 'node:fs'
import { performance } from 'node:perf_hooks'
import { startSandbox } from '../../../lib/sandbox/index.mjs'
import { startLegacyAdapter } from './legacy-adapter.mjs'
import { serveParent } from './parent.mjs'

const KEY = 'bench-key-0123456789abcdef'
const tlsFixture = (/** @type {string} */ name) =>
  readFileSync(new URL(`../../../__test__/fixtures/tls/${name}`, import.meta.url))

/** @type {import('../../../lib/sandbox/index.mjs').Sandbox} */
let sandbox
/** @type {Awaited<ReturnType<typeof startLegacyAdapter>> | undefined} */
let adapter
/** @type {{ busy: number, cpu: number }[]} the share of each quarter of a second that was spent working */
const quarters = []
const QUARTER_MS = 250

function sampleUtilization() {
  let last = performance.eventLoopUtilization()
  let lastCpu = process.cpuUsage()
  let lastAt = performance.now()
  setInterval(() => {
    const now = performance.eventLoopUtilization()
    const cpu = process.cpuUsage(lastCpu)
    const at = performance.now()
    quarters.push({
      busy: performance.eventLoopUtilization(now, last).utilization,
      cpu: (cpu.user + cpu.system) / 1000 / (at - lastAt),
    })
    last = now
    lastCpu = process.cpuUsage()
    lastAt = at
  }, QUARTER_MS)
}

/**
 * Evenly over the range from the first few tasks on: with random times the median lag of fifty solves would be off by a fifth of a second
 * from luck alone.
 *
 * @param {number} least
 * @param {number} most
 * @param {number} start
 */
function evenly(least, most, start) {
  if (least === most) return least
  let taskNumber = start
  return () => least + (most - least) * ((++taskNumber * GOLDEN) % 1)
}
const GOLDEN = (Math.sqrt(5) - 1) / 2

serveParent({
  async start({ mode, readyMs, legacy, seed }) {
    const tls =
      mode === 'plain'
        ? undefined
        : { key: tlsFixture('localhost.key.pem'), cert: tlsFixture('localhost.cert.pem') }
    const [least, most] = readyMs
    sandbox = await startSandbox({
      provider: 'yescaptcha',
      clientKey: KEY,
      balance: 1e12,
      solveTimeMs: evenly(least, most, seed),
      seed,
      http2: mode === 'h2',
      ...(tls ? { tls } : {}),
    })
    if (legacy) adapter = await startLegacyAdapter(sandbox, tls)
    sampleUtilization()
    return {
      account: { ...sandbox.account, taskType: sandbox.taskType },
      legacyURL: adapter?.url ?? '',
    }
  },

  /** What came of the run: counts, the instants by token, and how busy this process was. */
  finish() {
    const { tasks, requests, connections } = sandbox.stats()
    const usage = process.cpuUsage()
    return {
      tasks,
      connections: adapter ? adapter.connections : connections,
      requests: Object.values(requests).reduce((sum, count) => sum + count, 0),
      readyAt: new Map(sandbox.tasks().map(({ token, readyAt }) => [token, readyAt])),
      cpuMs: (usage.user + usage.system) / 1000,
      busiest: Math.max(0, ...quarters.map(({ busy }) => busy)),
      quarters,
    }
  },

  cpu: () => {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1000
  },

  count: () => sandbox.stats().requests,
})
