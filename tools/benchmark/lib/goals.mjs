/** The goals, and whether the figures meet them. */

import { clients } from './clients.mjs'
import { median, valuesOf } from './stats.mjs'
import { digits } from './table.mjs'

/** @typedef {{ goal: string, limit: number, value: number, unit?: string }} Goal */

/** @param {any} results @returns {Goal[]} */
export function goals({ compare = [], delivery = [], single = [], pending = [], load, pollMs = 3000 }) {
  /** @param {string} client @param {string} mode @param {number} count @param {string} figure */
  const figure = (client, mode, count, figure) => {
    const cell = compare.find(
      (/** @type {any} */ c) => c.client === client && c.mode === mode && c.count === count,
    )
    return median(valuesOf(cell?.outcomes ?? [], figure))
  }
  /** @param {string} mode @param {number} count @param {string} name */
  const bestPlain = (mode, count, name) => {
    const candidates = Object.keys(clients).filter(client => clients[client].plainJavaScript)
    const values = candidates.map(client => figure(client, mode, count, name)).filter(Number.isFinite)
    return values.length === 0 ? Number.NaN : Math.min(...values)
  }
  /** @param {string} mode @param {number} count @param {string} name */
  const againstPlain = (mode, count, name) => figure('ours', mode, count, name) / bestPlain(mode, count, name)
  const counts = [...new Set(compare.map((/** @type {any} */ cell) => cell.count))]
  const worst = (/** @type {number[]} */ values) => {
    const known = values.filter(Number.isFinite)
    return known.length === 0 ? Number.NaN : Math.max(...known)
  }
  const perSolve = counts
    .filter(count => Number(count) >= 100)
    .sort((a, b) => Number(a) - Number(b))
    .map(count => figure('ours', 'plain', Number(count), 'cpuMs') / Number(count))
    .filter(Number.isFinite)
  const ours = clients.ours.title
  const lag = (/** @type {boolean} */ alone) =>
    median(
      delivery
        .filter((/** @type {any} */ { name, count }) => name === ours && (count === 1) === alone)
        .map((/** @type {any} */ { medianMs }) => medianMs),
    )
  const cost = (/** @type {string} */ name) =>
    single.find((/** @type {any} */ row) => row.name === name)?.paced.median ?? Number.NaN
  const held = pending.find((/** @type {any} */ row) => row.name === ours)?.kibPerSolve ?? Number.NaN
  const bytes =
    load?.binaries.find((/** @type {any} */ { name }) => name.includes('linux-x64-gnu'))?.bytes ?? Number.NaN

  return [
    {
      goal: 'CPU, N = 5000, plain, against the fetch loop',
      limit: 0.08,
      value: figure('ours', 'plain', 5000, 'cpuMs') / figure('fetch', 'plain', 5000, 'cpuMs'),
    },
    {
      goal: 'CPU, N = 5000, plain, against the best plain JavaScript',
      limit: 0.35,
      value: againstPlain('plain', 5000, 'cpuMs'),
    },
    {
      goal: 'CPU, N = 1000, HTTP/2, against the best plain JavaScript',
      limit: 0.3,
      value: againstPlain('h2', 1000, 'cpuMs'),
    },
    { goal: 'connections, N = 1000, HTTP/2', limit: 2, value: figure('ours', 'h2', 1000, 'connections') },
    {
      goal: 'connections, TLS with HTTP/1.1, at any N',
      limit: 64,
      value: worst(counts.map(count => figure('ours', 'tls', Number(count), 'connections'))),
    },
    {
      goal: 'memory growth, N = 5000, plain, against the best plain JavaScript',
      limit: 0.35,
      value: againstPlain('plain', 5000, 'growthMiB'),
    },
    { goal: 'memory per further pending solve', limit: 4, value: held, unit: 'KiB' },
    {
      goal: 'loop delay p99, N = 5000, plain, against the best plain JavaScript',
      limit: 0.5,
      value: againstPlain('plain', 5000, 'delayP99Ms'),
    },
    {
      goal: 'longest stall, N = 5000, plain, beyond an idle process',
      limit: 20,
      value: figure('ours', 'plain', 5000, 'delayMaxMs') - figure('idle', 'plain', 1, 'delayMaxMs'),
      unit: 'ms',
    },
    {
      goal: 'solves lost at N = 20 000, plain',
      limit: 0,
      value: Number.isFinite(figure('ours', 'plain', 20_000, 'cpuMs')) ? 0 : Number.NaN,
    },
    {
      goal: 'CPU per solve at one N against that at any smaller one from 100 on, at worst',
      limit: 1.1,
      value: worst(perSolve.flatMap((cost, i) => perSolve.slice(0, i).map(cheaper => cost / cheaper))),
    },
    { goal: 'ready to resolved, median, N = 1', limit: pollMs / 2 + 20, value: lag(true), unit: 'ms' },
    { goal: 'ready to resolved, median, N = 5000', limit: pollMs / 2 + 20, value: lag(false), unit: 'ms' },
    { goal: 'time of require', limit: 15, value: load?.requireMs.median ?? Number.NaN, unit: 'ms' },
    { goal: 'memory of require', limit: 8, value: load?.addedMiB ?? Number.NaN, unit: 'MiB' },
    { goal: 'binary, linux-x64', limit: 3.5, value: bytes / 1e6, unit: 'MB' },
    {
      goal: 'CPU of one solve above the bare exchange',
      limit: 0.3,
      value: cost(ours) - cost('bare exchange'),
      unit: 'ms',
    },
  ]
}

/** @param {Goal} goal */
export function goalRow({ goal, limit, value, unit = '' }) {
  const verdict = Number.isNaN(value) ? 'not measured' : value <= limit ? 'met' : 'NOT MET'
  const shown = (/** @type {number} */ number) =>
    Number.isNaN(number) ? '-' : `${digits(number)} ${unit}`.trim()
  return [goal, `<= ${limit} ${unit}`.trim(), shown(value), verdict]
}
