/** Bans a key or an address that was refused too often. The rules are in the provider's record. */

import { createHash } from 'node:crypto'

/**
 * @typedef {object} BanRule
 * @property {'key' | 'address'} by what is banned
 * @property {string[] | null} calls calls whose replies count; null for all
 * @property {string[] | null} codes which codes count; null for every error
 * @property {number} limit error replies
 * @property {number} windowMs
 * @property {number} banMs
 */

/** Keys and addresses that are kept at most, so that many different keys cannot fill the memory. */
const REMEMBERED = 10_000
const MAX_KEY = 100

/** What is kept of a key: of a long one, its digest. @param {string} key */
export const shortKey = key =>
  key.length > MAX_KEY ? createHash('sha256').update(key).digest('base64url') : key

/**
 * @template K, V
 * @param {Map<K, V>} map
 * @param {K} key
 * @param {V} value
 */
function remember(map, key, value) {
  if (map.size >= REMEMBERED && !map.has(key)) map.delete(/** @type {K} */ (map.keys().next().value))
  map.set(key, value)
}

/**
 * @param {BanRule[]} rules
 * @param {() => number} now
 */
export function createBans(rules, now) {
  /** @type {Map<string, number>} */
  const bannedUntil = new Map()
  /** @type {Map<string, number[]>[]} */
  const windows = rules.map(() => new Map())
  let count = 0

  return {
    get count() {
      return count
    },

    /**
     * Until when this key or this address is banned; 0 if it is not.
     * @param {string} key
     * @param {string} address
     */
    until(key, address) {
      if (bannedUntil.size === 0) return 0
      const until = Math.max(
        bannedUntil.get(`key ${shortKey(key)}`) ?? 0,
        bannedUntil.get(`address ${address}`) ?? 0,
      )
      return until > now() ? until : 0
    },

    /**
     * Bans a key at once. Returns the end of the ban.
     * @param {string} key
     * @param {number} ms
     */
    ban(key, ms) {
      const until = now() + ms
      remember(bannedUntil, `key ${shortKey(key)}`, until)
      count++
      return until
    },

    /**
     * Counts one error reply. Returns the end of the ban that it causes, or 0.
     * @param {string} call
     * @param {string} code
     * @param {string} key
     * @param {string} address
     */
    record(call, code, key, address) {
      let until = 0
      rules.forEach((rule, index) => {
        if (rule.calls && !rule.calls.includes(call)) return
        if (rule.codes && !rule.codes.includes(code)) return
        const subject = `${rule.by} ${rule.by === 'key' ? shortKey(key) : address}`
        const at = now()
        const times = (windows[index].get(subject) ?? []).filter(time => time > at - rule.windowMs)
        times.push(at)
        if (times.length < rule.limit) {
          remember(windows[index], subject, times)
          return
        }
        windows[index].delete(subject)
        remember(bannedUntil, subject, Math.max(bannedUntil.get(subject) ?? 0, at + rule.banMs))
        count++
        until = Math.max(until, at + rule.banMs)
      })
      return until
    },
  }
}

/** @typedef {ReturnType<typeof createBans>} Bans */
