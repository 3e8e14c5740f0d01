/** Tasks one after the other in a few lanes, as a process with some concurrency has them: what is learned comes when a task is delivered. */

import { quantile } from '../lib/stats.mjs'
import { createRandom } from './random.mjs'

/** When the caller's time is up. */
const DEADLINE = 120
const LANES = 16
/** The first tasks, in which nobody can have learned anything yet, are run but not counted. */
const WARM_UP = 200

/**
 * @param {import('./distributions.mjs').Distribution} distribution
 * @param {import('./schedules.mjs').Candidate} candidate
 * @param {number} seed
 * @param {number} tasks
 */
export function simulate(distribution, candidate, seed, tasks) {
  // All candidates get the same tasks.
  const random = createRandom(seed)
  const schedule = candidate.create()
  const times = Float64Array.from({ length: tasks }, (_, i) => distribution.draw(random, i / tasks))
  /** @type {{ free: number, after: number, until: number, polls: number }[]} */
  const lanes = Array.from({ length: LANES }, (_, i) => ({ free: i, after: -1, until: -1, polls: 0 }))
  /** @type {number[]} */
  const lags = []
  let polls = 0
  let mostPolls = 0
  let counted = 0
  let missed = 0
  let missedByAll = 0

  for (let task = 0; task < tasks; task++) {
    const lane = lanes.reduce((first, other) => (other.free < first.free ? other : first))
    if (lane.until > 0) schedule.learn(lane.after, lane.until, lane.polls)
    const instants = schedule.plan()
    let made = 0
    let after = 0
    let until = Number.POSITIVE_INFINITY
    for (const instant of instants) {
      made++
      if (instant >= times[task]) {
        until = instant
        break
      }
      after = instant
    }
    lane.after = after
    lane.until = until
    lane.polls = made
    lane.free += Math.min(until, DEADLINE)
    if (task < WARM_UP) continue
    counted++
    polls += made
    mostPolls = Math.max(mostPolls, made)
    if (until < DEADLINE) lags.push(until - times[task])
    else if (times[task] > DEADLINE) missedByAll++
    else missed++
  }
  return {
    median: quantile(lags, 0.5),
    mean: lags.reduce((sum, lag) => sum + lag, 0) / lags.length,
    p95: quantile(lags, 0.95),
    polls: polls / counted,
    mostPolls,
    missed,
    missedByAll,
    counted,
  }
}
