/** @param {number[]} values @param {number} share from 0 to 1 */
export function quantile(values, share) {
  if (values.length === 0) return Number.NaN
  const sorted = Float64Array.from(values).sort()
  const place = (sorted.length - 1) * share
  const below = Math.floor(place)
  const above = Math.ceil(place)
  return sorted[below] + (sorted[above] - sorted[below]) * (place - below)
}

/** A figure of all runs that measured it. @param {{ failed?: string }[]} outcomes @param {string} name @returns {number[]} */
export const valuesOf = (outcomes, name) =>
  outcomes
    .filter(({ failed }) => !failed)
    .map(outcome => /** @type {any} */ (outcome)[name])
    .filter(Number.isFinite)

/** @param {number[]} values */
export const median = values => quantile(values, 0.5)

/** @typedef {{ median: number, min: number, max: number, count: number }} Spread */

/**
 * @param {number[]} values
 * @returns {Spread}
 */
export function spread(values) {
  return {
    median: median(values),
    min: Math.min(...values),
    max: Math.max(...values),
    count: values.length,
  }
}

/** The slope of the least-squares line. @param {[x: number, y: number][]} points */
export function slope(points) {
  const meanX = points.reduce((sum, [x]) => sum + x, 0) / points.length
  const meanY = points.reduce((sum, [, y]) => sum + y, 0) / points.length
  const over = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0)
  return over / points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0)
}
