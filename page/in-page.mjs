/// <reference lib="dom" />
/**
 * What runs in the page. The driver carries each function over as text, so none can use anything that stands outside of it.
 *
 * A rendered widget is a wrapper in its container: a closed shadow root with the iframe, and beside it the hidden response fields,
 * whose ids begin with the id that `turnstile.render()` returned.
 */

/**
 * @typedef {object} Found a widget, held by a handle
 * @property {Element} container
 * @property {HTMLInputElement[]} inputs
 * @property {string} [widgetId]
 */

/**
 * @typedef {object} Description
 * @property {string} [sitekey]
 * @property {string} [action]
 * @property {string} [cData]
 * @property {string} [callback]
 * @property {string[]} fields
 * @property {boolean} answered
 * @property {string} [widgetId]
 * @property {string} selector
 * @property {boolean} inShadow
 * @property {boolean} chosen
 */

/** All widgets of the document and its open shadow roots. @returns {Found[]} */
export function collect() {
  /** @type {(Document | ShadowRoot)[]} */
  const roots = [document]
  /** @type {Found[]} */
  const found = []
  // It grows while it is walked.
  for (const root of roots) {
    for (const element of root.querySelectorAll('*')) if (element.shadowRoot) roots.push(element.shadowRoot)
    for (const input of /** @type {NodeListOf<HTMLInputElement>} */ (
      root.querySelectorAll('input[id^="cf-chl-widget-"]')
    )) {
      const widgetId = /^(cf-chl-widget-[^_]+)_(?:legacy_|g_)?response$/.exec(input.id)?.[1]
      const holder = input.parentElement
      if (!widgetId || !holder) continue
      const bare =
        holder.attributes.length === 0 && [...holder.children].every(child => child.localName === 'input')
      const container =
        (bare ? (holder.parentElement ?? /** @type {ShadowRoot} */ (root).host) : holder) ?? holder
      const known = found.find(widget => widget.widgetId === widgetId && widget.container === container)
      if (known) known.inputs.push(input)
      else found.push({ container, widgetId, inputs: [input] })
    }
    for (const container of root.querySelectorAll('.cf-turnstile[data-sitekey], .cf-challenge[data-sitekey]'))
      if (!found.some(widget => widget.container === container)) found.push({ container, inputs: [] })
  }
  return found
}

/** @param {HTMLIFrameElement} iframe */
export function sourceOf(iframe) {
  return iframe.src
}

/** @param {Found[]} found */
export function idsOf(found) {
  return found.map(({ widgetId }) => widgetId)
}

/**
 * Adds the widget of an iframe: one without a response field shows in no other way.
 * @param {Element | null} iframe
 * @param {Found[]} found
 */
export function addFramed(iframe, found) {
  if (!iframe) return
  const root = iframe.getRootNode()
  const container = (root instanceof ShadowRoot ? root.host : iframe).parentElement
  if (!container) return
  const pending = found.find(widget => widget.container === container && !widget.widgetId)
  if (pending) pending.widgetId = iframe.id
  else found.push({ container, widgetId: iframe.id, inputs: [] })
}

/**
 * @param {Found[]} found
 * @param {string} [choice] a selector
 */
export function describe(found, choice) {
  try {
    document.createDocumentFragment().querySelector(choice ?? '*')
  } catch {
    return 'wrong selector'
  }

  /** @param {Element} container */
  const selectorOf = container => {
    const root = /** @type {Document | ShadowRoot} */ (container.getRootNode())
    /** @type {string[]} */
    const path = []
    for (let element = /** @type {Element | null} */ (container); element; element = element.parentElement) {
      const byId = element.id && `#${CSS.escape(element.id)}`
      if (byId && root.querySelectorAll(byId).length === 1) return [byId, ...path].join(' > ')
      const name = element.localName
      const twins = [...(element.parentNode?.children ?? [])].filter(twin => twin.localName === name)
      path.unshift(twins.length > 1 ? `${name}:nth-of-type(${twins.indexOf(element) + 1})` : name)
    }
    return path.join(' > ')
  }

  /** Climbs out of shadow roots and of frames of the same origin. @param {Element} container */
  const isChosen = container => {
    if (choice === undefined || container.querySelector(choice)) return true
    for (let element = /** @type {Element | null | undefined} */ (container); element; ) {
      if (element.matches(choice)) return true
      const root = /** @type {Document | ShadowRoot} */ (element.getRootNode())
      const outside = root instanceof ShadowRoot ? root.host : root.defaultView?.frameElement
      element = element.parentElement ?? outside
    }
    return false
  }

  return {
    now: performance.now(),
    loading: document.readyState === 'loading',
    widgets: found.map(({ container, inputs, widgetId }) => {
      const attribute = (/** @type {string} */ name) => container.getAttribute(`data-${name}`) || undefined
      const callback = attribute('callback')
      const page = /** @type {Record<string, any>} */ (/** @type {unknown} */ (window))
      return {
        sitekey: attribute('sitekey'),
        action: attribute('action'),
        cData: attribute('cdata'),
        callback: callback && typeof page[callback] === 'function' ? callback : undefined,
        fields: [...new Set(inputs.map(({ name }) => name))],
        answered: inputs.some(({ value }) => value !== ''),
        widgetId,
        selector: selectorOf(container),
        inShadow: container.getRootNode() instanceof ShadowRoot,
        chosen: isChosen(container),
      }
    }),
  }
}

/** Where a widget that was found before stands in a later list; -1 if it is gone. @param {Found[]} found @param {Found} before */
export function indexOf(found, before) {
  return found.findIndex(
    ({ container, widgetId }) =>
      container === before.container && (before.widgetId === undefined || widgetId === before.widgetId),
  )
}

/** @param {Found[]} found @param {number} index */
export function pick(found, index) {
  return found[index]
}

/**
 * As Turnstile's own script does it: the value alone, and no event. After `until`, by the page's own clock, nothing is set any more.
 * @param {Found} widget
 * @param {{ token: string, until: number }} solution
 */
export function fill({ inputs }, { token, until }) {
  if (performance.now() > until) return 'late'
  for (const input of inputs) input.value = token
  return [...new Set(inputs.map(({ name }) => name))]
}

/** Whether the page has that function. @param {string} path */
export function hasFunction(path) {
  const page = /** @type {any} */ (window)
  const target = path in page ? page[path] : path.split('.').reduce((value, name) => value?.[name], page)
  return typeof target === 'function'
}

/**
 * As Turnstile's own script does it: with the token and with `false`, which says that no clearance came along. What the callback throws
 * is the page's own affair, and becomes an uncaught error there.
 * @param {{ path: string, token: string, until: number }} call
 */
export function callByName({ path, token, until }) {
  if (performance.now() > until) return 'late'
  const page = /** @type {any} */ (window)
  const names = path in page ? [path] : path.split('.')
  const name = /** @type {string} */ (names.pop())
  const owner = names.reduce((value, key) => value?.[key], page)
  if (typeof owner?.[name] !== 'function') return 'missing'
  try {
    owner[name](token, false)
  } catch (error) {
    reportError(error)
  }
  return 'called'
}

/**
 * The same for a function of the caller's, which stands in the text that the driver carries over. What it throws is the caller's affair.
 * @param {(token: string) => unknown} own
 * @param {{ token: string, until: number }} call
 */
export async function callOwn(own, { token, until }) {
  if (performance.now() > until) return 'late'
  await own(token)
  return 'called'
}
