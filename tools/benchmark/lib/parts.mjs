/** What is measured besides the comparison. */

import { spawnSync } from 'node:child_process'
import { readdirSync, statSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { clients } from './clients.mjs'
import { startProcess } from './processes.mjs'
import { clientEnv, runOnce, settingOf } from './run.mjs'
import { median, quantile, slope, spread } from './stats.mjs'

/** @param {number} rounds */
export function load(rounds) {
  /** @type {Record<'empty' | 'ours', { ms: number[], rss: number[], wall: number[] }>} */
  const seen = { empty: { ms: [], rss: [], wall: [] }, ours: { ms: [], rss: [], wall: [] } }
  for (let round = 0; round <= rounds; round++) {
    for (const [name, figures] of Object.entries(seen)) {
      const script = fileURLToPath(new URL(`../processes/load-${name}.cjs`, import.meta.url))
      const before = performance.now()
      const { stdout } = spawnSync(process.execPath, [script], { encoding: 'utf8' })
      const wall = performance.now() - before
      // The first one reads from the disk.
      if (round === 0) continue
      const { ms, rss } = JSON.parse(stdout)
      figures.ms.push(ms)
      figures.rss.push(rss / 2 ** 20)
      figures.wall.push(wall)
    }
  }
  const root = new URL('../../../', import.meta.url)
  const binaries = readdirSync(root)
    .filter(name => name.endsWith('.node'))
    .map(name => ({ name, bytes: statSync(new URL(name, root)).size }))
  return {
    requireMs: spread(seen.ours.ms),
    addedWallMs: median(seen.ours.wall) - median(seen.empty.wall),
    addedMiB: median(seen.ours.rss) - median(seen.empty.rss),
    emptyMiB: spread(seen.empty.rss),
    binaries,
  }
}

/** CPU of one solve at a time: paced as a solve is, and of its two exchanges back to back. @param {{ rounds: number, solves: number, pairs: number }} size */
export async function single({ rounds, solves, pairs }) {
  const subjects = [
    { name: 'bare exchange', module: 'raw' },
    { name: clients.http.title, module: 'plain-http' },
    { name: clients.ours.title, module: 'turnstile-solver', pair: 'connectPair' },
  ]
  /** @type {Map<string, { paced: number[], hot: number[] }>} */
  const seen = new Map(subjects.map(({ name }) => [name, { paced: [], hot: [] }]))
  const shapes = [
    { shape: 'paced', pollMs: 1000, warmUp: 3, count: solves },
    { shape: 'hot', pollMs: 0, warmUp: pairs / 2, count: pairs },
  ]
  for (let round = 0; round < rounds; round++) {
    for (const { shape, pollMs, warmUp, count } of shapes) {
      for (const { name, module, pair = 'default' } of subjects) {
        const server = await startProcess('sandbox')
        const solver = await startProcess('sequence', { env: clientEnv })
        const { account } = await server.ask('start', {
          mode: 'plain',
          readyMs: [0, 0],
          seed: round,
          legacy: false,
        })
        const entry = shape === 'hot' ? pair : 'default'
        const order = { module, entry, setting: settingOf(account, pollMs), warmUp, count }
        const figures = /** @type {Record<string, number[]>} */ (seen.get(name))
        figures[shape].push(await solver.ask('run', order))
        await Promise.all([server.stop(), solver.stop()])
      }
    }
  }
  return [...seen].map(([name, { paced, hot }]) => ({ name, paced: spread(paced), hot: spread(hot) }))
}

/** What one more pending solve holds. @param {number[]} steps */
export async function pending(steps) {
  const found = []
  for (const { title, module } of [clients.fetch, clients.http, clients.ours]) {
    const server = await startProcess('sandbox')
    const solver = await startProcess('pending', { execArgv: ['--expose-gc'], env: clientEnv })
    const never = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]
    const { account } = await server.ask('start', { mode: 'plain', readyMs: never, seed: 1, legacy: false })
    await solver.ask('connect', { module, setting: settingOf(account, 20_000) })
    /** @type {[number, number][]} */
    const points = []
    try {
      for (const to of steps) {
        await solver.ask('grow', { to })
        await until(async () => (await server.ask('count'))['/createTask'] >= to)
        // The last answers have to arrive too.
        await sleep(1000)
        points.push([to, await solver.ask('read')])
      }
      found.push({ name: title, points, kibPerSolve: slope(points) })
    } catch (error) {
      found.push({ name: title, points, kibPerSolve: Number.NaN, failed: String(error) })
    }
    await Promise.all([server.stop(), solver.stop()])
  }
  return found
}

/** @param {() => Promise<boolean>} condition */
async function until(condition) {
  for (const limit = performance.now() + 60_000; !(await condition()); await sleep(200)) {
    if (performance.now() > limit) throw new Error('not all tasks were created within 60 s')
  }
}

/** How many requests a second the sandbox answers at most. @param {number} ms */
export async function saturation(ms) {
  const found = []
  for (const mode of ['plain', 'tls', 'h2']) {
    const server = await startProcess('sandbox')
    const pressure = await startProcess('pressure', { env: clientEnv })
    const { account } = await server.ask('start', { mode, readyMs: [5000, 5000], seed: 1, legacy: false })
    await pressure.ask('run', { account, mode, ms: ms / 3 })
    const requestsPerSecond = await pressure.ask('run', { account, mode, ms })
    const { busiest } = await server.ask('finish')
    found.push({ mode, requestsPerSecond, busiest })
    await Promise.all([server.stop(), pressure.stop()])
  }
  return found
}

/** From ready to resolved, with solve times spread evenly over one poll interval. @param {{ pollMs: number, many: number, rounds: number, lone: number }} size */
export async function delivery({ pollMs, many, rounds, lone }) {
  const readyMs = /** @type {[number, number]} */ ([2 * pollMs - 1000, 3 * pollMs - 1000])
  const found = []
  const alongside = 6
  for (const client of ['http', 'ours']) {
    const order = { client, mode: /** @type {const} */ ('plain'), pollMs, readyMs }
    const alone = await Promise.all(
      Array.from({ length: alongside }, (_, i) =>
        runOnce({ ...order, count: lone, seed: i * lone, spacingMs: Number.POSITIVE_INFINITY }),
      ),
    )
    found.push({ name: clients[client].title, count: 1, ...pooled(alone) })
  }
  for (let round = 0; round < rounds; round++) {
    for (const client of ['http', 'ours']) {
      const outcome = await runOnce({ client, mode: 'plain', pollMs, readyMs, count: many, seed: round })
      found.push({ name: clients[client].title, count: many, ...pooled([outcome]) })
    }
  }
  return found
}

/** @param {import('./run.mjs').Outcome[]} outcomes */
function pooled(outcomes) {
  const failed = outcomes.find(outcome => outcome.failed)?.failed
  const lags = outcomes.flatMap(outcome => outcome.lags ?? [])
  return {
    medianMs: quantile(lags, 0.5),
    p95Ms: quantile(lags, 0.95),
    samples: lags.length,
    ...(failed ? { failed } : {}),
  }
}
