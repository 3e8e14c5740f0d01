import { unit } from '../../lib/sandbox/random.mjs'

/** A sequence of numbers in [0, 1): the same seed gives the same sequence. @param {number} seed */
export function createRandom(seed) {
  let drawn = 0
  return () => unit(`${seed}`, `${drawn++}`)
}
