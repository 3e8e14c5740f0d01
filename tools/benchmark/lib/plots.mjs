/** The comparison as SVG: one file a figure, one panel a mode, N along the bottom. */

import { mkdirSync, writeFileSync } from 'node:fs'
import { clients, modes } from './clients.mjs'
import { median, valuesOf } from './stats.mjs'
import { render } from './svg.mjs'

const COLOURS = {
  fetch: '#d1495b',
  http: '#e0a100',
  http2: '#8d6a00',
  '2captcha': '#8e6bbf',
  capmonster: '#4f8a8b',
  bare: '#7a7a7a',
  ours: '#1b5faa',
}

const FIGURES = [
  {
    file: 'cpu.svg',
    title: 'CPU of the client process, seconds',
    figure: 'cpuMs',
    unit: 1000,
  },
  {
    file: 'memory.svg',
    title: 'Memory growth over the idle process, MiB',
    figure: 'growthMiB',
    unit: 1,
  },
  {
    file: 'loop-delay.svg',
    title: 'Event-loop delay, 99th percentile, ms',
    figure: 'delayP99Ms',
    unit: 1,
  },
]

const PANEL = { width: 250, height: 240 }

/** @param {any} results @returns {Promise<string[]>} */
export async function drawPlots({ compare }) {
  if (!compare) return []
  const folder = new URL('../plots/', import.meta.url)
  mkdirSync(folder, { recursive: true })
  for (const { file, title, figure, unit } of FIGURES) {
    const points = compare.flatMap((/** @type {any} */ { client, mode, count, outcomes }) => {
      const value = median(valuesOf(outcomes, figure)) / unit
      if (client === 'idle' || !Number.isFinite(value)) return []
      // The axis is logarithmic, and what is below a hundredth is nothing on any of them.
      return [{ client: clients[client].title, mode, count, value: Math.max(0.01, value) }]
    })
    writeFileSync(new URL(file, folder), await render(spec(title, points)))
  }
  return FIGURES.map(({ file }) => file)
}

/** @param {string} title @param {{ client: string, mode: string, count: number, value: number }[]} points */
function spec(title, points) {
  const shown = Object.entries(modes).filter(([mode]) => points.some(point => point.mode === mode))
  const names = Object.keys(clients).filter(name =>
    points.some(point => point.client === clients[name].title),
  )
  const scales = [
    {
      name: 'colour',
      type: 'ordinal',
      domain: names.map(name => clients[name].title),
      range: names.map(name => COLOURS[/** @type {keyof typeof COLOURS} */ (name)]),
    },
    { name: 'x', type: 'log', domain: extent(points.map(({ count }) => count)), range: [0, PANEL.width] },
    {
      name: 'y',
      type: 'log',
      domain: extent(points.map(({ value }) => value)),
      nice: true,
      range: [PANEL.height, 0],
    },
  ]
  return {
    background: 'white',
    padding: 12,
    title: { text: title, anchor: 'start', fontSize: 14 },
    layout: { columns: shown.length, padding: 24, align: 'all' },
    data: [{ name: 'points', values: points }],
    scales,
    legends: [
      {
        stroke: 'colour',
        symbolType: 'stroke',
        symbolStrokeWidth: 3,
        orient: 'bottom',
        columns: 3,
        labelLimit: 0,
      },
    ],
    marks: shown.map(([mode, text]) => panel(mode, text, [...new Set(points.map(({ count }) => count))])),
  }
}

/** @param {string} mode @param {string} text @param {number[]} counts */
function panel(mode, text, counts) {
  const place = { x: { scale: 'x', field: 'count' }, y: { scale: 'y', field: 'value' } }
  const colour = { scale: 'colour', field: 'client' }
  return {
    type: 'group',
    title: { text, fontWeight: 'normal', fontSize: 12, anchor: 'start' },
    encode: { update: { width: { value: PANEL.width }, height: { value: PANEL.height } } },
    signals: Object.entries(PANEL).map(([name, value]) => ({ name, update: `${value}` })),
    axes: [
      { orient: 'bottom', scale: 'x', values: counts, format: 'd', title: 'solves started together' },
      { orient: 'left', scale: 'y', grid: true, gridColor: '#e6e6e6', tickCount: 6, format: '~g' },
    ],
    data: [
      {
        name: `of ${mode}`,
        source: 'points',
        transform: [{ type: 'filter', expr: `datum.mode === '${mode}'` }],
      },
    ],
    marks: [
      {
        type: 'group',
        from: { facet: { name: `line ${mode}`, data: `of ${mode}`, groupby: 'client' } },
        marks: [
          {
            type: 'line',
            from: { data: `line ${mode}` },
            encode: { update: { ...place, stroke: colour, strokeWidth: { value: 2 } } },
          },
          {
            type: 'symbol',
            from: { data: `line ${mode}` },
            encode: { update: { ...place, fill: colour, size: { value: 30 } } },
          },
        ],
      },
    ],
  }
}

/** @param {number[]} values */
const extent = values => [Math.min(...values), Math.max(...values)]
