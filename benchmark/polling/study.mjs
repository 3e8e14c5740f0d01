/** `npm run polling`: the study, always with the same outcome: results.md, examples.json and lag.svg beside it. About two minutes. */

import { writeFileSync } from 'node:fs'
import { median } from '../lib/stats.mjs'
import { render } from '../lib/svg.mjs'
import { table } from '../lib/table.mjs'
import { ENOUGH, instantsFor, sampleOf } from './adaptive.mjs'
import { distributions, widths } from './distributions.mjs'
import { fixedInstants, leastMean, leastMedian, massOf, pollsOf } from './optimum.mjs'
import { lagPlot } from './plot.mjs'
import { createRandom } from './random.mjs'
import { candidates } from './schedules.mjs'
import { simulate } from './simulate.mjs'

const SEEDS = [1, 2, 3, 4, 5]
const TASKS = 10_000

/** @typedef {ReturnType<typeof simulate>} Result */

/** The median over the seeds, figure by figure. @param {import('./distributions.mjs').Distribution} distribution @param {import('./schedules.mjs').Candidate} candidate */
function over(distribution, candidate) {
  const results = SEEDS.map(seed => simulate(distribution, candidate, seed, TASKS))
  const names = /** @type {(keyof Result)[]} */ (Object.keys(results[0]))
  return /** @type {Result} */ (
    Object.fromEntries(names.map(name => [name, median(results.map(result => result[name]))]))
  )
}

/** What no schedule can beat that knows the distribution; there is none for one that moves. @param {import('./distributions.mjs').Distribution} distribution @param {number} leastGap */
function bounds(distribution, leastGap) {
  const random = createRandom(7)
  const times = Float64Array.from({ length: 50_000 }, () => distribution.draw(random, 0))
  const mass = massOf(times, 0.1)
  const budget = pollsOf(mass, fixedInstants())
  return { median: leastMedian(mass, leastGap, budget), mean: leastMean(mass, leastGap, budget) }
}

const figure = (/** @type {number} */ value) => value.toFixed(2)
const share = (/** @type {number} */ value) => `${Math.round(value * 100)} %`

/** @param {import('./distributions.mjs').Distribution[]} chosen @param {import('./schedules.mjs').Candidate[]} compared */
function compare(chosen, compared) {
  return chosen.flatMap(distribution => {
    /** @type {Result | undefined} */
    let fixed
    return compared.map(candidate => {
      const result = over(distribution, candidate)
      fixed ??= result
      return { distribution: distribution.name, candidate: candidate.name, result, fixed }
    })
  })
}

/** @param {ReturnType<typeof compare>} rows */
const resultTable = rows =>
  table(
    [
      'solve times',
      'schedule',
      'median s',
      'of fixed',
      'mean s',
      'of fixed',
      'p95 s',
      'of fixed',
      'polls',
      'of fixed',
      'most polls',
      'missed',
    ],
    rows.map(({ distribution, candidate, result, fixed }) => [
      distribution,
      candidate,
      ...[figure(result.median), share(result.median / fixed.median)],
      ...[figure(result.mean), share(result.mean / fixed.mean)],
      ...[figure(result.p95), share(result.p95 / fixed.p95)],
      ...[figure(result.polls), `${((result.polls / fixed.polls) * 100).toFixed(1)} %`],
      `${result.mostPolls}`,
      `${result.missed}`,
    ]),
  )

const rows = compare(distributions, candidates)
const still = distributions.filter(({ name }) => !/drifting|jumping/.test(name))
const limits = still.map(distribution => ({
  distribution: distribution.name,
  one: bounds(distribution, 1),
  three: bounds(distribution, 3),
}))
const narrow = compare(widths, [candidates[0], candidates[candidates.length - 1]])
const widthRows = widths.map(distribution => {
  const row = narrow.find(r => r.distribution === distribution.name && r.candidate !== candidates[0].name)
  const { result, fixed } = /** @type {ReturnType<typeof compare>[number]} */ (row)
  const best = bounds(distribution, 1)
  return [
    distribution.name,
    ...[share(best.median / 1.5), share(best.mean / 1.5), share(result.median / fixed.median)],
    ...[share(result.mean / fixed.mean), share(result.p95 / fixed.p95)],
    `${((result.polls / fixed.polls) * 100).toFixed(1)} %`,
  ]
})

/** Inputs that can be typed anywhere, and what must come out. */
function examples() {
  const range = (/** @type {number} */ from, /** @type {number} */ step, /** @type {number} */ count) =>
    Array.from({ length: count }, (_, i) => from + step * i)
  const cases = [
    {
      what: 'too few samples: the fixed schedule',
      seen: range(10, 0.25, ENOUGH - 1),
      allowance: 1,
      leastGap: 1,
    },
    { what: '64 samples, 10 s to 25.75 s', seen: range(10, 0.25, 64), allowance: 1, leastGap: 1 },
    { what: 'the same with a tenth fewer polls', seen: range(10, 0.25, 64), allowance: 0.9, leastGap: 1 },
    { what: 'the same, polls at least 3 s apart', seen: range(10, 0.25, 64), allowance: 1, leastGap: 3 },
    { what: 'two humps', seen: [...range(8, 0.125, 40), ...range(40, 0.25, 24)], allowance: 1, leastGap: 1 },
    { what: 'all alike', seen: Array(ENOUGH).fill(20), allowance: 1, leastGap: 1 },
  ]
  return {
    instants: cases.map(({ what, seen, allowance, leastGap }) => ({
      what,
      ...{ seen, allowance, leastGap },
      instants: instantsFor(seen, allowance, leastGap),
    })),
    samples: [
      { after: 12, until: 13.5, count: 1 },
      { after: 0, until: 10, count: 2 },
    ].map(given => ({ ...given, sample: sampleOf(given.after, given.until, given.count) })),
  }
}

const beside = (/** @type {string} */ name) => new URL(name, import.meta.url)
const text = `# Results

Made by \`npm run polling\`: ${TASKS} tasks a run in 16 lanes, the first 200 not counted, medians of the seeds ${SEEDS.join(', ')}. "of fixed" is
against a poll every 3 s. "missed": tasks that got ready before the deadline of 120 s and were not delivered.

${resultTable(rows)}

## What no schedule can beat

Lower bounds of the median (to 0.1 s) and of the mean lag, in seconds, of any schedule with no more polls than the fixed one, for who knows the distribution.

${table(
  ['solve times', 'median, gaps >= 1 s', 'mean, gaps >= 1 s', 'median, gaps >= 3 s', 'mean, gaps >= 3 s'],
  limits.map(({ distribution, one, three }) => [
    distribution,
    ...[one.median, one.mean, three.median, three.mean].map(figure),
  ]),
)}

## How narrow it has to be

Log-normal solve times of other widths, against the fixed schedule: the bounds, and the adaptive schedule with gaps of at least 1 s.

${table(['solve times', 'median, bound', 'mean, bound', 'median', 'mean', 'p95', 'polls'], widthRows)}
`
writeFileSync(beside('results.md'), text)
writeFileSync(beside('examples.json'), `${JSON.stringify(examples(), null, 1)}\n`)
writeFileSync(beside('lag.svg'), await render(lagPlot(rows)))
console.log(text)
