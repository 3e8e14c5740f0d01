/**
 * Solve times in seconds. Vendors say 10 to 80 s, 120 s at most, and publish no distribution: these are guesses at its shape, wide enough
 * that a schedule which needs one of them in particular shows it.
 */

/** @typedef {import('./random.mjs').Random} Random */
/** @typedef {{ name: string, draw: (random: Random, progress: number) => number }} Distribution  progress: 0 to 1 over the run */

/** @param {Random} random @param {number} median @param {number} sigma */
const logNormal = (random, median, sigma) => median * Math.exp(sigma * random.normal())

/** What a log-normal of this sigma has between its 5th and 95th percentile: a factor of 5. */
const SIGMA = 0.5

/** @type {Distribution[]} */
export const distributions = [
  { name: 'log-normal, median 8 s', draw: random => logNormal(random, 8, SIGMA) },
  { name: 'log-normal, median 15 s', draw: random => logNormal(random, 15, SIGMA) },
  { name: 'log-normal, median 40 s', draw: random => logNormal(random, 40, SIGMA) },
  {
    name: 'bimodal, 12 s and 45 s',
    draw: random => (random.unit() < 0.6 ? logNormal(random, 12, 0.25) : logNormal(random, 45, 0.2)),
  },
  {
    name: 'heavy tail',
    draw: random =>
      random.unit() < 0.75 ? logNormal(random, 12, 0.35) : 15 * (1 - random.unit()) ** (-1 / 1.1),
  },
  {
    name: 'drifting, 10 s to 40 s',
    draw: (random, progress) => logNormal(random, 10 * 4 ** progress, 0.35),
  },
  {
    name: 'jumping, 12 s and 35 s by turns',
    draw: (random, progress) => logNormal(random, Math.floor(progress * 10) % 2 === 0 ? 12 : 35, 0.3),
  },
  { name: 'uniform, 10 s to 80 s', draw: random => 10 + 70 * random.unit() },
]

/** How narrow it would have to be. @type {Distribution[]} */
export const widths = [0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.7].flatMap(sigma =>
  [15, 40].map(median => ({
    name: `median ${median} s, sigma ${sigma}`,
    draw: (/** @type {Random} */ random) => logNormal(random, median, sigma),
  })),
)
