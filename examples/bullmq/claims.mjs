/**
 * Which worker may create a task for a job: one, once, unless the provider certainly created nothing.
 *
 * The claim is a key beside the job and not a field of its data, because taking it has to be atomic: a worker that was frozen for longer
 * than its lock resumes beside the worker that took its job over, and both would read data without a task.
 */

import { randomUUID } from 'node:crypto'
import { QUEUE } from './config.mjs'

/** Far longer than a provider keeps a task; a claim that is never released expires all the same. */
const CLAIM_SECONDS = 7 * 24 * 3600

/** @param {string} jobId */
const claimKey = jobId => `${QUEUE}-claim:${jobId}`
const outageKey = `${QUEUE}-outage`
const pausedKey = `${QUEUE}-paused`

const deleteIfEqual = `if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end`

/** @param {import('ioredis').Redis} redis */
export function createClaims(redis) {
  return {
    /** The claim, or nothing if another worker has it. @param {string} jobId @param {string} owner */
    async take(jobId, owner) {
      const claim = `${owner} ${randomUUID()}`
      const key = claimKey(jobId)
      if ((await redis.set(key, claim, 'EX', CLAIM_SECONDS, 'NX')) === 'OK') return claim
      // When a connection breaks, the command is sent again, and the first copy may have been executed: then the claim is our own.
      return (await redis.get(key)) === claim ? claim : undefined
    },
    /** Only where it is certain that no task was created. @param {string} jobId @param {string} claim */
    release: async (jobId, claim) => void (await redis.eval(deleteIfEqual, 1, claimKey(jobId), claim)),

    /** The provider is unavailable: no worker creates a task until a balance was returned. @param {number} pauseMs */
    async startOutage(pauseMs) {
      await redis.set(outageKey, '1')
      await redis.set(pausedKey, '1', 'PX', pauseMs)
    },
    isPaused: async () => (await redis.exists(pausedKey)) === 1,
    endOutage: async () => void (await redis.del(outageKey)),
    isOutage: async () => (await redis.exists(outageKey)) === 1,
  }
}

/** @typedef {ReturnType<typeof createClaims>} Claims */
