/** The application under test: a login form with a Turnstile widget, whose server verifies the token. */

import { createServer } from 'node:http'

/** @param {unknown} value */
const escaped = value => String(value).replace(/[&<>"']/g, character => `&#${character.charCodeAt(0)};`)

/** @param {string} title @param {string} body */
const page = (title, body) =>
  `<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>${title}</title><h1>${title}</h1>${body}</html>`

/**
 * @param {object} settings
 * @param {string} settings.sitekey
 * @param {string} settings.secret
 * @param {string} [settings.script] Cloudflare's, or a stand-in
 * @param {string} [settings.siteverifyURL] Cloudflare's, or a stand-in
 */
export async function startApp({
  sitekey,
  secret,
  script = 'https://challenges.cloudflare.com/turnstile/v0/api.js',
  siteverifyURL = 'https://challenges.cloudflare.com/turnstile/v0/siteverify',
}) {
  const login = page(
    'Sign in',
    `<script src="${escaped(script)}" defer></script>
<form method="post">
<label>Name <input name="username"></label>
<div class="cf-turnstile" data-sitekey="${escaped(sitekey)}"></div>
<button>Sign in</button>
</form>`,
  )

  /** @param {URLSearchParams} form */
  const verified = async form => {
    const body = new URLSearchParams({ secret, response: form.get('cf-turnstile-response') ?? '' })
    const response = await fetch(siteverifyURL, { method: 'POST', body })
    return /** @type {{ success: boolean, 'error-codes': string[] }} */ (await response.json())
  }

  const server = createServer(async (req, res) => {
    const send = (/** @type {number} */ status, /** @type {string} */ html) =>
      res.writeHead(status, { 'content-type': 'text/html; charset=utf-8' }).end(html)
    if (req.method !== 'POST') return send(200, login)
    let text = ''
    for await (const chunk of req) text += chunk
    const form = new URLSearchParams(text)
    const { success, 'error-codes': errors } = await verified(form)
    if (!success) return send(403, page('Not signed in', `<p role="alert">${escaped(errors)}</p>`))
    send(200, page('Welcome', `<p>Hello, ${escaped(form.get('username'))}.</p>`))
  })
  await new Promise(resolve => server.listen(0, '127.0.0.1', () => resolve(undefined)))
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  return {
    url: `http://127.0.0.1:${port}/`,
    close() {
      server.closeAllConnections()
      return new Promise(resolve => server.close(resolve))
    },
  }
}
