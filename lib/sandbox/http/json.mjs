/** JSON from clients. */

/** Deeper JSON cannot be handled safely everywhere: cloning and printing are recursive. No known client sends it. */
export const MAX_DEPTH = 100

const QUOTE = 0x22
const BACKSLASH = 0x5c
const BRACKET = 0x5b
const BRACE = 0x7b

/** @param {Uint8Array} bytes */
function isTooDeep(bytes) {
  let depth = 0
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]
    if (byte === QUOTE) {
      for (at++; at < bytes.length && bytes[at] !== QUOTE; at++) if (bytes[at] === BACKSLASH) at++
    } else if (byte === BRACKET || byte === BRACE) {
      if (++depth > MAX_DEPTH) return true
    } else if (byte === BRACKET + 2 || byte === BRACE + 2) depth--
  }
  return false
}

/** The value, or undefined if it is not valid or nested too deeply. @param {Buffer} raw @returns {any} */
export function parseJson(raw) {
  if (isTooDeep(raw)) return undefined
  try {
    return JSON.parse(raw.toString())
  } catch {
    return undefined
  }
}
