/// <reference lib="dom" />
/** The document in a widget's iframe: it shows the text that the widget's script sends, and reports clicks to it. */

;(() => {
  const output = /** @type {HTMLOutputElement} */ (document.querySelector('output'))
  const send = (/** @type {string} */ sandboxWidget) => window.parent.postMessage({ sandboxWidget }, '*')
  window.addEventListener('message', ({ source, data }) => {
    if (source === window.parent && typeof data?.sandboxWidget === 'string')
      output.textContent = data.sandboxWidget
  })
  document.addEventListener('click', () => send('click'))
  send('ready')
})()
