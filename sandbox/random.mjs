/**
 * Seeded values. Everything is a function of (seed, purpose, number) and never of a shared sequence, so that
 * two runs with one seed agree task by task, however their requests interleave.
 */

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const PURPOSE = { id: 1, token: 2, mask: 3, request: 4 }

/**
 * @param {number} hash
 * @param {number} value
 */
function step(hash, value) {
  let h = Math.imul(hash ^ value, 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) + 0x9e3779b9
}

/**
 * An unsigned 32-bit hash of a few integers.
 * @param {number} seed
 * @param {number} a
 * @param {number} [b]
 * @param {number} [c]
 */
export function hash(seed, a, b = 0, c = 0) {
  return step(step(step(step(seed, a), b), c), 0x27d4eb2f) >>> 0
}

/**
 * A number in [0, 1).
 * @param {number} seed
 * @param {number} a
 * @param {number} [b]
 * @param {number} [c]
 */
export function unit(seed, a, b = 0, c = 0) {
  return hash(seed, a, b, c) / 2 ** 32
}

/** @param {number} value */
const hex8 = value => value.toString(16).padStart(8, '0')

/**
 * Folds the user's seed and the provider's name into 32 bits: two providers under one seed must not share ids.
 * @param {number} seed
 * @param {string} name
 */
export function foldSeed(seed, name) {
  let folded = hash(seed >>> 0, Math.floor(Math.abs(seed) / 2 ** 32), seed < 0 ? 1 : 0)
  for (let i = 0; i < name.length; i++) folded = hash(folded, name.charCodeAt(i))
  return folded
}

/** @param {number} seed a folded one */
export function createIdentities(seed) {
  const mask = hash(seed, PURPOSE.mask)

  /**
   * @param {number} ordinal
   * @param {number} from
   * @param {number} length
   */
  const letters = (ordinal, from, length) => {
    let text = ''
    for (let word = from; text.length < length; word++) {
      let bits = hash(seed, PURPOSE.token, ordinal, word)
      for (let i = 0; i < 5 && text.length < length; i++, bits >>>= 6) text += ALPHABET[bits & 63]
    }
    return text
  }

  const identities = {
    /** @param {number} ordinal */
    uuid(ordinal) {
      const a = hex8(hash(seed, PURPOSE.id, ordinal, 1))
      const b = hex8(hash(seed, PURPOSE.id, ordinal, 2))
      const c = hex8(hash(seed, PURPOSE.id, ordinal, 3))
      const d = hex8(hash(seed, PURPOSE.id, ordinal, 4))
      const variant = '89ab'[Number.parseInt(c[0], 16) & 3]
      return `${a}-${b.slice(0, 4)}-4${b.slice(5)}-${variant}${c.slice(1, 4)}-${c.slice(4)}${d}`
    },

    /**
     * Unique, above 32 bits, exact as a JavaScript number.
     * @param {number} ordinal
     */
    integer(ordinal) {
      return 10_000_000_000 + ordinal * 1000 + (hash(seed, PURPOSE.id, ordinal) % 1000)
    },

    /** @param {number} count */
    requestId(count) {
      return hex8(hash(seed, PURPOSE.request, count, 1)) + hex8(hash(seed, PURPOSE.request, count, 2))
    },

    /**
     * Looks like Cloudflare's: `0.` and three sections. The last one hides the ordinal, so that a token can be
     * recognised years of tasks later without being kept.
     * @param {number} ordinal
     */
    token(ordinal) {
      let tail = hex8((ordinal ^ mask) >>> 0)
      for (let word = 0; word < 7; word++) tail += hex8(hash(seed, PURPOSE.token, ordinal, 1000 + word))
      return `0.${letters(ordinal, 0, 380)}.${letters(ordinal, 500, 22)}.${tail}`
    },

    /**
     * The ordinal of the task whose token this is, or 0.
     * @param {string} token
     */
    ordinalOf(token) {
      const tail = /^0\.[\w-]{380}\.[\w-]{22}\.([0-9a-f]{64})$/.exec(token)?.[1]
      if (!tail) return 0
      const ordinal = (Number.parseInt(tail.slice(0, 8), 16) ^ mask) >>> 0
      return identities.token(ordinal) === token ? ordinal : 0
    },
  }
  return identities
}

/** @typedef {ReturnType<typeof createIdentities>} Identities */
