/// <reference lib="dom" />
/** What a site does with a token: it shows what its callback was told, and submits the form by itself if it is one that does. */

;(() => {
  const page = /** @type {Record<string, any>} */ (/** @type {unknown} */ (window))
  const form = /** @type {HTMLFormElement | null} */ (document.querySelector('form'))

  /** All that any callback was told. @type {unknown[][]} */
  page.told = []
  page.onToken = (/** @type {unknown[]} */ ...values) => {
    page.told.push(values)
    page.filledWhenTold = new FormData(form ?? undefined).get('cf-turnstile-response') === values[0]
    if (form?.dataset.submit === 'callback') form.requestSubmit()
  }
  page.site = {
    name: 'site',
    login: {
      name: 'login',
      onToken(/** @type {unknown[]} */ ...values) {
        page.told.push([this.name, ...values])
      },
    },
  }
  page.onTokenThrows = () => {
    throw new Error('the callback of the page failed')
  }
  // Nothing that a page notices of its fields may be missed.
  for (const name of ['input', 'change', 'submit'])
    document.addEventListener(
      name,
      ({ target }) => page.told.push([name, /** @type {any} */ (target)?.name ?? '']),
      true,
    )
})()
