/** A site on loopback with Turnstile widgets of all kinds. Its server verifies every token, and its policy for scripts is strict. */

import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'

/** @typedef {Record<string, string | undefined>} Query */
/** @typedef {{ into: string, params: Record<string, unknown> }} Rendered a widget that a script renders, and where */
/** @typedef {Record<string, string | Rendered[] | undefined>} PageConfig attributes of the page's widget, or widgets for its script */
/** @typedef {{ fields: Record<string, string>, verification: { success: boolean, 'error-codes': string[], action?: string } }} Submission */

const SITEKEY = '0x4AAAAAAATestSitekey'
const folder = new URL('../browser/pages/', import.meta.url)
const require = createRequire(import.meta.url)
const types = { js: 'text/javascript', css: 'text/css', html: 'text/html' }

/** @param {unknown} value */
const escaped = value => String(value).replace(/[&<>"']/g, character => `&#${character.charCodeAt(0)};`)

/** @param {Query} values */
const attributes = values =>
  Object.entries(values)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ` ${name}="${escaped(value)}"`)
    .join('')

/** @param {string} title @param {string[]} scripts @param {string} body */
const page = (title, scripts, body) => `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>${title}</title>
<link rel="stylesheet" href="/page.css">
${scripts.map(src => `<script src="${escaped(src)}" defer></script>`).join('\n')}
</head>
<body>
<main>
<h1>${title}</h1>
${body}
</main>
</body>
</html>
`

/** @param {string} id @param {string} inside @param {Query} [more] */
const form = (
  id,
  inside,
  more = {},
) => `<form${attributes({ id, method: 'post', action: '/verify', ...more })}>
<label>Name <input${id === 'login' ? ' id="username"' : ''} name="username" autocomplete="off"></label>
${inside}
<button${id === 'login' ? ' id="submit"' : ''}>Sign in</button>
</form>`

/** @param {Query} data the attributes of the widget */
const implicit = ({ submit, ...data }, id = 'login') => {
  const named = Object.fromEntries(Object.entries(data).map(([name, value]) => [`data-${name}`, value]))
  return form(id, `<div${attributes({ class: 'cf-turnstile', ...named })}></div>`, { 'data-submit': submit })
}

/** The pages by their paths. @type {Record<string, (query: Query, origins: { own: string, other: string }) => string>} */
const shapes = {
  '/implicit': ({ compat, ...query }, { other }) => {
    const api = `${other}/turnstile/v0/api.js${compat ? `?compat=${compat}` : ''}`
    return page('Sign in', ['/login.js', api], implicit({ sitekey: SITEKEY, ...query }))
  },
  '/several': (_, { other }) =>
    page(
      'Several forms',
      ['/login.js', `${other}/turnstile/v0/api.js`],
      implicit({ sitekey: SITEKEY, callback: 'onToken' }) +
        implicit({ sitekey: '0x4AAAAAAATestNewsletter' }, 'newsletter') +
        implicit({ sitekey: '0x4AAAAAAATestNewsletter' }, 'contact'),
    ),
  '/explicit': ({ widgets, shadow, pending }, { other }) => {
    const api = `${other}/turnstile/v0/api.js?render=explicit&onload=onTurnstileReady`
    const hosts = shadow ? `<div id="host"${attributes({ 'data-shadow': shadow })}></div>` : ''
    const awaiting = {
      id: 'pending',
      class: 'cf-turnstile',
      'data-sitekey': pending,
      'data-callback': 'onToken',
    }
    const unrendered = pending ? `<div${attributes(awaiting)}></div>` : ''
    const inside = `<div id="box"></div><div id="second"></div>${hosts}${unrendered}`
    const body = `<div${attributes({ 'data-widgets': widgets ?? '[]' })}>${form('login', inside)}</div>`
    return page('Sign in', ['/login.js', '/explicit.js', api], body)
  },
  '/framed': query =>
    page('Framed', [], `<iframe id="frame" src="/implicit?${escaped(queryOf(query))}"></iframe>`),
  '/srcdoc': (query, origins) =>
    page('Framed', [], `<iframe${attributes({ srcdoc: shapes['/implicit'](query, origins) })}></iframe>`),
  '/foreign': (query, { other }) =>
    page('Framed', [], `<iframe src="${other}/implicit?${escaped(queryOf(query))}"></iframe>`),
  '/react': ({ exposed }, { other }) => {
    const api = `${other}/turnstile/v0/api.js?render=explicit&onload=onTurnstileReady`
    const scripts = ['/react-bundle.js', '/react.js', api]
    return page(
      'Sign in',
      scripts,
      `<div${attributes({ id: 'root', 'data-sitekey': SITEKEY, 'data-exposed': exposed })}></div>`,
    )
  },
  '/recipe': ({ recipe }, { other }) => {
    const api = `${other}/turnstile/v0/api.js?render=explicit&onload=onTurnstileReady`
    const data = { 'data-recipe': recipe, 'data-sitekey': SITEKEY }
    return page('Sign in', ['/recipes.js', api], form('login', '<div id="box"></div>', data))
  },
  '/empty': () => page('Nothing here', ['/login.js'], '<p>Nothing here.</p>'),
}

/** @param {Submission['verification']} verification */
function resultPage({ success, 'error-codes': errors, ...details }) {
  const rows = Object.entries(details)
    .filter(([, value]) => typeof value === 'string' && value !== '')
    .map(([name, value]) => `<dt>${escaped(name)}</dt><dd>${escaped(value)}</dd>`)
  const text = success ? 'verified' : `not verified: ${errors}`
  const result = `<p id="result" data-verified="${success}">${escaped(text)}</p>`
  return page(success ? 'Welcome' : 'Not verified', [], `${result}<dl>${rows.join('')}</dl>`)
}

/** @param {Query} query */
const queryOf = query => new URLSearchParams(/** @type {Record<string, string>} */ (query)).toString()

/** React is published as CommonJS only: each module becomes a function, with a `require` for all of them. */
function reactBundle() {
  const modules = {
    react: 'react/cjs/react.production.js',
    scheduler: 'scheduler/cjs/scheduler.production.js',
    'react-dom': 'react-dom/cjs/react-dom.production.js',
    'react-dom/client': 'react-dom/cjs/react-dom-client.production.js',
  }
  const bodies = Object.entries(modules).map(([name, path]) => {
    const [owner, ...rest] = path.split('/')
    const file = new URL(rest.join('/'), `file://${require.resolve(`${owner}/package.json`)}`)
    return `${JSON.stringify(name)}: (module, exports, require) => {\n${readFileSync(file, 'utf8')}\n}`
  })
  return `;(() => {
const modules = {${bodies.join(',\n')}}
const loaded = {}
const require = name => {
  if (!loaded[name]) {
    const module = (loaded[name] = { exports: {} })
    modules[name](module, module.exports, require)
  }
  return loaded[name].exports
}
window.React = require('react')
window.ReactDOM = require('react-dom/client')
})()`
}

/** @param {string} name */
const fileOf = name => readFileSync(new URL(name, folder), 'utf8')

/** @type {Record<string, () => string>} */
const files = {
  '/turnstile/v0/api.js': () => fileOf('turnstile.js'),
  '/react-bundle.js': reactBundle,
  ...Object.fromEntries(
    ['login.js', 'explicit.js', 'react.js', 'recipes.js', 'page.css', 'challenge.css'].map(name => [
      `/${name}`,
      () => fileOf(name),
    ]),
  ),
}

const challenge = `<!DOCTYPE html><meta charset="utf-8"><title>Challenge</title>
<link rel="stylesheet" href="/challenge.css"><span></span> Verify you are human`

/**
 * Closes itself at the end of the test.
 * @param {import('node:test').TestContext} t
 * @param {{ siteverifyURL: string, secret: string }} verifier
 */
export async function startSite(t, { siteverifyURL, secret }) {
  /** @type {Submission[]} */
  const submissions = []

  /** @param {URLSearchParams} fields */
  const verified = async fields => {
    const response = fields.get('cf-turnstile-response') ?? fields.get('captcha') ?? ''
    const answer = await fetch(siteverifyURL, {
      method: 'POST',
      body: new URLSearchParams({ secret, response }),
    })
    const verification = /** @type {Submission['verification']} */ (await answer.json())
    submissions.push({ fields: Object.fromEntries(fields), verification })
    return verification
  }

  const server = createServer(async (req, res) => {
    const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
    // For a browser these are two sites, as a page and Cloudflare's are.
    const origins = { own: `http://127.0.0.1:${port}`, other: `http://localhost:${port}` }
    const { pathname, searchParams } = new URL(req.url ?? '/', origins.own)
    const send = (/** @type {keyof typeof types} */ type, /** @type {string} */ text, status = 200) =>
      res
        .writeHead(status, {
          'content-type': `${types[type]}; charset=utf-8`,
          'content-security-policy': policy(origins.other),
        })
        .end(text)
    if (pathname === '/verify') {
      let body = ''
      for await (const chunk of req) body += chunk
      const verification = await verified(new URLSearchParams(body))
      const { success } = verification
      if (searchParams.has('json'))
        return res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ success }))
      return send('html', resultPage(verification))
    }
    if (pathname === '/never') return
    if (pathname.includes('/hang-up/')) return res.destroy()
    if (pathname.startsWith('/cdn-cgi/challenge-platform/')) return send('html', challenge)
    const shape = shapes[pathname]
    if (shape) return send('html', shape(Object.fromEntries(searchParams), origins))
    const file = files[pathname]
    if (file) return send(pathname.endsWith('.css') ? 'css' : 'js', file())
    res.writeHead(404).end()
  })
  await new Promise(resolve => server.listen(0, '127.0.0.1', () => resolve(undefined)))
  t.after(() => {
    server.closeAllConnections()
    return new Promise(resolve => server.close(resolve))
  })
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  const origin = `http://127.0.0.1:${port}`
  return {
    origin,
    submissions,
    /** @param {string} shape @param {PageConfig} [config] */
    url(shape, config = {}) {
      const texts = Object.entries(config).map(([name, value]) => [
        name,
        typeof value === 'string' ? value : JSON.stringify(value),
      ])
      return `${origin}/${shape}?${queryOf(Object.fromEntries(texts))}`.replace(/\?$/, '')
    },
  }
}

/** No inline code, no eval, no HTML from text: what works here works on a strict site. @param {string} other */
const policy = other =>
  [
    `default-src 'none'; script-src 'self' ${other}; style-src 'self'; connect-src 'self'; frame-src 'self' ${other}`,
    "form-action 'self'; base-uri 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
  ].join('; ')
