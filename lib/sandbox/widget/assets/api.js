/// <reference lib="dom" />
/**
 * A mock of Cloudflare's api.js: the same attributes, functions and elements, without a challenge. Widgets with one of
 * Cloudflare's test sitekeys get the dummy token by themselves; all others wait for a token.
 */

;(() => {
  const DUMMY_TOKEN = 'XXXX.DUMMY.TOKEN.XXXX'
  const TEST_SITEKEY = /^[123]x0{20}(AA|BB|AB|FF)$/
  const INTERACTIVE_SITEKEY = /^3x0{20}FF$/
  const TOKEN_LIFE_MS = 300_000
  const WIDGET_VALUE = /^[A-Za-z0-9_-]*$/

  /**
   * @typedef {object} Widget
   * @property {HTMLElement} container
   * @property {Record<string, any>} params
   * @property {HTMLElement} wrapper
   * @property {HTMLIFrameElement} iframe
   * @property {HTMLInputElement | null} input
   * @property {string} text what the iframe shows
   * @property {boolean} awaitsClick
   * @property {string | undefined} response
   * @property {boolean} expired
   * @property {number} timer
   */

  const page = /** @type {Record<string, any>} */ (/** @type {unknown} */ (window))
  const { origin, searchParams: query } = new URL(
    /** @type {HTMLScriptElement} */ (document.currentScript).src,
  )
  /** @type {Map<string, Widget>} */
  const widgets = new Map()
  let count = 0

  /** @param {unknown} callback a function, or the name of a global one */
  const call = (callback, /** @type {unknown[]} */ ...values) => {
    const target = typeof callback === 'string' ? page[callback] : callback
    if (typeof target === 'function') target(...values)
  }

  /** @param {string} text */
  const fail = text => {
    throw new Error(`[mock of Cloudflare Turnstile] ${text}`)
  }

  /**
   * @param {Widget} widget
   * @param {string} text
   */
  const label = (widget, text) => {
    widget.text = text
    widget.iframe.contentWindow?.postMessage({ sandboxWidget: text }, '*')
  }

  window.addEventListener('message', ({ source, data }) => {
    const widget = [...widgets.values()].find(({ iframe }) => source && iframe.contentWindow === source)
    if (!widget) return
    if (data?.sandboxWidget === 'ready') label(widget, widget.text)
    if (data?.sandboxWidget === 'click' && widget.awaitsClick) setToken(widget)
  })

  /** @param {Widget} widget */
  const setToken = widget => {
    widget.awaitsClick = false
    widget.response = DUMMY_TOKEN
    if (widget.input) widget.input.value = DUMMY_TOKEN
    label(widget, 'Success!')
    widget.timer = window.setTimeout(() => {
      widget.expired = true
      widget.response = undefined
      if (widget.input) widget.input.value = ''
      label(widget, 'Expired')
      call(widget.params['expired-callback'])
    }, TOKEN_LIFE_MS)
    call(widget.params.callback, DUMMY_TOKEN)
  }

  /** @param {Widget} widget */
  const start = widget => {
    window.clearTimeout(widget.timer)
    widget.response = undefined
    widget.expired = false
    widget.awaitsClick = false
    if (widget.input) widget.input.value = ''
    label(widget, 'Waiting for a token')
    const { sitekey } = widget.params
    const auto = widget.container.closest('form')?.dataset.auto !== 'false'
    if (!auto || !TEST_SITEKEY.test(sitekey)) return
    if (!INTERACTIVE_SITEKEY.test(sitekey)) {
      widget.timer = window.setTimeout(() => setToken(widget), 0)
      return
    }
    widget.awaitsClick = true
    label(widget, 'Click to verify')
  }

  /** @param {string | HTMLElement | undefined} target a widget id, a selector or an element; the first widget if absent */
  const find = target => {
    if (target === undefined) return [...widgets.keys()][0]
    if (typeof target === 'string' && widgets.has(target)) return target
    const element = typeof target === 'string' ? document.querySelector(target) : target
    return [...widgets].find(([, { container }]) => container === element)?.[0]
  }

  /**
   * @param {string | HTMLElement} target
   * @param {Record<string, any>} params
   */
  const render = (target, params) => {
    const container = /** @type {HTMLElement | null} */ (
      typeof target === 'string' ? document.querySelector(target) : target
    )
    if (!container) return fail(`the container ${target} was not found`)
    if (!params?.sitekey) return fail('sitekey is missing')
    for (const [name, length] of /** @type {const} */ ([
      ['action', 32],
      ['cData', 255],
    ])) {
      const value = params[name] ?? ''
      if (value.length > length || !WIDGET_VALUE.test(value)) return fail(`invalid value for ${name}`)
    }
    const number = (++count).toString(36).padStart(5, '0')
    const id = `cf-chl-widget-${number}`
    const iframe = document.createElement('iframe')
    iframe.src = `${origin}/cdn-cgi/challenge-platform/h/b/turnstile/f/ov2/av0/rch/${number}/${encodeURIComponent(params.sitekey)}/auto/fbE/new/normal?lang=auto`
    iframe.id = id
    iframe.title = 'Widget containing a mock of a Cloudflare security challenge'
    iframe.width = '300'
    iframe.height = '65'
    iframe.frameBorder = '0'
    iframe.setAttribute('sandbox', 'allow-same-origin allow-scripts allow-popups')
    const wrapper = document.createElement('div')
    wrapper.attachShadow({ mode: 'closed' }).append(iframe)
    /** @type {HTMLInputElement | null} */
    let input = null
    if (String(params['response-field'] ?? true) !== 'false') {
      input = document.createElement('input')
      input.type = 'hidden'
      input.name = params['response-field-name'] || 'cf-turnstile-response'
      input.id = `${id}_response`
      wrapper.append(input)
    }
    container.append(wrapper)
    /** @type {Widget} */
    const widget = {
      ...{ container, params, wrapper, iframe, input, response: undefined },
      ...{ text: '', expired: false, awaitsClick: false, timer: 0 },
    }
    widgets.set(id, widget)
    start(widget)
    return id
  }

  const turnstile = {
    render,
    /** The token that this script issued; like Cloudflare's, it does not read the form field. */
    getResponse: (/** @type {string | HTMLElement | undefined} */ target) =>
      widgets.get(find(target) ?? '')?.response,
    isExpired: (/** @type {string | HTMLElement | undefined} */ target) =>
      widgets.get(find(target) ?? '')?.expired ?? false,
    reset: (/** @type {string | HTMLElement | undefined} */ target) => {
      const widget = widgets.get(find(target) ?? '')
      if (widget) start(widget)
    },
    remove: (/** @type {string | HTMLElement | undefined} */ target) => {
      const id = find(target) ?? ''
      const widget = widgets.get(id)
      if (!widget) return
      window.clearTimeout(widget.timer)
      widget.wrapper.remove()
      widgets.delete(id)
    },
    execute: () => {},
    ready: (/** @type {() => void} */ callback) => callback(),
  }
  page.turnstile = turnstile

  const renderAll = () => {
    for (const container of /** @type {NodeListOf<HTMLElement>} */ (
      document.querySelectorAll('.cf-turnstile')
    )) {
      const { sitekey, action, cdata, callback, expiredCallback, responseField, responseFieldName } =
        container.dataset
      render(container, {
        sitekey,
        action,
        cData: cdata,
        callback,
        'expired-callback': expiredCallback,
        'response-field': responseField,
        'response-field-name': responseFieldName,
      })
    }
  }

  const renderAndNotify = () => {
    if (query.get('render') !== 'explicit') renderAll()
    call(query.get('onload'))
  }
  if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', renderAndNotify)
  else renderAndNotify()
})()
