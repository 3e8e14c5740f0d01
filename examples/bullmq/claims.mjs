/**
 * Who may buy for a job: one try, unless the vendor surely created nothing.
 *
 * The claim is a key beside the job and not a field of its data, because taking it has to be atomic: a worker that was frozen past its lock
 * wakes up next to the worker that took its job over, and both would read data without a task.
 */

import { randomUUID } from 'node:crypto'
import { QUEUE } from './fleet.mjs'

/** Far longer than a vendor keeps a task; a claim that nobody gives back does not stay for ever. */
const KEEP_SECONDS = 7 * 24 * 3600

/** @param {string} jobId */
const claimKey = jobId => `${QUEUE}-claim:${jobId}`
const outageKey = `${QUEUE}-outage`
const restingKey = `${QUEUE}-resting`

const deleteIfEqual = `if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end`

/** @param {import('ioredis').Redis} redis */
export function createClaims(redis) {
  return {
    /** The claim, or nothing if somebody has it. @param {string} jobId @param {string} owner */
    async take(jobId, owner) {
      const claim = `${owner} ${randomUUID()}`
      const key = claimKey(jobId)
      if ((await redis.set(key, claim, 'EX', KEEP_SECONDS, 'NX')) === 'OK') return claim
      // When the connection breaks, a command is sent again, and the first copy may have been heard: the claim is our own then.
      return (await redis.get(key)) === claim ? claim : undefined
    },
    /** Only where it is certain that nothing was bought. @param {string} jobId @param {string} claim */
    giveBack: async (jobId, claim) => void (await redis.eval(deleteIfEqual, 1, claimKey(jobId), claim)),

    /** The vendor is in trouble: until it is seen well again, nobody buys without asking first. @param {number} restMs */
    async outageBegins(restMs) {
      await redis.set(outageKey, '1')
      await redis.set(restingKey, '1', 'PX', restMs)
    },
    isResting: async () => (await redis.exists(restingKey)) === 1,
    outageEnds: async () => void (await redis.del(outageKey)),
    isOutage: async () => (await redis.exists(outageKey)) === 1,
  }
}

/** @typedef {ReturnType<typeof createClaims>} Claims */
