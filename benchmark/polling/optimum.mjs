/**
 * The best schedule for a known distribution, by dynamic programming over the instants of polls. A task tells a schedule nothing but "not
 * yet", so a schedule is a list of instants, and each poll costs what is the chance that it has to be made.
 */

/** The last instant of a poll: 2 s before the deadline of 120 s. */
export const HORIZON = 118

/**
 * @typedef {object} Mass
 * @property {number} step seconds
 * @property {Float64Array} upTo upTo[k]: the chance to be ready by k steps
 * @property {Float64Array} moment the same, each weighted with its time
 */

/** Solve times as mass on a grid; those beyond the horizon are left out, since no schedule delivers them. @param {ArrayLike<number>} times @param {number} step @returns {Mass} */
export function massOf(times, step) {
  const size = Math.round(HORIZON / step)
  const upTo = new Float64Array(size + 1)
  const moment = new Float64Array(size + 1)
  for (let i = 0; i < times.length; i++) {
    const cell = Math.ceil(times[i] / step)
    if (cell > size) continue
    upTo[Math.max(1, cell)] += 1 / times.length
    moment[Math.max(1, cell)] += times[i] / times.length
  }
  for (let k = 1; k <= size; k++) {
    upTo[k] += upTo[k - 1]
    moment[k] += moment[k - 1]
  }
  return { step, upTo, moment }
}

/**
 * @typedef {object} Prices what each unit costs
 * @property {number} poll a poll
 * @property {number} mean a second of lag, on average
 * @property {number} late a task whose lag is above `lateAfter`
 * @property {number} lateAfter seconds
 * @property {number} tail a task whose lag is above `tailAfter`
 * @property {number} tailAfter seconds
 */

/**
 * The cheapest schedule and its cost.
 *
 * @param {Mass} mass
 * @param {Prices} prices
 * @param {number} leastGap seconds
 * @param {number} [mostGap] seconds, from the first poll on
 */
export function cheapest({ step, upTo, moment }, prices, leastGap, mostGap = HORIZON) {
  const size = upTo.length - 1
  const least = Math.max(1, Math.round(leastGap / step))
  const { poll, mean, late, tail } = prices
  const lateSteps = Math.floor(prices.lateAfter / step + 1e-9)
  const tailSteps = Math.floor(prices.tailAfter / step + 1e-9)
  const cost = new Float64Array(size + 1)
  const next = new Int32Array(size + 1)
  for (let k = size - 1; k >= 0; k--) {
    let best = Number.POSITIVE_INFINITY
    let choice = size
    // The last poll may come closer to the one before than the others.
    const most = k === 0 ? size : Math.min(size, k + Math.round(mostGap / step))
    for (let m = Math.min(k + least, size); m <= most; m++) {
      const found = upTo[m] - upTo[k]
      let sum = cost[m]
      if (mean > 0) sum += mean * (m * step * found - (moment[m] - moment[k]))
      if (late > 0 && m - lateSteps > k) sum += late * (upTo[m - lateSteps] - upTo[k])
      if (tail > 0 && m - tailSteps > k) sum += tail * (upTo[m - tailSteps] - upTo[k])
      if (sum < best) {
        best = sum
        choice = m
      }
    }
    cost[k] = best + poll * (1 - upTo[k])
    next[k] = choice
  }
  const instants = []
  for (let k = 0; k < size; ) {
    k = next[k]
    instants.push(k * step)
  }
  return { cost: cost[0], instants }
}

/** How many polls a task a schedule costs. @param {Mass} mass @param {number[]} instants */
export function pollsOf({ step, upTo }, instants) {
  let before = 0
  let sum = 0
  for (const instant of instants) {
    sum += 1 - upTo[before]
    before = Math.round(instant / step)
  }
  return sum
}

/** @param {number} [interval] */
export function fixedInstants(interval = 3) {
  const instants = []
  for (let at = interval; at < HORIZON; at += interval) instants.push(at)
  return [...instants, HORIZON]
}

/** The cheapest schedule with at most so many polls a task. @param {Mass} mass @param {Prices} prices @param {number} leastGap @param {number} budget @param {number} [mostGap] */
export function within(mass, prices, leastGap, budget, mostGap) {
  let low = 0
  let high = 8
  let kept = cheapest(mass, { ...prices, poll: high }, leastGap, mostGap).instants
  for (let i = 0; i < 14; i++) {
    const poll = (low + high) / 2
    const { instants } = cheapest(mass, { ...prices, poll }, leastGap, mostGap)
    if (pollsOf(mass, instants) <= budget) {
      high = poll
      kept = instants
    } else low = poll
  }
  return kept
}

/**
 * No schedule with at most `budget` polls a task has a mean lag below this. (Lagrange: a cost that charges for polls and gives the budget
 * back is a lower bound at any charge, so also the highest of them.)
 *
 * @param {Mass} mass
 * @param {number} leastGap
 * @param {number} budget
 */
export function leastMean(mass, leastGap, budget) {
  const bound = (/** @type {number} */ poll) =>
    cheapest(mass, { ...NOTHING, mean: 1, poll }, leastGap).cost - poll * budget
  return highest(bound, 0, 8).value / mass.upTo[mass.upTo.length - 1]
}

/**
 * No schedule with at most `budget` polls a task has a median lag below this; with `tailAfter`, none of those that keep 95 % of all lags
 * below it.
 *
 * @param {Mass} mass
 * @param {number} leastGap
 * @param {number} budget
 * @param {number} [tailAfter]
 */
export function leastMedian(mass, leastGap, budget, tailAfter) {
  const all = mass.upTo[mass.upTo.length - 1]
  let below = 0
  let above = Math.round(3 / mass.step)
  while (above - below > 1) {
    const middle = (below + above) >> 1
    const lateAfter = middle * mass.step
    const bound = (/** @type {number} */ poll, tail = 0) => {
      const prices = { ...NOTHING, late: 1, lateAfter, tail, tailAfter: tailAfter ?? 0, poll }
      return cheapest(mass, prices, leastGap).cost - poll * budget - tail * 0.05 * all
    }
    const overPolls = (/** @type {number} */ tail) => highest(poll => bound(poll, tail), 0, 2).value
    const share = tailAfter === undefined ? overPolls(0) : highest(overPolls, 0, 8, 12).value
    if (share > 0.5 * all) below = middle
    else above = middle
  }
  return below * mass.step
}

/** @type {Prices} */
export const NOTHING = { poll: 0, mean: 0, late: 0, lateAfter: 0, tail: 0, tailAfter: 0 }

/** The top of a concave function. @param {(x: number) => number} of @param {number} from @param {number} to */
function highest(of, from, to, rounds = 22) {
  let [low, high] = [from, to]
  let best = { at: low, value: of(low) }
  const share = (Math.sqrt(5) - 1) / 2
  let left = high - share * (high - low)
  let right = low + share * (high - low)
  let atLeft = of(left)
  let atRight = of(right)
  for (let i = 0; i < rounds; i++) {
    if (atLeft > best.value) best = { at: left, value: atLeft }
    if (atRight > best.value) best = { at: right, value: atRight }
    if (atLeft < atRight) {
      low = left
      left = right
      atLeft = atRight
      right = low + share * (high - low)
      atRight = of(right)
    } else {
      high = right
      right = left
      atRight = atLeft
      left = high - share * (high - low)
      atLeft = of(left)
    }
  }
  return best
}
