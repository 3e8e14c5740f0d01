/// <reference lib="dom" />
/** The script of a site: its callbacks record their calls, and submit the form if the page is configured so. */

;(() => {
  const page = /** @type {Record<string, any>} */ (/** @type {unknown} */ (window))
  const form = /** @type {HTMLFormElement | null} */ (document.querySelector('form'))

  /** The arguments of all callbacks and events. @type {unknown[][]} */
  page.calls = []
  page.onToken = (/** @type {unknown[]} */ ...values) => {
    page.calls.push(values)
    page.fieldSetWhenCalled = new FormData(form ?? undefined).get('cf-turnstile-response') === values[0]
    if (form?.dataset.submit === 'callback') form.requestSubmit()
  }
  page.site = {
    name: 'site',
    login: {
      name: 'login',
      onToken(/** @type {unknown[]} */ ...values) {
        page.calls.push([this.name, ...values])
      },
    },
  }
  page.onTokenThrows = () => {
    throw new Error('the callback of the page failed')
  }
  // The events that a page can notice of its fields.
  for (const name of ['input', 'change', 'submit'])
    document.addEventListener(
      name,
      ({ target }) => page.calls.push([name, /** @type {any} */ (target)?.name ?? '']),
      true,
    )
})()
