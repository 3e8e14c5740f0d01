const COLOURS = ['#444444', '#b9b0a2', '#d1495b', '#e0a100', '#1b5faa']

/**
 * Two panels: the median and the 95th percentile of the lag, one row a distribution, one mark a schedule.
 *
 * @param {{ distribution: string, candidate: string, result: { median: number, p95: number } }[]} rows
 */
export function lagPlot(rows) {
  const points = rows.map(({ distribution, candidate, result }) => ({ distribution, candidate, ...result }))
  const distributions = [...new Set(points.map(({ distribution }) => distribution))]
  const candidates = [...new Set(points.map(({ candidate }) => candidate))]
  const height = distributions.length * 30
  return {
    background: 'white',
    padding: 12,
    title: { text: 'From ready to delivered, seconds', anchor: 'start', fontSize: 14 },
    layout: { columns: 2, padding: 24, align: 'each' },
    data: [{ name: 'points', values: points }],
    scales: [
      { name: 'y', type: 'point', domain: distributions, range: [0, height], padding: 0.5 },
      { name: 'colour', type: 'ordinal', domain: candidates, range: COLOURS },
    ],
    legends: [{ fill: 'colour', orient: 'bottom', columns: 3, labelLimit: 0 }],
    marks: [
      panel('median', 'median', 2, height, true),
      panel('p95', '95th percentile', Math.ceil(Math.max(...points.map(({ p95 }) => p95))), height, false),
    ],
  }
}

/** @param {string} field @param {string} text @param {number} most @param {number} height @param {boolean} named */
function panel(field, text, most, height, named) {
  const width = 300
  return {
    type: 'group',
    title: { text, fontWeight: 'normal', fontSize: 12, anchor: 'start' },
    encode: { update: { width: { value: width }, height: { value: height } } },
    signals: [
      { name: 'width', update: `${width}` },
      { name: 'height', update: `${height}` },
    ],
    scales: [{ name: 'x', type: 'linear', domain: [0, most], range: [0, width] }],
    axes: [
      { orient: 'bottom', scale: 'x', grid: true, gridColor: '#e6e6e6', tickCount: 5 },
      {
        orient: 'left',
        scale: 'y',
        labels: named,
        ticks: false,
        domain: false,
        labelLimit: 0,
        grid: true,
        gridColor: '#f2f2f2',
      },
    ],
    marks: [
      {
        type: 'symbol',
        from: { data: 'points' },
        encode: {
          update: {
            x: { scale: 'x', field },
            y: { scale: 'y', field: 'distribution' },
            fill: { scale: 'colour', field: 'candidate' },
            size: { value: 90 },
            opacity: { value: 0.9 },
          },
        },
      },
    ],
  }
}
