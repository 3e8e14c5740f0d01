/** `npm run bench`: measures, prints, stores and plots. `--help` lists the flags, README.md describes the method. */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus } from 'node:os'
import { refuseDebugBuild } from '../dev/build-stamp.mjs'
import { root } from '../dev/run.mjs'
import { withSection } from '../dev/section.mjs'
import { compare } from './lib/compare.mjs'
import { help, parseFlags } from './lib/flags.mjs'
import { delivery, load, pending, saturation, single } from './lib/parts.mjs'
import { drawPlots } from './lib/plots.mjs'
import { report } from './lib/report.mjs'
import { summary } from './lib/summary.mjs'

const costs = new URL('../../docs/cost.md', import.meta.url)

/** @param {string} name */
const resultFile = name => new URL(`results/${name}.json`, import.meta.url)

/** @param {import('./lib/flags.mjs').Flags} flags */
async function measure(flags) {
  const { quick, parts, pollMs, readyMs } = flags
  refuseDebugBuild(root)
  const begun = Date.now()
  const log = (/** @type {string} */ line) =>
    console.error(`${Math.round((Date.now() - begun) / 1000)} s  ${line}`)
  /** @type {Record<string, () => unknown>} */
  const work = {
    load: () => load(quick ? 5 : 20),
    saturation: () => saturation(quick ? 2000 : 5000),
    single: () =>
      single(quick ? { rounds: 1, solves: 8, pairs: 500 } : { rounds: 5, solves: 20, pairs: 2000 }),
    pending: () => pending(quick ? [1000, 3000, 5000] : [2000, 5000, 10_000, 15_000, 20_000]),
    delivery: () =>
      delivery({ pollMs, many: quick ? 500 : 5000, rounds: quick ? 1 : 3, lone: quick ? 4 : 10 }),
    compare: () => compare(flags, log),
  }
  /** @type {Record<string, unknown>} */
  const results = {
    date: new Date().toISOString().slice(0, 10),
    node: process.versions.node,
    cpu: cpus()[0]?.model,
    cores: availableParallelism(),
    command: ['npm run bench --', ...process.argv.slice(2)].join(' '),
    pollMs,
    readyMs,
  }
  for (const [name, measured] of Object.entries(work)) {
    if (!parts.includes(name)) continue
    log(name)
    results[name] = await measured()
  }
  return results
}

const flags = parseFlags(process.argv.slice(2))
if (flags.help) {
  console.log(help)
} else {
  const name = flags.show ?? flags.name
  const results = flags.show ? JSON.parse(readFileSync(resultFile(name), 'utf8')) : await measure(flags)
  mkdirSync(new URL('results/', import.meta.url), { recursive: true })
  if (!flags.show) writeFileSync(resultFile(name), `${JSON.stringify(results, null, 1)}\n`)
  console.log(report(results))
  const drawn = await drawPlots(results)
  if (name === 'final')
    writeFileSync(costs, withSection(readFileSync(costs, 'utf8'), 'cost', summary(results)))
  console.error(`\nresults/${name}.json${drawn.map(file => `, plots/${file}`).join('')}`)
}
