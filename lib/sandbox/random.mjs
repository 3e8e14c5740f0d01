/**
 * Seeded values. Each is a function of the seed and of a purpose that names the task, and not of a shared sequence, so that two runs
 * with the same seed agree task by task, in whatever order their requests arrive.
 */

import { createHash } from 'node:crypto'

/**
 * SHA-512 in counter mode.
 * @param {string} seed
 * @param {string} purpose
 * @param {number} length
 */
function bytes(seed, purpose, length) {
  const blocks = Array.from({ length: Math.ceil(length / 64) }, (_, n) =>
    createHash('sha512').update(`${seed}, ${purpose}, ${n}`).digest(),
  )
  return Buffer.concat(blocks, length)
}

/**
 * A number in [0, 1).
 * @param {string} seed
 * @param {string} purpose
 */
export const unit = (seed, purpose) => bytes(seed, purpose, 6).readUIntBE(0, 6) / 2 ** 48

/** What Cloudflare's tokens look like: `0.` and three sections, here of 285, 16 and 32 bytes. */
const TOKEN = /^0\.[\w-]{380}\.[\w-]{22}\.([0-9a-f]{64})$/

/** @param {string} seed */
export function createIdentities(seed) {
  const mask = bytes(seed, 'mask', 4).readUInt32BE()

  const identities = {
    /** @param {number} taskNumber */
    uuid(taskNumber) {
      const id = bytes(seed, `task ${taskNumber}`, 16)
      // Version 4 and its variant (RFC 9562).
      id[6] = (id[6] & 0x0f) | 0x40
      id[8] = (id[8] & 0x3f) | 0x80
      return id.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
    },

    /**
     * Unique, above 32 bits, exact as a JavaScript number.
     * @param {number} taskNumber
     */
    integer(taskNumber) {
      return 10_000_000_000 + taskNumber * 1000 + Math.floor(unit(seed, `task ${taskNumber}`) * 1000)
    },

    /** @param {number} count */
    requestId: count => bytes(seed, `request ${count}`, 8).toString('hex'),

    /**
     * The last section encodes the task's number, so that a token is recognised without being stored.
     * @param {number} taskNumber
     */
    token(taskNumber) {
      const random = bytes(seed, `token ${taskNumber}`, 285 + 16 + 32)
      random.writeUInt32BE((taskNumber ^ mask) >>> 0, 301)
      const sections = [random.toString('base64url', 0, 285), random.toString('base64url', 285, 301)]
      return `0.${sections.join('.')}.${random.toString('hex', 301)}`
    },

    /**
     * The number of the task whose token this is, or 0.
     * @param {string} token
     */
    taskNumberOf(token) {
      const last = TOKEN.exec(token)?.[1]
      if (!last) return 0
      const taskNumber = (Number.parseInt(last.slice(0, 8), 16) ^ mask) >>> 0
      return identities.token(taskNumber) === token ? taskNumber : 0
    },
  }
  return identities
}

/** @typedef {ReturnType<typeof createIdentities>} Identities */
