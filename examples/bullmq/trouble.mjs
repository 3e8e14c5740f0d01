/**
 * What goes wrong in a run, on purpose. When it does is counted in what the vendor saw and not in seconds: a slow machine meets it at the
 * same points as a fast one.
 */

/** @typedef {import('turnstile-solver/sandbox').Sandbox} Sandbox */
/** @typedef {import('./crew.mjs').Crew} Crew */

/**
 * Kills workers as they buy and wait; chance decides when and whom. Two strikes in five hit a purchase, far more than chance in time would.
 *
 * @param {Sandbox} sandbox
 * @param {Crew} crew
 * @param {{ kills: number, jobs: number, seed: number }} plan
 */
export function killAtRandom(sandbox, crew, { kills, jobs, seed }) {
  const random = seeded(seed)
  // Each job is bought once and polled once at the least.
  const points = 2 * jobs
  /** @type {Set<number>} */
  const strikes = new Set()
  while (strikes.size < Math.min(kills, points)) strikes.add(1 + Math.floor(random() * points))
  let seen = 0
  let due = 0
  sandbox.events.on('event', ({ type }) => {
    if (type !== 'created' && type !== 'polled') return
    seen++
    if (strikes.has(seen)) due++
    if (due > 0 && crew.killOne(random())) due--
  })
}

/**
 * The worst moment of all: charged, and the answer still on its way.
 *
 * @param {Sandbox} sandbox
 * @param {number} task its number, from 1
 * @param {() => void} strike
 */
function inTheGap(sandbox, task, strike) {
  sandbox.addFault({ on: 'createTask', task, fault: 'slow', delayMs: 1500 })
  sandbox.events.on('event', event => {
    if (event.type === 'created' && event.ordinal === task) strike()
  })
}

/** @param {Sandbox} sandbox @param {Crew} crew @param {number} task */
export function killInTheGap(sandbox, crew, task) {
  inTheGap(sandbox, task, crew.killAll)
}

/**
 * Freezes all workers in the gap, until others have found the job without an id. Settles when a frozen one, awake again, has the token.
 *
 * @param {Sandbox} sandbox
 * @param {Crew} crew
 * @param {import('bullmq').QueueEvents} events
 * @param {number} task
 * @returns {Promise<void>}
 */
export function freezeInTheGap(sandbox, crew, events, task) {
  inTheGap(sandbox, task, () => events.once('failed', crew.freeze()))
  return new Promise(resolve => {
    sandbox.events.on('event', event => {
      if (event.type === 'delivered' && event.ordinal === task) resolve()
    })
  })
}

/**
 * Takes Redis away in the gap, and gives it back.
 *
 * @param {Sandbox} sandbox
 * @param {{ restart: () => Promise<void> }} redis
 * @param {number} task
 * @returns {Promise<void>}
 */
export function restartInTheGap(sandbox, redis, task) {
  return new Promise((resolve, reject) => {
    inTheGap(sandbox, task, () => redis.restart().then(resolve, reject))
  })
}

/**
 * `refuse` answers 429, and polls with a 503; `account` knows the key no more; `lose` acts on a purchase and answers with a gateway's page, so
 * that nobody is told what was bought. The vendor is back after so many seconds; without them, when the balance was asked for often enough: then nobody has to wait to see the patience.
 *
 * @param {Sandbox} sandbox
 * @param {{ kind: string, from: number, seconds?: number }} plan from which createTask on
 */
export function takeVendorAway(sandbox, { kind, from, seconds }) {
  const times = Number.POSITIVE_INFINITY
  const refused = /** @type {const} */ ({ fault: 'error', errorCode: 'ERROR_KEY_DOES_NOT_EXIST', times })
  if (kind === 'lose') {
    sandbox.addFault({ on: 'createTask', nth: from, times, fault: '502', accepted: true })
  } else if (kind === 'account') {
    sandbox.addFault({ on: 'createTask', nth: from, ...refused })
  } else {
    sandbox.addFault({ on: 'createTask', nth: from, times, fault: '429' })
  }
  sandbox.addFault({ on: 'getBalance', ...(kind === 'account' ? refused : { times, fault: '503' }) })
  let asked = 0
  let begun = false
  sandbox.events.on('event', event => {
    if (event.type !== 'fault') return
    if (!begun) {
      begun = true
      if (kind === 'refuse') sandbox.addFault({ on: 'getTaskResult', times, fault: '503' })
      if (seconds) setTimeout(() => sandbox.clearFaults(), seconds * 1000)
    }
    if (event.call === 'getBalance') asked++
    if (!seconds && asked === 8) sandbox.clearFaults()
  })
}

/** A small generator, so that a run can be had again. @param {number} seed */
function seeded(seed) {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
