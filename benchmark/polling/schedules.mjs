/**
 * The schedules that are compared. Each one hands out the instants at which a task that starts now is polled, and is told between which two
 * polls a task became ready (Infinity where it never did), and how many polls it took.
 */

import { createAdaptive, ENOUGH, KEPT, sampleOf } from './adaptive.mjs'
import { fixedInstants, HORIZON } from './optimum.mjs'

/** @typedef {{ plan: () => number[], learn: (after: number, until: number, polls: number) => void }} Schedule */
/** @typedef {{ name: string, create: () => Schedule }} Candidate */

/** @returns {Schedule} */
function createFixed() {
  const instants = fixedInstants()
  return { plan: () => instants, learn: () => {} }
}

/** No poll before the 2nd percentile of what was seen, then every 3 s. @returns {Schedule} */
function createLateStart() {
  /** @type {number[]} */
  const seen = []
  let count = 0
  let instants = fixedInstants()
  return {
    plan: () => instants,
    learn(after, until) {
      if (!Number.isFinite(until)) return
      seen[count % KEPT] = sampleOf(after, until, ++count)
      if (seen.length < ENOUGH || count % 16 !== 0) return
      const early = seen.toSorted((a, b) => a - b)[Math.floor(seen.length * 0.02)]
      instants = []
      for (let at = Math.max(3, early + 1.5); at < HORIZON; at += 3) instants.push(at)
      instants.push(HORIZON)
    },
  }
}

/** @type {Candidate[]} */
export const candidates = [
  { name: 'fixed, 3 s', create: createFixed },
  { name: 'late start, then 3 s', create: createLateStart },
  { name: 'adaptive, gaps >= 3 s', create: () => createAdaptive(3) },
  { name: 'adaptive, gaps >= 2 s', create: () => createAdaptive(2) },
  { name: 'adaptive, gaps >= 1 s', create: () => createAdaptive(1) },
]
