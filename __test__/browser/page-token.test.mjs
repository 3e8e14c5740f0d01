/// <reference lib="dom" />
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findTurnstile, solveTurnstileOnPage } from 'turnstile-solver/page'
import { books, eventually, withEachDriver } from '../support/browser-fixture.mjs'

/** @typedef {import('../support/browser-fixture.mjs').House} House */

const nothing = { created: 0, delivered: 0, verified: 0 }
const told = (/** @type {House} */ { page }) => page.evaluate(() => /** @type {any} */ (window).told)
const explicit = (/** @type {Record<string, unknown>} */ params = {}) => ({
  widgets: [{ into: '#box', params: { sitekey: '0x4AAAAAAATestExplicit', ...params } }],
})

/** @param {Promise<unknown>} solved @returns {Promise<any>} */
const failure = solved =>
  solved.then(
    () => assert.fail('it was solved'),
    error => error,
  )

withEachDriver('the callback', open => {
  test('of a script is called by its name or its path, as a method of what it belongs to', async t => {
    const named = await open(t, 'explicit', explicit())
    const { token } = await named.solve({ callback: 'onToken' })
    assert.deepEqual(await told(named), [[token, false]])
    const path = await open(t, 'explicit', explicit())
    const solution = await path.solve({ callback: 'site.login.onToken' })
    assert.deepEqual(await told(path), [['login', solution.token, false]])
  })

  test('may be a function of the caller, written in any way, that runs in the page and knows the token', async t => {
    const written = {
      arrow: (/** @type {string} */ token) => {
        document.title = token
      },
      async method(/** @type {string} */ token) {
        await Promise.resolve()
        document.title = token
      },
      function: async function named(/** @type {string} */ token) {
        await Promise.resolve()
        document.title = token
      },
    }
    for (const callback of Object.values(written)) {
      const house = await open(t, 'explicit', explicit())
      const { token, applied } = await house.solve({ callback })
      assert.equal(applied.callback, true)
      assert.equal(await house.page.title(), token)
    }
  })

  test('that the page does not have is told before anything is bought', async t => {
    const house = await open(t, 'explicit', explicit())
    const error = await failure(house.solve({ callback: 'site.nobody', widgetTimeoutMs: 300 }))
    assert.equal(error.code, 'TOKEN_NOT_APPLIED')
    assert.match(error.message, /^the page has no function site\.nobody \[ezcaptcha\]; .*nothing was bought$/)
    assert.deepEqual(books(house), nothing)
  })

  test('is needed where there is no response field, which is told before anything is bought', async t => {
    const query = explicit({ 'response-field': false })
    const without = await open(t, 'explicit', query)
    await eventually(
      () => findTurnstile(without.page),
      ({ length }) => length === 1,
    )
    const error = await failure(without.solve({ widgetTimeoutMs: 300 }))
    assert.deepEqual([error.code, error.mayBeCharged, error.taskId], ['TOKEN_NOT_APPLIED', false, undefined])
    assert.deepEqual(books(without), nothing)

    const with_ = await open(t, 'explicit', query)
    const { token, applied } = await with_.solve({ callback: 'onToken' })
    assert.deepEqual(applied, { fields: [], callback: true })
    assert.deepEqual(await told(with_), [[token, false]])
  })

  test('that fails in the page, a function of the caller, fails the call, and the token is handed over', async t => {
    const house = await open(t, 'explicit', explicit())
    const error = await failure(
      house.solve({
        callback: () => {
          throw new Error('of my own making')
        },
      }),
    )
    assert.deepEqual([error.code, error.mayBeCharged], ['TOKEN_NOT_APPLIED', true])
    assert.match(error.message, /^the callback failed: .*of my own making/)
    assert.match(String(error.cause), /of my own making/)
    assert.match(error.solution.token, /^0\./)
    assert.equal(error.taskId, error.solution.taskId)
  })

  test('may close its window, as a popup does', async t => {
    const house = await open(t, 'explicit', explicit())
    const [popup] = await Promise.all([
      new Promise(resolve => /** @type {any} */ (house.page).once('popup', resolve)),
      house.page.evaluate(() => void window.open('/implicit?callback=onToken')),
    ])
    const { applied } = await solveTurnstileOnPage(popup, {
      ...house.sandbox.account,
      pollIntervalMs: 1000,
      callback: () => {
        window.close()
        return new Promise(() => {})
      },
    })
    assert.equal(applied.callback, true)
  })

  test('may leave the page before it returns', async t => {
    const house = await open(t, 'explicit', explicit())
    const callback = () => {
      location.href = '/empty'
      return new Promise(() => {})
    }
    assert.equal((await house.solve({ callback })).applied.callback, true)
  })
})

withEachDriver('a page made with React', open => {
  test('that sends its form gets the token by its response field', async t => {
    const house = await open(t, 'react')
    await house.solve()
    await house.page.click('#submit')
    await house.page.waitForFunction(() => document.querySelector('#result')?.textContent !== '')
    assert.equal(await house.page.$eval('#result', result => result.textContent), 'verified')
    assert.deepEqual(house.complaints, [])
  })

  test('that keeps the token in its state gets it by the door that it opens', async t => {
    const house = await open(t, 'react', { exposed: 'yes' })
    const disabled = () =>
      house.page.$eval('#submit', button => /** @type {HTMLButtonElement} */ (button).disabled)
    await house.solve({ callback: 'app.login.setToken' })
    assert.equal(await disabled(), false)
    await house.page.click('#submit')
    await house.page.waitForFunction(() => document.querySelector('#result')?.textContent !== '')
    assert.equal(await house.page.$eval('#result', result => result.textContent), 'verified')
  })

  test('that renders its widget anew meanwhile gets the token into the new one', async t => {
    const house = await open(t, 'react')
    const renderAgain = () => house.page.evaluate(() => /** @type {any} */ (window).renderAgain())
    const onProgress = (/** @type {{ phase: string }} */ { phase }) =>
      void (phase === 'created' && renderAgain())
    const { widget, token } = await house.solve({ onProgress })
    const now = await house.page.$eval('[name="cf-turnstile-response"]', field => ({
      id: field.id,
      value: /** @type {HTMLInputElement} */ (field).value,
    }))
    assert.notEqual(now.id, `${widget.widgetId}_response`)
    assert.equal(now.value, token)
  })

  test('that takes its widget away gets no token, and the caller has it', async t => {
    const house = await open(t, 'react')
    const remove = () => house.page.$eval('form', form => form.remove())
    const onProgress = (/** @type {{ phase: string }} */ { phase }) => void (phase === 'created' && remove())
    const error = await failure(house.solve({ onProgress }))
    assert.deepEqual([error.code, error.mayBeCharged], ['TOKEN_NOT_APPLIED', true])
    assert.match(error.solution.token, /^0\./)
    assert.match(
      error.message,
      /is not in the page any more \[ezcaptcha, task \S+\]; its token is in the error's `solution`/,
    )
  })
})
