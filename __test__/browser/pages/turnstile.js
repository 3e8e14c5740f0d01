/// <reference lib="dom" />
/**
 * A stand-in for Cloudflare's api.js in what a page sees of it: the wrapper with its closed shadow root, the iframe and its address,
 * the hidden response fields and their ids, attributes that give way to parameters, and callbacks by the name of a global function.
 * No challenge, and so no token: each widget waits, as for a visitor.
 */

;(() => {
  const page = /** @type {Record<string, any>} */ (/** @type {unknown} */ (window))
  const script = new URL(/** @type {HTMLScriptElement} */ (document.currentScript).src)
  const explicit = script.searchParams.get('render') === 'explicit'
  const compatible = script.searchParams.get('compat') === 'recaptcha'

  /**
   * @typedef {object} Widget
   * @property {HTMLElement} wrapper
   * @property {HTMLIFrameElement} iframe
   * @property {Record<string, any>} params
   * @property {string | undefined} response
   */

  /** @type {Map<string, Widget>} */
  const widgets = new Map()

  /** @param {string} text @returns {never} */
  const fail = text => {
    throw new Error(`[Cloudflare Turnstile stand-in] ${text}.`)
  }

  /** @param {HTMLElement} container */
  const attributesOf = container => {
    const attribute = (/** @type {string} */ name) => container.getAttribute(`data-${name}`) ?? undefined
    /** @type {Record<string, any>} */
    const params = {
      sitekey: attribute('sitekey'),
      action: attribute('action'),
      cData: attribute('cdata'),
      theme: attribute('theme'),
      size: attribute('size'),
      'response-field': (attribute('response-field') ?? 'true') === 'true',
      'response-field-name': attribute('response-field-name'),
    }
    for (const name of ['callback', 'error-callback', 'expired-callback']) {
      const target = page[attribute(name) ?? '']
      if (typeof target === 'function') params[name] = target
    }
    return Object.fromEntries(Object.entries(params).filter(([, value]) => value !== undefined))
  }

  /** @param {string} id @param {Record<string, any>} params */
  const addressOf = (id, { sitekey, theme = 'auto', size = 'normal' }) =>
    `${script.origin}/cdn-cgi/challenge-platform/h/b/turnstile/f/ov2/av0/rch/${id}/${sitekey}/${theme}/fbE/new/${size}?lang=auto`

  const newId = () =>
    [...crypto.getRandomValues(new Uint8Array(5))].map(byte => (byte % 36).toString(36)).join('')

  /**
   * @param {string | HTMLElement} target
   * @param {Record<string, any>} [given]
   */
  const render = (target, given) => {
    const container = typeof target === 'string' ? document.querySelector(target) : target
    if (!(container instanceof HTMLElement)) return fail(`Unable to find a container for "${target}"`)
    const params = { ...attributesOf(container), ...given }
    if (!/^[0-9A-Za-z_-]{3,100}$/.test(params.sitekey ?? ''))
      return fail('Invalid input for parameter "sitekey"')
    const id = newId()
    const name = `cf-chl-widget-${id}`
    const wrapper = document.createElement('div')
    const shadow = wrapper.attachShadow({ mode: 'closed' })
    const iframe = document.createElement('iframe')
    iframe.src = addressOf(id, params)
    iframe.id = name
    iframe.title = 'Widget containing a Cloudflare security challenge'
    iframe.style.cssText = 'width: 300px; height: 65px; border: none; overflow: hidden'
    iframe.setAttribute('sandbox', 'allow-same-origin allow-scripts allow-popups')
    shadow.append(iframe)
    const field = (/** @type {string} */ of, /** @type {string} */ suffix) => {
      const input = document.createElement('input')
      input.type = 'hidden'
      input.name = of
      input.id = `${name}${suffix}`
      wrapper.append(input)
    }
    if (params['response-field'] ?? true) {
      field(params['response-field-name'] ?? 'cf-turnstile-response', '_response')
      if (!params['response-field-name'] && params.sitekey.startsWith('0x4AAAAAAAAAA'))
        field('cf_challenge_response', '_legacy_response')
    }
    if (compatible) field('g-recaptcha-response', '_g_response')
    container.append(wrapper)
    widgets.set(id, { wrapper, iframe, params, response: undefined })
    return name
  }

  /** @param {string | Element | undefined} target */
  const find = target => {
    if (target === undefined) return [...widgets.values()].at(-1)
    if (typeof target === 'string' && widgets.has(target.replace('cf-chl-widget-', '')))
      return widgets.get(target.replace('cf-chl-widget-', ''))
    const container = typeof target === 'string' ? document.querySelector(target) : target
    return [...widgets.values()].find(({ wrapper }) => wrapper.parentElement === container)
  }

  const api = {
    render,
    /** The response of the iframe, and never the value of the field. */
    getResponse: (/** @type {string | Element | undefined} */ target) => find(target)?.response,
    isExpired: () => false,
    /** A failed challenge ends so, too: the response fields are emptied. */
    reset: (/** @type {string | Element | undefined} */ target) => {
      for (const input of find(target)?.wrapper.querySelectorAll('input') ?? []) input.value = ''
    },
    remove: (/** @type {string | Element | undefined} */ target) => {
      const widget = find(target)
      widget?.wrapper.remove()
      for (const [id, other] of widgets) if (other === widget) widgets.delete(id)
    },
    execute: () => {},
    ready: (/** @type {() => void} */ callback) => callback(),
  }
  page.turnstile = api
  if (compatible) page.grecaptcha = api

  const begin = () => {
    const implicit = `.cf-turnstile, .cf-challenge${compatible ? ', .g-recaptcha' : ''}`
    if (!explicit)
      for (const container of document.querySelectorAll(implicit)) render(/** @type {any} */ (container))
    const onload = script.searchParams.get('onload')
    if (onload) page[onload]?.()
  }
  if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', begin)
  else setTimeout(begin, 0)
})()
