/// <reference lib="dom" />
/** A script that renders its widgets itself, each with a private callback. */

;(() => {
  const page = /** @type {Record<string, any>} */ (/** @type {unknown} */ (window))
  const place = /** @type {HTMLElement} */ (document.querySelector('[data-widgets]'))
  /** @type {string[]} */
  const closure = []
  /** The creator of a closed shadow root has access to it. @type {Map<Element | null, ShadowRoot>} */
  const roots = new Map()
  page.seenByClosure = () => [...closure]

  /** @param {{ into: string, params: Record<string, unknown> }[]} widgets */
  page.renderAll = widgets =>
    widgets.map(({ into, params }) => {
      const [outer, inner] = into.split(' >>> ')
      const host = document.querySelector(outer)
      const target = inner ? roots.get(host)?.querySelector(inner) : host
      return page.turnstile.render(target, {
        callback: (/** @type {string} */ token) => closure.push(token),
        ...params,
      })
    })

  /** Called by the widget's script once it is loaded. */
  page.onTurnstileReady = () => {
    for (const host of document.querySelectorAll('[data-shadow]')) {
      const root = host.attachShadow({
        mode: /** @type {ShadowRootMode} */ (host.getAttribute('data-shadow')),
      })
      const target = document.createElement('div')
      target.id = 'inside'
      const form = document.createElement('form')
      form.append(target)
      root.append(form)
      roots.set(host, root)
    }
    page.widgetIds = page.renderAll(JSON.parse(place.dataset.widgets ?? '[]'))
  }
})()
