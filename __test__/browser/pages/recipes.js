/// <reference lib="dom" />
/** Scripts that render the widget with a private callback, each with another use for the token. */

;(() => {
  const page = /** @type {Record<string, any>} */ (/** @type {unknown} */ (window))
  const form = /** @type {HTMLFormElement} */ (document.querySelector('#login'))
  const button = /** @type {HTMLButtonElement} */ (form.querySelector('button'))
  const { recipe, sitekey } = form.dataset

  /** Its private callback enables the button. */
  const enableButton = () => {
    button.disabled = true
    page.turnstile.render('#box', { sitekey, callback: () => (button.disabled = false) })
  }

  /** It reads the token from Turnstile's script when the form is submitted. */
  const readResponse = () => {
    const id = page.turnstile.render('#box', { sitekey })
    form.addEventListener('submit', async event => {
      event.preventDefault()
      const body = new URLSearchParams({ 'cf-turnstile-response': page.turnstile.getResponse(id) ?? '' })
      const response = await fetch('/verify?json', { method: 'POST', body })
      const result = Object.assign(document.createElement('p'), { id: 'result' })
      result.textContent = (await response.json()).success ? 'verified' : 'not verified'
      form.after(result)
    })
  }

  /** A click runs the challenge, and the private callback submits the form. */
  const executeOnClick = () => {
    const id = page.turnstile.render('#box', {
      sitekey,
      execution: 'execute',
      callback: () => HTMLFormElement.prototype.submit.call(form),
    })
    form.addEventListener('submit', event => {
      event.preventDefault()
      page.turnstile.execute(id)
    })
  }

  page.onTurnstileReady = () => {
    if (recipe === 'enable-button') enableButton()
    if (recipe === 'read-response') readResponse()
    if (recipe === 'execute-on-click') executeOnClick()
  }
})()
