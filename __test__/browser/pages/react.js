/// <reference lib="dom" />
/** A React application that renders its widget itself and keeps the token in its state. */

;(() => {
  const page = /** @type {Record<string, any>} */ (/** @type {unknown} */ (window))
  const { createElement: h, useEffect, useRef, useState } = page.React
  const root = /** @type {HTMLElement} */ (document.querySelector('#root'))
  const { sitekey, exposed } = root.dataset

  /** @param {{ onToken: (token: string) => void }} props */
  function Turnstile({ onToken }) {
    const holder = useRef(null)
    useEffect(() => {
      const id = page.turnstile.render(holder.current, { sitekey, callback: onToken })
      return () => page.turnstile.remove(id)
    }, [onToken])
    return h('div', { ref: holder })
  }

  function Login() {
    const [token, setToken] = useState('')
    const [verdict, setVerdict] = useState('')
    const [round, setRound] = useState(0)
    useEffect(() => {
      page.renderAgain = () => setRound((/** @type {number} */ last) => last + 1)
      // A site can expose a function for its own tests.
      if (exposed) page.app = { login: { setToken } }
    }, [])

    const submit = async (/** @type {any} */ event) => {
      event.preventDefault()
      const fields = new FormData(event.target)
      if (exposed) fields.set('cf-turnstile-response', token)
      const body = new URLSearchParams(/** @type {any} */ (fields))
      const answer = await fetch('/verify?json', { method: 'POST', body })
      setVerdict((await answer.json()).success ? 'verified' : 'not verified')
    }

    return h(
      'form',
      { onSubmit: submit },
      h('label', null, 'Name ', h('input', { name: 'username', defaultValue: 'somebody' })),
      h(Turnstile, { key: round, onToken: setToken }),
      h('button', { id: 'submit', disabled: Boolean(exposed) && token === '' }, 'Sign in'),
      h('output', { id: 'result' }, verdict),
    )
  }

  page.onTurnstileReady = () => page.ReactDOM.createRoot(root).render(h(Login))
})()
