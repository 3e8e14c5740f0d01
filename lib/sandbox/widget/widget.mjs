/** The local page: a mock of the `.cf-turnstile` widget and a form whose server side verifies the token. It sends no external request. */

import { readFileSync } from 'node:fs'
import { send } from '../http/reply.mjs'
import { secretFor } from './siteverify.mjs'

export const DEFAULT_SITEKEY = '0x4AAAAAAASandboxSitekey'
const DEFAULT_FIELD = 'cf-turnstile-response'

/** No inline code, and nothing from another host: what works here works on a strict site. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

/** The document of a widget's iframe: any page may show it. */
const CHALLENGE = '/cdn-cgi/challenge-platform/'
const CHALLENGE_POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; base-uri 'none'"
const CHALLENGE_PAGE = `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Widget</title>
<link rel="stylesheet" href="/widget/challenge.css">
<script src="/widget/challenge.js" defer></script>
</head>
<body><output></output></body>
</html>
`

const ASSETS = {
  '/turnstile/v0/api.js': { file: 'assets/api.js', type: 'text/javascript; charset=utf-8' },
  '/widget/page.js': { file: 'assets/page.js', type: 'text/javascript; charset=utf-8' },
  '/widget/page.css': { file: 'assets/page.css', type: 'text/css; charset=utf-8' },
  '/widget/challenge.js': { file: 'assets/challenge.js', type: 'text/javascript; charset=utf-8' },
  '/widget/challenge.css': { file: 'assets/challenge.css', type: 'text/css; charset=utf-8' },
}

/** @type {Map<string, Buffer>} */
const loaded = new Map()

/** @param {string} file */
function asset(file) {
  let bytes = loaded.get(file)
  if (!bytes) {
    bytes = readFileSync(new URL(file, import.meta.url))
    loaded.set(file, bytes)
  }
  return bytes
}

/** @param {unknown} value */
const escapeHtml = value => String(value).replace(/[&<>"']/g, character => `&#${character.charCodeAt(0)};`)

/** @param {import('../index.d.mts').WidgetPageOptions} [options] */
export function widgetPath({ sitekey, action, cdata, render, fieldName, submit, auto } = {}) {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries({ sitekey, action, cdata, render, fieldName, submit, auto })) {
    if (value !== undefined) query.set(name, String(value))
  }
  const text = query.toString()
  return text ? `/widget?${text}` : '/widget'
}

/**
 * @param {string} title
 * @param {string} head
 * @param {string} body
 */
const document = (title, head, body) => `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${title}</title>
<link rel="stylesheet" href="/widget/page.css">
${head}</head>
<body>
<main>
${body}</main>
</body>
</html>
`

/**
 * @param {Record<string, string>} values
 */
const attributes = values =>
  Object.entries(values)
    .map(([name, value]) => ` ${name}="${escapeHtml(value)}"`)
    .join('')

/** @param {URLSearchParams} query */
function widgetPage(query) {
  const sitekey = query.get('sitekey') || DEFAULT_SITEKEY
  const field = query.get('fieldName') || DEFAULT_FIELD
  const explicit = query.get('render') === 'explicit'
  const action = query.get('action')
  const cdata = query.get('cdata')
  // With explicit rendering, the script has the values, and there is no `.cf-turnstile` element.
  const prefix = explicit ? 'data-page-' : 'data-'
  const container = attributes({
    id: 'widget',
    ...(explicit ? {} : { class: 'cf-turnstile', 'data-callback': 'onTurnstileToken' }),
    [`${prefix}sitekey`]: sitekey,
    ...(action ? { [`${prefix}action`]: action } : {}),
    ...(cdata ? { [`${prefix}cdata`]: cdata } : {}),
    ...(field === DEFAULT_FIELD ? {} : { [`${prefix}response-field-name`]: field }),
  })
  const login = `/login?${new URLSearchParams({ sitekey, field })}`
  const body = attributes({
    'data-submit': query.get('submit') === 'callback' ? 'callback' : 'button',
    'data-auto': query.get('auto') === 'false' ? 'false' : 'true',
  })
  const api = `/turnstile/v0/api.js${explicit ? '?render=explicit&amp;onload=onTurnstileReady' : ''}`
  return document(
    'Sign in',
    `<script src="/widget/page.js" defer></script>\n<script src="${api}" defer></script>\n`,
    `<h1>Sign in</h1>
<form id="login" method="post" action="${escapeHtml(login)}"${body}>
<label>Name <input id="username" name="username" autocomplete="off"></label>
<div${container}></div>
<button id="submit" type="submit">Sign in</button>
</form>
<p>Token seen by the callback: <output id="callback-token"></output></p>
`,
  )
}

/**
 * @param {import('./siteverify.mjs').Verification} verification
 * @param {string} token
 */
function resultPage(verification, token) {
  const { success } = verification
  const row = (/** @type {string} */ name, /** @type {unknown} */ value) =>
    `<dt>${name}</dt><dd id="${name}">${escapeHtml(value ?? '')}</dd>\n`
  return document(
    success ? 'Welcome' : 'Not verified',
    '',
    `<h1 id="result" data-verified="${success}">${success ? 'verified' : 'not verified'}</h1>
<dl>
${row('error-codes', verification['error-codes'].join(' '))}${row('hostname', verification.hostname)}${row('action', verification.action)}${row('cdata', verification.cdata)}${row('token-length', token.length)}</dl>
<p><a id="back" href="/widget">Again</a></p>
`,
  )
}

/** @param {(fields: unknown) => import('./siteverify.mjs').Verification} verify */
export function createWidget(verify) {
  /**
   * @param {import('../http/server.mjs').Response} res
   * @param {number} status
   * @param {string} html
   */
  const sendPage = (res, status, html, policy = POLICY) =>
    send(res, status, html, {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': policy,
      'cache-control': 'no-store',
    })

  const paths = ['/widget', '/login', '/favicon.ico', ...Object.keys(ASSETS)]
  return {
    /** The name under which a path is counted; undefined if it is none of these. @param {string} path */
    pathOf: path => (path.startsWith(CHALLENGE) ? CHALLENGE : paths.find(known => known === path)),

    /** Whether a page of another origin may load it: a file of the widget, without state. @param {string} path */
    isEmbeddable: path =>
      path.startsWith(CHALLENGE) || path === '/turnstile/v0/api.js' || path.startsWith('/widget/challenge.'),

    /**
     * @param {import('../http/server.mjs').Request} req
     * @param {import('../http/server.mjs').Response} res
     * @param {string} path
     * @param {URLSearchParams} query
     * @param {Buffer} raw
     */
    answer(req, res, path, query, raw) {
      const method = path === '/login' ? 'POST' : 'GET'
      if (req.method !== method) {
        return send(res, 405, `Only ${method}\n`, { 'content-type': 'text/plain', allow: method })
      }
      if (path === '/favicon.ico') return send(res, 204, '', {})
      if (path.startsWith(CHALLENGE)) return sendPage(res, 200, CHALLENGE_PAGE, CHALLENGE_POLICY)
      if (path === '/widget') return sendPage(res, 200, widgetPage(query))
      if (path === '/login') {
        const token = new URLSearchParams(raw.toString()).get(query.get('field') || DEFAULT_FIELD) ?? ''
        const verification = verify({ secret: secretFor(query.get('sitekey') ?? ''), response: token })
        return sendPage(res, verification.success ? 200 : 403, resultPage(verification, token))
      }
      const { file, type } = ASSETS[/** @type {keyof typeof ASSETS} */ (path)]
      send(res, 200, asset(file), { 'content-type': type, 'cache-control': 'no-store' })
    },
  }
}
