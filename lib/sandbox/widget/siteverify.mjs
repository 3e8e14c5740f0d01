/** Cloudflare's `/turnstile/v0/siteverify`, as documented: secrets, dummy token, single use, expiry, codes. */

import { parseJson } from '../http/json.mjs'
import { isObject, textOf } from '../providers/validation.mjs'
import { DUMMY_TOKEN } from '../store.mjs'

/** The secret that verifies tokens issued by a sandbox. It is invented, and the same for every sandbox. */
export const SANDBOX_SECRET = '0x4AAAAAAASandboxSecretKey00000000000'

export const TOKEN_LIFE_MS = 300_000
const MAX_TOKEN_LENGTH = 2048
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** Test secret -> the code it always fails with; null passes. @type {Record<string, string | null>} */
const TEST_SECRETS = {
  '1x0000000000000000000000000000000AA': null,
  '2x0000000000000000000000000000000AA': 'invalid-input-response',
  '3x0000000000000000000000000000000AA': 'timeout-or-duplicate',
}

/** The secret that belongs to a sitekey, for the local page. @param {string} sitekey */
export function secretFor(sitekey) {
  if (/^[13]x0{20}(AA|BB|FF)$/.test(sitekey)) return '1x0000000000000000000000000000000AA'
  return /^2x0{20}(AB|BB)$/.test(sitekey) ? '2x0000000000000000000000000000000AA' : SANDBOX_SECRET
}

/**
 * @typedef {object} Verification
 * @property {boolean} success
 * @property {string[]} error-codes
 * @property {string[]} [messages]
 * @property {string} [challenge_ts]
 * @property {string} [hostname]
 * @property {string} [action]
 * @property {string} [cdata]
 * @property {Record<string, unknown>} [metadata]
 */

/**
 * @param {string[]} codes
 * @returns {Verification}
 */
const failure = (...codes) => ({ success: false, 'error-codes': codes, messages: [] })

/**
 * @param {object} parts
 * @param {import('../store.mjs').Store} parts.store
 * @param {() => number} parts.now
 */
export function createSiteverify({ store, now }) {
  /**
   * @param {import('../store.mjs').Task} task
   * @param {string} idempotencyKey
   */
  const verifyIssued = (task, idempotencyKey) => {
    const { verification } = task
    // The same idempotency key gets the same reply: a lost reply can be fetched again.
    if (verification && idempotencyKey && verification.idempotencyKey === idempotencyKey)
      return verification.reply
    if (verification || now() >= task.readyAt + TOKEN_LIFE_MS) return failure('timeout-or-duplicate')
    /** @type {Verification} */
    const reply = {
      success: true,
      'error-codes': [],
      challenge_ts: new Date(task.readyAt).toISOString(),
      ...task.binding,
    }
    task.verification = { idempotencyKey, reply }
    return reply
  }

  /**
   * The reply, and the task whose token it is about, if it is known.
   * @param {unknown} fields `{ secret, response, remoteip?, idempotency_key? }`
   * @returns {{ reply: Verification, task?: import('../store.mjs').Task }}
   */
  return fields => {
    if (!isObject(fields)) return { reply: failure('bad-request') }
    const {
      secret,
      response,
      idempotency_key: idempotencyKey = '',
    } = /** @type {Record<string, any>} */ (fields)
    const missing = []
    if (!secret) missing.push('missing-input-secret')
    if (!response) missing.push('missing-input-response')
    if (missing.length > 0) return { reply: failure(...missing) }
    if (typeof secret !== 'string') return { reply: failure('invalid-input-secret') }
    if (typeof response !== 'string' || response.length > MAX_TOKEN_LENGTH)
      return { reply: failure('invalid-input-response') }
    if (idempotencyKey !== '' && !UUID.test(textOf(idempotencyKey))) return { reply: failure('bad-request') }

    if (Object.hasOwn(TEST_SECRETS, secret)) {
      const code = response === DUMMY_TOKEN ? TEST_SECRETS[secret] : 'invalid-input-response'
      if (code) return { reply: failure(code) }
      return {
        reply: {
          success: true,
          'error-codes': [],
          challenge_ts: new Date(now()).toISOString(),
          hostname: 'example.com',
          action: '',
          cdata: '',
          metadata: { result_with_testing_key: true },
        },
      }
    }
    if (secret !== SANDBOX_SECRET) return { reply: failure('invalid-input-secret') }
    const task = store.tokenOwner(response)
    if (task === null) return { reply: failure('invalid-input-response') }
    if (task === 'gone') return { reply: failure('timeout-or-duplicate') }
    return { reply: verifyIssued(task, idempotencyKey), task }
  }
}

/**
 * The fields of a request in any of the encodings that the endpoint reads; null if it reads none of it.
 * @param {Buffer} raw
 * @param {string} contentType
 * @returns {Promise<Record<string, unknown> | null>}
 */
export async function readFields(raw, contentType) {
  try {
    if (/^application\/json\b/i.test(contentType)) return parseJson(raw) ?? null
    if (/^application\/x-www-form-urlencoded\b/i.test(contentType)) {
      return Object.fromEntries(new URLSearchParams(raw.toString()))
    }
    if (/^multipart\/form-data\b/i.test(contentType)) {
      const form = await new Response(new Uint8Array(raw), {
        headers: { 'content-type': contentType },
      }).formData()
      return Object.fromEntries(form)
    }
  } catch {}
  return null
}
