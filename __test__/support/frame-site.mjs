/// <reference lib="dom" />
/** A site of two origins for pages and frames with a widget. Its pages have no Content-Security-Policy, and no script but their own. */

import { createServer } from 'node:http'

/** @typedef {{ own: string, other: string, html: string }} Site two origins, which are two sites to a browser, and the document with the widget */
export const SITEKEY = '0x4AAAAAAATestFramed'

/** @param {string} form */
const widget = form =>
  `<form id="${form}"><div class="box cf-turnstile" data-sitekey="${SITEKEY}"><div><input type="hidden" name="cf-turnstile-response" id="cf-chl-widget-${form}_response"></div></div></form>`

/** The same markup in every frame; a page that adds its own widget takes another id. */
const html = `<!DOCTYPE html><title>Widget</title>${widget('framed')}`
export const lateWidget = widget('late')

/** @param {string} script */
const scripted = script => `<!DOCTYPE html><title>Scripted</title><script>${script}</script>`

/** @type {Record<string, (query: URLSearchParams) => string>} */
const documents = {
  '/top': () => '<!DOCTYPE html><title>Top</title><body></body>',
  '/frameset': () =>
    '<!DOCTYPE html><title>Frames</title><frameset cols="50%,50%"><frame src="/widget"><frame></frameset>',
  '/foreign-frameset': query =>
    `<!DOCTYPE html><title>Frames</title><frameset cols="50%,50%"><frame src="${query.get('other')}/widget"><frame></frameset>`,
  '/widget': () => html,
  '/sandboxed': () => html,
  '/callback': () =>
    `${html}<script>window.calls = []; window.onToken = (...values) => calls.push(values)</script>`,
  '/nest': query =>
    scripted(`document.write('<iframe src="' + ${JSON.stringify(query.get('src'))} + '"></iframe>')`),
  '/nest-srcdoc': () =>
    scripted(
      `const inside = document.createElement('iframe'); inside.srcdoc = ${JSON.stringify(html)}; document.documentElement.append(inside)`,
    ),
  '/to-blob': () =>
    scripted(
      `location.href = URL.createObjectURL(new Blob([${JSON.stringify(html)}], { type: 'text/html' }))`,
    ),
  '/to-data': () =>
    scripted(`location.href = ${JSON.stringify(`data:text/html,${encodeURIComponent(html)}`)}`),
  '/to-own': query => scripted(`location.href = ${JSON.stringify(query.get('own'))} + '/widget'`),
  // Sends the frame before it to about:blank, which then has the origin of this one, and writes into it.
  '/to-blank': () =>
    scripted(`
      const victim = parent.frames[0]
      victim.location.href = 'about:blank'
      const timer = setInterval(() => {
        try {
          if (victim.location.href !== 'about:blank') return
          victim.document.body.innerHTML = ${JSON.stringify(widget('framed'))}
          clearInterval(timer)
        } catch {}
      }, 5)`),
}

/**
 * Closes itself at the end of the test.
 * @param {import('node:test').TestContext} t
 * @returns {Promise<Site>}
 */
export async function startFrameSite(t) {
  const server = createServer((req, res) => {
    const { pathname, searchParams } = new URL(req.url ?? '/', 'http://127.0.0.1')
    const document_ = documents[pathname]
    if (!document_) return res.writeHead(404).end()
    const headers = pathname === '/sandboxed' ? { 'content-security-policy': 'sandbox allow-scripts' } : {}
    res
      .writeHead(200, { 'content-type': 'text/html; charset=utf-8', ...headers })
      .end(document_(searchParams))
  })
  await new Promise(resolve => server.listen(0, '127.0.0.1', () => resolve(undefined)))
  t.after(() => {
    server.closeAllConnections()
    return new Promise(resolve => server.close(resolve))
  })
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  return { own: `http://127.0.0.1:${port}`, other: `http://localhost:${port}`, html }
}
