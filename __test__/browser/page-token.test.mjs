/// <reference lib="dom" />
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findTurnstile, solveTurnstileOnPage } from 'turnstile-solver/page'
import { counts, eventually, withEachDriver } from '../support/browser-fixture.mjs'

/** @typedef {import('../support/browser-fixture.mjs').Fixture} Fixture */

const nothing = { created: 0, delivered: 0, verified: 0 }
const callsOf = (/** @type {Fixture} */ { page }) => page.evaluate(() => /** @type {any} */ (window).calls)
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
  test('is called by its name or its path, with the object it belongs to as `this`', async t => {
    const named = await open(t, 'explicit', explicit())
    const { token } = await named.solve({ callback: 'onToken' })
    assert.deepEqual(await callsOf(named), [[token, false]])
    const path = await open(t, 'explicit', explicit())
    const solution = await path.solve({ callback: 'site.login.onToken' })
    assert.deepEqual(await callsOf(path), [['login', solution.token, false]])
  })

  test('may be an arrow function, a method or a function of the caller, and runs in the page', async t => {
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
      const fixture = await open(t, 'explicit', explicit())
      const { token, applied } = await fixture.solve({ callback })
      assert.equal(applied.callback, true)
      assert.equal(await fixture.page.title(), token)
    }
  })

  test('that the page does not have rejects before anything is bought', async t => {
    const fixture = await open(t, 'explicit', explicit())
    const error = await failure(fixture.solve({ callback: 'site.missing', widgetTimeoutMs: 300 }))
    assert.equal(error.code, 'TOKEN_NOT_APPLIED')
    assert.match(
      error.message,
      /^the page has no function site\.missing \[ezcaptcha\]; .*nothing was bought$/,
    )
    assert.deepEqual(counts(fixture), nothing)
  })

  test('is required without a response field, and its absence rejects before anything is bought', async t => {
    const query = explicit({ 'response-field': false })
    const without = await open(t, 'explicit', query)
    await eventually(
      () => findTurnstile(without.page),
      ({ length }) => length === 1,
    )
    const error = await failure(without.solve({ widgetTimeoutMs: 300 }))
    assert.deepEqual([error.code, error.mayBeCharged, error.taskId], ['TOKEN_NOT_APPLIED', false, undefined])
    assert.deepEqual(counts(without), nothing)

    const with_ = await open(t, 'explicit', query)
    const { token, applied } = await with_.solve({ callback: 'onToken' })
    assert.deepEqual(applied, { fields: [], callback: true })
    assert.deepEqual(await callsOf(with_), [[token, false]])
  })

  test('of the caller that throws rejects the call, and the error has the token', async t => {
    const fixture = await open(t, 'explicit', explicit())
    const error = await failure(
      fixture.solve({
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

  test('may close its window', async t => {
    const fixture = await open(t, 'explicit', explicit())
    const [popup] = await Promise.all([
      new Promise(resolve => /** @type {any} */ (fixture.page).once('popup', resolve)),
      fixture.page.evaluate(() => void window.open('/implicit?callback=onToken')),
    ])
    const { applied } = await solveTurnstileOnPage(popup, {
      ...fixture.sandbox.account,
      pollIntervalMs: 1000,
      callback: () => {
        window.close()
        return new Promise(() => {})
      },
    })
    assert.equal(applied.callback, true)
  })

  test('may navigate before it returns', async t => {
    const fixture = await open(t, 'explicit', explicit())
    const callback = () => {
      location.href = '/empty'
      return new Promise(() => {})
    }
    assert.equal((await fixture.solve({ callback })).applied.callback, true)
  })
})

withEachDriver('a React page', open => {
  test('that submits its form sends the token of the response field', async t => {
    const fixture = await open(t, 'react')
    await fixture.solve()
    await fixture.page.click('#submit')
    await fixture.page.waitForFunction(() => document.querySelector('#result')?.textContent !== '')
    assert.equal(await fixture.page.$eval('#result', result => result.textContent), 'verified')
    assert.deepEqual(fixture.pageErrors, [])
  })

  test('that keeps the token in its state gets it through an exposed function', async t => {
    const fixture = await open(t, 'react', { exposed: 'yes' })
    const disabled = () =>
      fixture.page.$eval('#submit', button => /** @type {HTMLButtonElement} */ (button).disabled)
    await fixture.solve({ callback: 'app.login.setToken' })
    assert.equal(await disabled(), false)
    await fixture.page.click('#submit')
    await fixture.page.waitForFunction(() => document.querySelector('#result')?.textContent !== '')
    assert.equal(await fixture.page.$eval('#result', result => result.textContent), 'verified')
  })

  test('that renders its widget again meanwhile gets the token in the new one', async t => {
    const fixture = await open(t, 'react')
    const renderAgain = () => fixture.page.evaluate(() => /** @type {any} */ (window).renderAgain())
    const onProgress = (/** @type {{ phase: string }} */ { phase }) =>
      void (phase === 'created' && renderAgain())
    const { widget, token } = await fixture.solve({ onProgress })
    const now = await fixture.page.$eval('[name="cf-turnstile-response"]', field => ({
      id: field.id,
      value: /** @type {HTMLInputElement} */ (field).value,
    }))
    assert.notEqual(now.id, `${widget.widgetId}_response`)
    assert.equal(now.value, token)
  })

  test('that removes its widget rejects the call, and the error has the token', async t => {
    const fixture = await open(t, 'react')
    const remove = () => fixture.page.$eval('form', form => form.remove())
    const onProgress = (/** @type {{ phase: string }} */ { phase }) => void (phase === 'created' && remove())
    const error = await failure(fixture.solve({ onProgress }))
    assert.deepEqual([error.code, error.mayBeCharged], ['TOKEN_NOT_APPLIED', true])
    assert.match(error.solution.token, /^0\./)
    assert.match(
      error.message,
      /is not in the page any more \[ezcaptcha, task \S+\]; its token is in the error's `solution`/,
    )
  })
})
