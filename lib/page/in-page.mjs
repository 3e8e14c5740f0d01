/// <reference lib="dom" />
/**
 * The functions that run in the page. The driver sends each as source text, so a function can use nothing that is defined outside of it.
 *
 * Scripts of the page can replace builtins, and a form's fields hide the form's properties of the same names. So these functions use loops
 * instead of methods of arrays and strings, and read properties of elements from the prototypes.
 *
 * A rendered widget is a wrapper in its container: a closed shadow root with the iframe, and beside it the hidden response fields,
 * whose ids begin with the id that `turnstile.render()` returned.
 */

/**
 * @typedef {object} Found a widget
 * @property {Element} container
 * @property {Element} [wrapper] the element in the container that Turnstile adds
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
 * @property {boolean} hasToken
 * @property {string} [widgetId]
 * @property {string} selector
 * @property {boolean} inShadowRoot
 * @property {string} [token] that the page has got by itself, and that has not expired
 * @property {boolean} explicit whether a script renders it, with `turnstile.render()`
 * @property {boolean} chosen
 * @property {number} first the index of the first widget in the same container
 */

/** All widgets of the document and its open shadow roots. @returns {Found[]} */
export function collect() {
  /** @param {Element} element @param {string} name @returns {any} */
  const get = (element, name) => Reflect.get(Element.prototype, name, element)
  /** @param {Document | ShadowRoot} root @param {string} selector @returns {NodeListOf<any>} */
  const all = (root, selector) => {
    const { querySelectorAll } = root === document ? Document.prototype : DocumentFragment.prototype
    const list = Reflect.apply(querySelectorAll, root, [selector])
    if (typeof list?.length !== 'number') throw new TypeError('querySelectorAll of the page returns no list')
    return list
  }
  /** Whether an element is the wrapper of a widget: it has no attributes, and only inputs in it. @param {Element} element */
  const isWrapper = element => {
    if (get(element, 'attributes').length > 0) return false
    let child = get(element, 'firstElementChild')
    while (child && get(child, 'localName') === 'input') child = get(child, 'nextElementSibling')
    return !child
  }

  /** @type {(Document | ShadowRoot)[]} */
  const roots = [document]
  /** @type {Found[]} */
  const found = []
  /** @param {(widget: Found) => boolean} fits @returns {Found | undefined} */
  const known = fits => {
    for (let i = 0; i < found.length; i++) if (fits(found[i])) return found[i]
  }
  // The list grows during the loop.
  for (let at = 0; at < roots.length; at++) {
    const root = roots[at]
    const elements = all(root, '*')
    for (let i = 0; i < elements.length; i++) {
      const shadow = get(elements[i], 'shadowRoot')
      if (shadow) roots[roots.length] = shadow
    }
    const inputs = all(root, 'input[id^="cf-chl-widget-"][id$="_response"]')
    for (let i = 0; i < inputs.length; i++) {
      const input = inputs[i]
      const id = get(input, 'id')
      let widgetId = ''
      for (let end = 0; end < id.length && id[end] !== '_'; end++) widgetId += id[end]
      const isResponse =
        id === `${widgetId}_response` ||
        id === `${widgetId}_legacy_response` ||
        id === `${widgetId}_g_response`
      const holder = get(input, 'parentElement')
      const isHtml = get(input, 'namespaceURI') === 'http://www.w3.org/1999/xhtml'
      if (!isResponse || !isHtml || widgetId === 'cf-chl-widget-' || !holder) continue
      const host = root === document ? undefined : /** @type {ShadowRoot} */ (root).host
      const wrapper = isWrapper(holder) ? holder : undefined
      const container = (wrapper ? (get(wrapper, 'parentElement') ?? host) : holder) ?? holder
      const widget = known(widget => widget.widgetId === widgetId && widget.container === container)
      if (widget) widget.inputs[widget.inputs.length] = input
      else found[found.length] = { container, wrapper, widgetId, inputs: [input] }
    }
    const containers = all(root, '.cf-turnstile[data-sitekey], .cf-challenge[data-sitekey]')
    for (let i = 0; i < containers.length; i++) {
      const container = containers[i]
      if (!known(widget => widget.container === container)) found[found.length] = { container, inputs: [] }
    }
  }
  return found
}

/**
 * Whether this document can read the one in a frame of it, which means that both have the same origin. The property is read from the
 * prototype, because scripts can define another on the element.
 * @param {Element} element
 */
export function canRead(element) {
  const kinds = [HTMLIFrameElement, HTMLObjectElement, HTMLFrameElement]
  for (let i = 0; i < kinds.length; i++) {
    let inside = null
    try {
      inside = Reflect.get(kinds[i].prototype, 'contentDocument', element)
    } catch {
      // It is an element of another kind.
    }
    if (inside) return true
  }
  return false
}

/** @param {Element} element */
export function sourceOf(element) {
  const isIframe = Reflect.get(Element.prototype, 'localName', element) === 'iframe'
  return isIframe ? Reflect.get(HTMLIFrameElement.prototype, 'src', element) : ''
}

/** @param {Element} element */
export function idOf(element) {
  return Reflect.get(Element.prototype, 'id', element)
}

/** @param {Found[]} found */
export function idsOf(found) {
  /** @type {string[]} */
  const ids = []
  for (let i = 0; i < found.length; i++) ids[i] = found[i].widgetId ?? ''
  return ids
}

/**
 * Adds the widget of an iframe: a widget without a response field has nothing else.
 * @param {Element} iframe
 * @param {Found[]} found
 */
export function addFramed(iframe, found) {
  const root = Reflect.apply(Node.prototype.getRootNode, iframe, [])
  const inShadowRoot = Reflect.get(Node.prototype, 'nodeType', root) === Node.DOCUMENT_FRAGMENT_NODE
  const wrapper = inShadowRoot ? /** @type {ShadowRoot} */ (root).host : iframe
  const container = Reflect.get(Element.prototype, 'parentElement', wrapper)
  if (!container) return
  const widgetId = Reflect.get(Element.prototype, 'id', iframe)
  for (let i = 0; i < found.length; i++) {
    if (found[i].container !== container || found[i].widgetId) continue
    found[i].widgetId = widgetId
    return
  }
  found[found.length] = { container, wrapper, widgetId, inputs: [] }
}

/**
 * @param {Found[]} found
 * @param {string} [choice] a selector
 */
export function describe(found, choice) {
  /** @param {Element} element @param {string} name @returns {any} */
  const get = (element, name) => Reflect.get(Element.prototype, name, element)
  /** @param {Element} element @param {'getAttribute' | 'matches'} name @param {string} argument @returns {any} */
  const call = (element, name, argument) => Reflect.apply(Element.prototype[name], element, [argument])
  /** @param {Node} node */
  const typeOf = node => Reflect.get(Node.prototype, 'nodeType', node)
  /** @param {Element} element @returns {any} */
  const rootOf = element => Reflect.apply(Node.prototype.getRootNode, element, [])
  /** @param {Element} element */
  const shadowRootOf = element => {
    const root = rootOf(element)
    return typeOf(root) === Node.DOCUMENT_FRAGMENT_NODE ? /** @type {ShadowRoot} */ (root) : undefined
  }

  if (choice !== undefined) {
    try {
      Reflect.apply(Document.prototype.createDocumentFragment, document, []).querySelector(choice)
    } catch (error) {
      if (/** @type {any} */ (error)?.name === 'SyntaxError') return 'wrong selector'
      throw error
    }
  }

  /** @param {Node} root @param {string} selector */
  const isAlone = (root, selector) => {
    const type = typeOf(root)
    const kind =
      type === Node.DOCUMENT_NODE ? Document : type === Node.ELEMENT_NODE ? Element : DocumentFragment
    return Reflect.apply(kind.prototype.querySelectorAll, root, [selector]).length === 1
  }

  /** The number of siblings of that name on one side. @param {Element} element @param {string} name @param {string} next */
  const countSiblings = (element, name, next) => {
    let count = 0
    for (let sibling = get(element, next); sibling; sibling = get(sibling, next)) {
      if (get(sibling, 'localName') === name) count += 1
    }
    return count
  }

  /** @param {Element} container */
  const selectorOf = container => {
    const root = rootOf(container)
    let selector = ''
    for (let element = container; element; element = get(element, 'parentElement')) {
      const end = selector && ` > ${selector}`
      const id = get(element, 'id')
      const byId = id && `#${CSS.escape(id)}`
      if (byId && isAlone(root, byId)) return `${byId}${end}`
      const name = get(element, 'localName')
      const before = countSiblings(element, name, 'previousElementSibling')
      const alone = before + countSiblings(element, name, 'nextElementSibling') === 0
      selector = `${name}${alone ? '' : `:nth-of-type(${before + 1})`}${end}`
    }
    return selector
  }

  /** @param {Element} element */
  const isContainer = element => {
    for (let i = 0; i < found.length; i++) if (found[i].container === element) return true
    return false
  }

  /** Whether an element in the container of a widget is of this widget, not of another one there. @param {Element} start @param {Found} widget */
  const isOf = (start, widget) => {
    for (let element = start; element !== widget.container; element = get(element, 'parentElement')) {
      if (!element || isContainer(element)) return false
      for (let i = 0; i < found.length; i++) {
        const { wrapper, inputs } = found[i]
        if (element === wrapper) return found[i] === widget
        for (let at = 0; at < inputs.length; at++) {
          if (element === inputs[at]) return found[i] === widget
        }
      }
    }
    return true
  }

  /** The choice is in the widget, or around it, through shadow roots and the page's own frames. @param {Found} widget */
  const isChosen = widget => {
    if (choice === undefined) return true
    const { container } = widget
    const inside = Reflect.apply(Element.prototype.querySelectorAll, container, [choice])
    for (let i = 0; i < inside.length; i++) if (isOf(inside[i], widget)) return true
    for (let element = /** @type {Element | null | undefined} */ (container); element; ) {
      if (call(element, 'matches', choice) && (element === container || !isContainer(element))) return true
      const parent = get(element, 'parentElement')
      if (parent) {
        element = parent
        continue
      }
      const root = rootOf(element)
      element =
        shadowRootOf(element)?.host ??
        (typeOf(root) === Node.DOCUMENT_NODE
          ? Reflect.get(Document.prototype, 'defaultView', root)?.frameElement
          : undefined)
    }
    return false
  }

  /** @param {Element} container */
  const firstIn = container => {
    let first = 0
    while (found[first].container !== container) first += 1
    return first
  }

  const page = /** @type {Record<string, any>} */ (/** @type {unknown} */ (window))
  /** A function of Turnstile's script. @param {'getResponse' | 'isExpired'} name @param {string | undefined} widgetId */
  const ask = (name, widgetId) => {
    try {
      return widgetId && page.turnstile[name](widgetId)
    } catch {
      // The script is not there, or is another one.
    }
  }
  /** The token of a widget: that of its fields, or else of the script. @param {Found} widget */
  const tokenOf = ({ inputs, widgetId }) => {
    let token = inputs.length === 0 ? ask('getResponse', widgetId) : undefined
    for (let at = 0; at < inputs.length; at++) {
      const value = Reflect.get(HTMLInputElement.prototype, 'value', inputs[at])
      if (value === '') return
      token ??= value
    }
    const isToken = typeof token === 'string' && token.length > 0 && token.length <= 4096
    return isToken && ask('isExpired', widgetId) !== true ? token : undefined
  }
  const isExplicit = Reflect.apply(Document.prototype.querySelectorAll, document, [
    'script[src*="render=explicit"]',
  ])
  /** @type {Description[]} */
  const widgets = []
  for (let i = 0; i < found.length; i++) {
    const { container, inputs, widgetId } = found[i]
    const attribute = (/** @type {string} */ name) =>
      call(container, 'getAttribute', `data-${name}`) || undefined
    const callback = attribute('callback')
    /** @type {string[]} */
    const fields = []
    let hasToken = false
    for (let at = 0; at < inputs.length; at++) {
      fields[at] = Reflect.get(HTMLInputElement.prototype, 'name', inputs[at])
      if (Reflect.get(HTMLInputElement.prototype, 'value', inputs[at]) !== '') hasToken = true
    }
    widgets[i] = {
      sitekey: attribute('sitekey'),
      action: attribute('action'),
      cData: attribute('cdata'),
      callback: callback && typeof page[callback] === 'function' ? callback : undefined,
      fields,
      hasToken,
      widgetId,
      selector: selectorOf(container),
      inShadowRoot: shadowRootOf(container) !== undefined,
      token: tokenOf(found[i]),
      explicit:
        isExplicit.length > 0 ||
        !call(container, 'matches', '.cf-turnstile[data-sitekey], .cf-challenge[data-sitekey], .g-recaptcha'),
      chosen: isChosen(found[i]),
      first: firstIn(container),
    }
  }
  const loading = Reflect.get(Document.prototype, 'readyState', document) === 'loading'
  return { now: performance.now(), loading, widgets }
}

/** A driver calls this in the document of a handle, and fails if that has gone. */
export function isThere() {
  return true
}

/** The index of a widget in a later list; -1 if it is gone. @param {Found[]} found @param {Found} before */
export function indexOf(found, before) {
  for (let i = 0; i < found.length; i++) {
    const { container, widgetId } = found[i]
    if (container !== before.container) continue
    if (before.widgetId === undefined || widgetId === before.widgetId) return i
  }
  return -1
}

/** The widgets of these indices, which share a container, as one. @param {Found[]} found @param {number[]} indices @returns {Found} */
export function pick(found, indices) {
  const { container, widgetId } = found[indices[0]]
  /** @type {HTMLInputElement[]} */
  const inputs = []
  for (let i = 0; i < indices.length; i++) {
    const widget = found[indices[i]]
    for (let at = 0; at < widget.inputs.length; at++) inputs[inputs.length] = widget.inputs[at]
  }
  return { container, widgetId, inputs }
}
