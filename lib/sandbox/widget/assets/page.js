/// <reference lib="dom" />
/** The page's own script: what a page does with a token, as in Cloudflare's guide. */

;(() => {
  const form = /** @type {HTMLFormElement} */ (document.getElementById('login'))
  const container = /** @type {HTMLElement} */ (document.getElementById('widget'))
  const page = /** @type {Record<string, any>} */ (/** @type {unknown} */ (window))

  page.onTurnstileToken = (/** @type {string} */ token) => {
    const output = document.getElementById('callback-token')
    if (output) output.textContent = token
    if (form.dataset.submit === 'callback') form.requestSubmit()
  }

  page.onTurnstileReady = () => {
    const { pageSitekey, pageAction, pageCdata, pageResponseFieldName } = container.dataset
    page.widgetId = page.turnstile.render('#widget', {
      sitekey: pageSitekey,
      action: pageAction,
      cData: pageCdata,
      'response-field-name': pageResponseFieldName,
      callback: page.onTurnstileToken,
    })
  }
})()
