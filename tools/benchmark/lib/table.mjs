/**
 * Rows under a head, columns as wide as they must be; the first column is text, the others are aligned to the right.
 *
 * @param {string[]} head
 * @param {string[][]} rows
 */
export function table(head, rows) {
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map(row => (row[i] ?? '').length)))
  const line = (/** @type {string[]} */ row) =>
    `| ${widths.map((width, i) => (i === 0 ? (row[i] ?? '').padEnd(width) : (row[i] ?? '').padStart(width))).join(' | ')} |`
  const rule = `|${widths.map((width, i) => (i === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`
  return [line(head), rule, ...rows.map(line)].join('\n')
}

/** A number with its significant digits. @param {number} value */
export function digits(value) {
  if (!Number.isFinite(value)) return '-'
  if (Number.isInteger(value)) return `${value}`
  const size = Math.abs(value)
  return value.toFixed(size >= 100 || size === 0 ? 0 : size >= 10 ? 1 : size >= 0.1 ? 2 : 3)
}

/** @param {import('./stats.mjs').Spread} spread @param {number} [unit] */
export function withSpread({ median, min, max, count }, unit = 1) {
  if (count < 2 || digits(min / unit) === digits(max / unit)) return digits(median / unit)
  return `${digits(median / unit)} (${digits(min / unit)}-${digits(max / unit)})`
}
