/** A middleware that lets a form through only with a Turnstile token that Cloudflare, or a stand-in, calls good. */

import { randomUUID } from 'node:crypto'

const CLOUDFLARE = 'https://challenges.cloudflare.com/turnstile/v0/siteverify'
/** As Cloudflare documents it: a longer one is none. */
const LONGEST_TOKEN = 2048
const TRIES = 2

/** @typedef {{ success: boolean, hostname?: string, action?: string, 'error-codes': string[] }} Verdict */

/**
 * @typedef {object} Settings
 * @property {string} secret the widget's secret
 * @property {readonly string[]} hostnames where the widget may have been answered
 * @property {string} [action] the widget's action, if it has one
 * @property {string} [siteverifyURL] another than Cloudflare's
 * @property {number} [timeoutMs] for one question to it
 */

/**
 * @param {Settings} settings
 * @returns {import('express').RequestHandler}
 */
export function requireTurnstile({ hostnames, action, ...settings }) {
  return async (req, res, next) => {
    const token = req.body?.['cf-turnstile-response']
    if (typeof token !== 'string' || token === '' || token.length > LONGEST_TOKEN) {
      return void res.status(403).json({ errors: ['missing-input-response'] })
    }
    const verdict = await ask(token, req.ip, settings).catch(error => {
      console.error(`siteverify does not answer: ${error.message}`)
    })
    // Who cannot be asked has not said yes.
    if (!verdict)
      return void res
        .status(503)
        .set('retry-after', '5')
        .json({ errors: ['unavailable'] })
    if (!verdict.success) return void res.status(403).json({ errors: verdict['error-codes'] })
    // A token of another site's widget, or of another form, is good as well, but not here.
    if (!hostnames.includes(verdict.hostname ?? '')) {
      return void res.status(403).json({ errors: ['wrong-hostname'] })
    }
    if (action !== undefined && verdict.action !== action) {
      return void res.status(403).json({ errors: ['wrong-action'] })
    }
    next()
  }
}

/**
 * A token is good once. With the same idempotency key the question may be repeated when its answer got lost.
 *
 * @param {string} token
 * @param {string | undefined} remoteip
 * @param {Omit<Settings, 'hostnames' | 'action'>} settings
 * @returns {Promise<Verdict>}
 */
async function ask(token, remoteip, { secret, siteverifyURL = CLOUDFLARE, timeoutMs = 5000 }) {
  const question = { secret, response: token, remoteip, idempotency_key: randomUUID() }
  for (let left = TRIES - 1; ; left -= 1) {
    try {
      const answer = await fetch(siteverifyURL, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(question),
        signal: AbortSignal.timeout(timeoutMs),
      })
      if (answer.status >= 500) throw new Error(`HTTP ${answer.status}`)
      return /** @type {Verdict} */ (await answer.json())
    } catch (error) {
      if (left === 0) throw error
    }
  }
}
