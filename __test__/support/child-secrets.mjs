/** How a secret may be spelt, and everything that an error shows of itself. */

import assert from 'node:assert/strict'
import { inspect } from 'node:util'

/** @param {string} secret */
export function spellings(secret) {
  const escaped = [...secret].map(char => `%${char.charCodeAt(0).toString(16).padStart(2, '0')}`).join('')
  // In base64 a secret reads in three ways, by what stands before it; the edges depend on the neighbours.
  const shifted = ['', 'x', 'xy'].flatMap((before, offset) =>
    /** @type {const} */ (['base64', 'base64url']).map(alphabet => {
      const text = Buffer.from(before + secret).toString(alphabet)
      return text.slice(Math.ceil((offset * 8) / 6), Math.floor(((offset + secret.length) * 8) / 6))
    }),
  )
  const json = JSON.stringify(secret).slice(1, -1)
  const all = [secret, json, encodeURIComponent(secret), escaped, escaped.toUpperCase(), ...shifted]
  return [...new Set(all)].filter(text => text.length > 7)
}

/** Every text that somebody might log. @param {unknown} value @returns {string} */
export function everythingShown(value) {
  /** @type {string[]} */
  const texts = []
  const seen = new Set()
  /** @param {any} part */
  const collect = part => {
    if (typeof part === 'string') texts.push(part)
    if (typeof part !== 'object' || part === null || seen.has(part)) return
    seen.add(part)
    for (const name of Reflect.ownKeys(part)) {
      texts.push(String(name))
      collect(part[name])
    }
    if (part instanceof Error) texts.push(String(part), part.stack ?? '', part.message)
    collect(Object.getPrototypeOf(part) === Object.prototype ? undefined : Object.getPrototypeOf(part)?.name)
  }
  collect(value)
  texts.push(
    inspect(value, { depth: Infinity, showHidden: true, getters: true }),
    JSON.stringify(value) ?? '',
  )
  return texts.join('\n')
}

/**
 * @param {string} text
 * @param {string[]} secrets
 * @param {string} [where]
 */
export function assertTellsNone(text, secrets, where = '') {
  for (const secret of secrets) {
    for (const spelling of spellings(secret)) {
      const at = text.indexOf(spelling)
      if (at >= 0) {
        assert.fail(`${where} contains ${spelling}:\n${text.slice(Math.max(at - 200, 0), at + 200)}`)
      }
    }
  }
}
