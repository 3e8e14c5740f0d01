/** The schedule that learns, in the form in which the core could have it: two pure functions and a few numbers of state. */

import { fixedInstants, HORIZON, massOf, NOTHING, pollsOf, within } from './optimum.mjs'

/** Solve times that are remembered, and how many are needed before they count. */
export const KEPT = 256
export const ENOUGH = 32
/** Instants are multiples of this. */
const STEP = 0.25
/** Chance that is kept back for what was not seen yet, spread evenly over all the time from the first fixed poll on. */
const UNSEEN = 0.05
/** The first wait goes as far as it likes; later ones never further than this, for tasks are sometimes of another kind. */
const MOST_GAP = 8
/** A task that waits for longer than 1 s costs 1, and every second of waiting 0.3. */
const PRICES = { ...NOTHING, late: 1, lateAfter: 1, mean: 0.3 }
/** An interval reaches back so far at most: taken at its word, the one before the first poll would hide that tasks got faster. */
const LOOK_BACK = 4
/** So many polls saved, or owed, are the most that is remembered, and move the allowance by a tenth. */
const CREDIT = 64
const SWAY = 0.1
const GOLDEN = (Math.sqrt(5) - 1) / 2

/**
 * The instants at which a task is polled, in seconds from its creation.
 *
 * @param {number[]} seen solve times, in any order
 * @param {number} allowance how many polls a task, as a share of what the fixed schedule would have needed
 * @param {number} leastGap
 */
export function instantsFor(seen, allowance, leastGap) {
  if (seen.length < ENOUGH) return fixedInstants()
  const unseen = Math.round((seen.length * UNSEEN) / (1 - UNSEEN))
  const spread = Array.from({ length: unseen }, (_, i) => 3 + ((HORIZON - 3) * (i + 0.5)) / unseen)
  const mass = massOf([...seen, ...spread], STEP)
  return within(mass, PRICES, leastGap, allowance * pollsOf(mass, fixedInstants()), MOST_GAP)
}

/**
 * A solve time out of the interval in which it lies: nobody sees more than that it was there at one poll and not at the one before.
 *
 * @param {number} after
 * @param {number} until
 * @param {number} count of the sample, from 1: neighbours lie at different places of their intervals
 */
export function sampleOf(after, until, count) {
  const from = Math.max(after, until - LOOK_BACK)
  return from + (until - from) * ((count * GOLDEN) % 1)
}

/** @param {number} leastGap @param {number} [refresh] tasks between two arrangements */
export function createAdaptive(leastGap, refresh = 16) {
  /** @type {number[]} */
  const seen = []
  let count = 0
  let saved = 0
  let instants = fixedInstants()
  return {
    plan: () => instants,
    learn(/** @type {number} */ after, /** @type {number} */ until, /** @type {number} */ polls) {
      const place = count % KEPT
      count++
      // One that was never ready in time is later than anything on the grid.
      seen[place] = Number.isFinite(until) ? sampleOf(after, until, count) : until
      // What the fixed schedule would have asked, less what was asked: the mean number of polls cannot stay above the fixed one's.
      const fixed = Math.ceil(Math.min(HORIZON, (after + until) / 2) / 3)
      const balance = saved + fixed - polls
      saved = Math.max(-CREDIT, Math.min(CREDIT, balance))
      if (count % refresh === 0) instants = instantsFor(seen, 1 + (SWAY * saved) / CREDIT, leastGap)
    },
  }
}
