// The results as a table, for the terminal and for docs/platforms.md.
import { packageName } from './targets.mjs'

/** @typedef {import('./targets.mjs').Target} Target */
/** @typedef {import('./results.mjs').Result} Result */
/** @typedef {import('./results.mjs').Run} Run */

/**
 * @param {readonly Target[]} targets
 * @param {Record<string, Result>} results
 */
export function text(targets, results) {
  const lines = [
    ['target', 'bytes', 'built in', 'run in'],
    ...targets.map(({ name }) => {
      const result = results[name]
      const built = result?.built ? `${Math.round(result.built.seconds)} s` : '-'
      const runs = result?.runs?.map(
        run => `${describeRun(run)}, ${run.checks} checks in ${run.seconds.toFixed(1)} s`,
      )
      return [name, String(result?.bytes ?? '-'), built, testedIn(result, runs)]
    }),
  ]
  const widths = lines[0].map((_, column) => Math.max(...lines.map(line => line[column].length)))
  const padded = lines.map(line =>
    line
      .map((cell, column) => cell.padEnd(widths[column]))
      .join('  ')
      .trimEnd(),
  )
  return padded.join('\n')
}

/**
 * Without what changes with every build, such as sizes and times.
 *
 * @param {readonly Target[]} targets
 * @param {Record<string, Result>} results
 */
export function markdown(targets, results) {
  const rows = targets.map(target => {
    const result = results[target.name]
    const cells = [
      target.title,
      `\`${packageName(target)}\``,
      target.needs,
      testedIn(result, result?.runs?.map(describeRun)),
    ]
    return `| ${cells.join(' | ')} |`
  })
  return [
    '| platform | package | needs at least | local build tested in |',
    '|---|---|---|---|',
    ...rows,
  ].join('\n')
}

/** @param {Result | undefined} result @param {string[]} [runs] */
function testedIn(result, runs) {
  if (!result) return 'not built'
  if (!runs) return 'not run'
  return runs.length > 0 ? runs.join('; ') : 'not run: format, exports and libraries checked'
}

/** @param {Pick<Run, 'node' | 'libc' | 'through'>} run */
export function describeRun({ node, libc, through }) {
  return `Node.js ${node}${libc ? ` with ${libc}` : ''}${through ? ` in ${through}` : ''}`
}
