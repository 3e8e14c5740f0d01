/** A middleware that passes a form on only if `siteverify` accepts its Turnstile token. */

import { randomUUID } from 'node:crypto'

const CLOUDFLARE = 'https://challenges.cloudflare.com/turnstile/v0/siteverify'
/** From the documentation of Cloudflare. */
const MAX_TOKEN_LENGTH = 2048
const MAX_ATTEMPTS = 2

/** @typedef {{ success: boolean, hostname?: string, action?: string, 'error-codes': string[] }} VerificationResult */

/**
 * @typedef {object} Settings
 * @property {string} secret the widget's secret
 * @property {readonly string[]} hostnames the hosts that a token may be for
 * @property {string} [action] the action of the widget, if it has one
 * @property {string} [siteverifyURL] a sandbox's, for example; Cloudflare's by default
 * @property {number} [timeoutMs] timeout of one request to `siteverify`
 */

/**
 * @param {Settings} settings
 * @returns {import('express').RequestHandler}
 */
export function requireTurnstile({ hostnames, action, ...settings }) {
  return async (req, res, next) => {
    const token = req.body?.['cf-turnstile-response']
    if (typeof token !== 'string' || token === '' || token.length > MAX_TOKEN_LENGTH) {
      return void res.status(403).json({ errors: ['missing-input-response'] })
    }
    const result = await verify(token, req.ip, settings).catch(error => {
      console.error(`siteverify failed: ${error.message}`)
    })
    // A token that could not be verified is not accepted.
    if (!result)
      return void res
        .status(503)
        .set('retry-after', '5')
        .json({ errors: ['unavailable'] })
    if (!result.success) return void res.status(403).json({ errors: result['error-codes'] })
    // Tokens of other sites and other forms are valid too.
    if (!hostnames.includes(result.hostname ?? '')) {
      return void res.status(403).json({ errors: ['wrong-hostname'] })
    }
    if (action !== undefined && result.action !== action) {
      return void res.status(403).json({ errors: ['wrong-action'] })
    }
    next()
  }
}

/**
 * A token is valid once. If a reply is lost, the request is repeated with the same idempotency key, so that it is not a second use.
 *
 * @param {string} token
 * @param {string | undefined} remoteip
 * @param {Omit<Settings, 'hostnames' | 'action'>} settings
 * @returns {Promise<VerificationResult>}
 */
async function verify(token, remoteip, { secret, siteverifyURL = CLOUDFLARE, timeoutMs = 5000 }) {
  const body = { secret, response: token, remoteip, idempotency_key: randomUUID() }
  for (let attempt = 1; ; attempt += 1) {
    try {
      const response = await fetch(siteverifyURL, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(timeoutMs),
      })
      if (response.status >= 500) throw new Error(`HTTP ${response.status}`)
      return /** @type {VerificationResult} */ (await response.json())
    } catch (error) {
      if (attempt === MAX_ATTEMPTS) throw error
    }
  }
}
