/**
 * Solves for as long as it takes to see whether memory grows. The provider is a sandbox in a process of its own, so that only the client's
 * memory is measured. A quarter of the solves has a signal that all of them share, a quarter a progress callback, a quarter both; every
 * hundredth is aborted and every fiftieth poll is broken.
 *
 *     node tools/benchmark/soak/soak.mjs [--solves 100000] [--concurrency 2000]
 */

import { fork } from 'node:child_process'
import { getEventListeners, once } from 'node:events'
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { solveTurnstile } from '../../../index.js'
import { startSandbox } from '../../../lib/sandbox/index.mjs'
import { refuseDebugBuild } from '../../dev/build-stamp.mjs'
import { root } from '../../dev/run.mjs'

const SAMPLES = 20
/** What RSS may gain over the second half of a run, in MiB: the allocator's noise is about one. */
const NOISE = 4

if (process.env.SOAK_SANDBOX) await serve()
else process.exitCode = (await soak()) ? 1 : 0

async function serve() {
  /** @type {import('../../../lib/sandbox/index.mjs').FaultRule[]} */
  const faults = [{ method: 'getTaskResult', fault: 'connection-reset', probability: 0.02 }]
  const sandbox = await startSandbox({ solveTimeMs: 0, balance: 1e12, faults })
  process.on('disconnect', () => process.exit())
  process.on('message', () => process.send?.(sandbox.stats().tasks))
  process.send?.(sandbox.account)
}

async function soak() {
  refuseDebugBuild(root)
  const { values } = parseArgs({
    options: {
      solves: { type: 'string', default: '100000' },
      concurrency: { type: 'string', default: '2000' },
    },
  })
  const [total, concurrency] = [Number(values.solves), Number(values.concurrency)]
  const provider = fork(fileURLToPath(import.meta.url), { env: { ...process.env, SOAK_SANDBOX: '1' } })
  const [account] = await once(provider, 'message')
  const options = { ...account, websiteURL: 'https://shop.example', websiteKey: 'key', pollIntervalMs: 1000 }
  const { signal } = new AbortController()
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc')

  let [begun, ended, events] = [0, 0, 0]
  /** @type {Record<string, number>} */
  const outcomes = {}
  /** @type {any[]} */
  const samples = []
  const started = performance.now()
  const sample = () => {
    gc()
    const { rss, heapUsed, external } = process.memoryUsage()
    const at = { solves: ended, seconds: (performance.now() - started) / 1000, rss, heapUsed, external }
    samples.push({ ...at, threads: count('/proc/self/task'), files: count('/proc/self/fd') })
    printSample(samples.at(-1))
  }
  const onProgress = () => events++

  /** @param {number} nth */
  async function solve(nth) {
    const own = nth % 100 === 99 ? AbortSignal.timeout(500) : signal
    const more = [{}, { signal: own }, { onProgress }, { signal: own, onProgress }][nth % 4]
    const outcome = await solveTurnstile({ ...options, ...more }).then(
      ({ token }) => (token ? 'solved' : 'no token'),
      ({ code }) => code,
    )
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
    if (++ended % Math.ceil(total / SAMPLES) === 0) sample()
  }
  async function worker() {
    while (begun < total) await solve(begun++)
  }

  console.log('  solves  seconds  RSS MiB  heap MiB  external MiB  threads  files')
  sample()
  await Promise.all(Array.from({ length: concurrency }, worker))
  provider.send('stats')
  const [tasks] = await once(provider, 'message')
  provider.disconnect()

  const half = samples.slice(samples.length >> 1)
  const rate = slope(half)
  const gained = (rate * (total - half[0].solves)) / 2 ** 20
  const leaks = gained > NOISE
  console.log(`\n${total} solves, ${concurrency} at a time, ${events} events:`, outcomes)
  console.log(
    `The sandbox created ${tasks.created} tasks. Listeners left: ${getEventListeners(signal, 'abort').length}`,
  )
  const verdict = leaks ? 'GROWS' : 'does not grow'
  console.log(
    `Second half: RSS ${gained.toFixed(2)} MiB, ${rate.toFixed(1)} bytes a solve. Memory ${verdict}.`,
  )
  // What was aborted early enough was never bought; nothing was bought twice, and nothing was lost.
  return leaks || tasks.created > total || outcomes.solved + outcomes.ABORT_ERR !== total
}

/** @param {string} folder */
function count(folder) {
  try {
    return readdirSync(folder).length
  } catch {
    return Number.NaN
  }
}

/** @param {any} sample */
function printSample({ solves, seconds, rss, heapUsed, external, threads, files }) {
  const MiB = (/** @type {number} */ bytes) => (bytes / 2 ** 20).toFixed(1)
  const row = [solves, seconds.toFixed(1), MiB(rss), MiB(heapUsed), MiB(external), threads, files]
  console.log(row.map((cell, i) => String(cell).padStart([8, 9, 9, 10, 14, 9, 7][i])).join(''))
}

/** Bytes of RSS a solve, by least squares. @param {{ solves: number, rss: number }[]} points */
function slope(points) {
  const mean = (/** @type {number[]} */ list) => list.reduce((sum, one) => sum + one, 0) / list.length
  const [x, y] = [mean(points.map(({ solves }) => solves)), mean(points.map(({ rss }) => rss))]
  const across = points.map(({ solves, rss }) => (solves - x) * (rss - y))
  return mean(across) / mean(points.map(({ solves }) => (solves - x) ** 2))
}
