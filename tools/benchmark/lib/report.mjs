/** The results as text. */

import { clients, modes } from './clients.mjs'
import { goalRow, goals } from './goals.mjs'
import { spread, valuesOf } from './stats.mjs'
import { digits, table, withSpread } from './table.mjs'

/** @param {any} results */
export function report(results) {
  const parts = [head(results)]
  if (results.compare) parts.push(...comparison(results))
  if (results.saturation) parts.push(section('What the sandbox can do at most', saturation(results)))
  if (results.delivery)
    parts.push(
      section('From ready to resolved, solve times spread over one poll interval', delivery(results)),
    )
  if (results.single) parts.push(section('CPU of one solve at a time, ms', single(results)))
  if (results.pending)
    parts.push(section('Memory of pending solves, after garbage collection', pending(results)))
  if (results.load) parts.push(section('Loading it', load(results)))
  parts.push(section('Goals', table(['', 'goal', 'measured', ''], goals(results).map(goalRow))))
  return parts.join('\n\n')
}

/** @param {string} title @param {string} body */
const section = (title, body) => `### ${title}\n\n${body}`

/** @param {any} results */
function head({ date, node, cpu, cores, pollMs, readyMs, command }) {
  const ready = readyMs[0] === readyMs[1] ? readyMs[0] : readyMs.join('-')
  return `${date}, Node.js ${node}, ${cores} x ${cpu}; poll ${pollMs} ms, ready after ${ready} ms; ${command}\nMedians, in brackets the least and the most.`
}

/** @param {any} results */
function comparison({ compare }) {
  const sections = []
  for (const [mode, title] of Object.entries(modes)) {
    const cells = compare.filter((/** @type {any} */ cell) => cell.mode === mode && cell.client !== 'idle')
    if (cells.length === 0) continue
    const idle = mode === 'plain' ? compare.filter((/** @type {any} */ cell) => cell.client === 'idle') : []
    const columns = ['client', 'N', 'CPU s', 'peak MiB', 'growth MiB', 'loop p99 ms', 'loop max ms']
    columns.push('loop busy s', 'connections', 'lag median ms', 'lag p95 ms', 'wall s', 'sandbox busiest')
    const rows = [...idle, ...cells].filter(cell => !cell.cannot).map(row)
    const absent = [
      ...new Set(
        cells
          .filter((/** @type {any} */ cell) => cell.cannot)
          .map((/** @type {any} */ { client, cannot }) => `- ${clients[client].title}: ${cannot}.`),
      ),
    ]
    sections.push(section(title, [table(columns, rows), ...absent].join('\n')))
  }
  return sections
}

/** @param {any} cell */
function row({ client, count, outcomes }) {
  const title = client === 'idle' ? '(nothing, 6 s)' : clients[client].title
  const good = outcomes.filter((/** @type {any} */ outcome) => !outcome.failed)
  const broken = outcomes.find((/** @type {any} */ outcome) => outcome.failed)
  if (good.length === 0) return [title, `${count}`, `failed: ${broken?.failed ?? 'not run'}`]
  const show = (/** @type {string} */ name, unit = 1) => withSpread(spread(valuesOf(outcomes, name)), unit)
  const busiest = spread(good.map((/** @type {any} */ { server }) => server.busiest)).median
  return [
    broken ? `${title} (failed ${outcomes.length - good.length} times)` : title,
    client === 'idle' ? '0' : `${count}`,
    show('cpuMs', 1000),
    show('peakMiB'),
    show('growthMiB'),
    show('delayP99Ms'),
    show('delayMaxMs'),
    show('loopBusyMs', 1000),
    show('connections'),
    show('lagMedianMs'),
    show('lagP95Ms'),
    show('wallMs', 1000),
    `${Math.round(busiest * 100)} %`,
  ]
}

/** @param {any} results */
function saturation({ saturation, compare = [] }) {
  const rows = saturation.map((/** @type {any} */ { mode, requestsPerSecond, busiest }) => {
    const used = compare
      .filter((/** @type {any} */ cell) => cell.mode === mode && cell.client !== 'idle')
      .flatMap((/** @type {any} */ cell) => cell.outcomes)
      .map((/** @type {any} */ outcome) => outcome.server?.requestsPerSecond ?? 0)
    return [
      modes[/** @type {import('./clients.mjs').Mode} */ (mode)],
      digits(requestsPerSecond),
      `${Math.round(busiest * 100)} %`,
      used.length === 0 ? '-' : digits(Math.max(...used)),
    ]
  })
  return table(['mode', 'requests a second at most', 'busy then', 'highest mean of any run'], rows)
}

/** @param {any} results */
function delivery({ delivery }) {
  const rows = delivery.map((/** @type {any} */ { name, count, medianMs, p95Ms, samples, failed }) => [
    name,
    `${count}`,
    digits(medianMs),
    digits(p95Ms),
    `${samples}`,
    failed ?? '',
  ])
  return table(['client', 'N', 'median ms', 'p95 ms', 'solves', ''], rows)
}

/** @param {any} results */
function single({ single }) {
  const rows = single.map((/** @type {any} */ { name, paced, hot }) => [
    name,
    withSpread(paced),
    withSpread(hot),
  ])
  return table(['', 'a solve (create, 1 s, poll)', 'create and poll, back to back'], rows)
}

/** @param {any} results */
function pending({ pending }) {
  const steps = pending[0].points.map((/** @type {[number, number]} */ [n]) => n)
  const rows = pending.map((/** @type {any} */ { name, points, kibPerSolve, failed }) => [
    name,
    ...steps.map((/** @type {number} */ _, /** @type {number} */ i) =>
      points[i] ? digits(points[i][1] / 1024) : '-',
    ),
    digits(kibPerSolve),
    failed ?? '',
  ])
  return table(
    ['RSS, MiB', ...steps.map((/** @type {number} */ n) => `${n}`), 'KiB per further solve', ''],
    rows,
  )
}

/** @param {any} results */
function load({ load }) {
  const { requireMs, addedWallMs, addedMiB, emptyMiB, binaries } = load
  const rows = [
    ['require(), in the process', `${withSpread(requireMs)} ms`],
    ['whole script, above an empty one', `${digits(addedWallMs)} ms`],
    ['resident, above an empty script', `${digits(addedMiB)} MiB`],
    ['resident, empty script', `${withSpread(emptyMiB)} MiB`],
    ...binaries.map((/** @type {any} */ { name, bytes }) => [name, `${digits(bytes / 1e6)} MB`]),
  ]
  return table(['', ''], rows)
}
