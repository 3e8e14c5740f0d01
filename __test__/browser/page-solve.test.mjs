/// <reference lib="dom" />
import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { test } from 'node:test'
import { findTurnstile } from 'turnstile-solver/page'
import {
  assertLoopbackOnly,
  counts,
  eventually,
  submitted,
  withEachDriver,
} from '../support/browser-fixture.mjs'

/** @typedef {import('../support/browser-fixture.mjs').Fixture} Fixture */

const SITEKEY = '0x4AAAAAAATestSitekey'
const bought = { created: 1, delivered: 1, verified: 1 }
const nothing = { created: 0, delivered: 0, verified: 0 }
const callsOf = (/** @type {Fixture} */ { page }) => page.evaluate(() => /** @type {any} */ (window).calls)

/** The tasks that were created. @param {Fixture} fixture */
const tasksOf = ({ sandbox }) => sandbox.tasks().map(({ task }) => task)

withEachDriver('solveTurnstileOnPage', open => {
  test('applies a token to an implicit widget, and the form is verified', async t => {
    const fixture = await open(t)
    const solution = await fixture.solve()
    const [{ websiteURL, websiteKey }] = tasksOf(fixture)
    assert.deepEqual([websiteURL, websiteKey], [fixture.site.url('implicit'), SITEKEY])
    assert.match(solution.token, /^0\.\S{100,}$/)
    assert.equal(solution.widget.websiteKey, SITEKEY)
    assert.deepEqual(solution.applied, { fields: ['cf-turnstile-response'], callback: false })
    assert.equal(await submitted(fixture), 'verified')
    assert.equal(fixture.site.submissions[0].fields['cf-turnstile-response'], solution.token)
    assert.deepEqual(counts(fixture), bought)
    assertLoopbackOnly(fixture)
  })

  test('sends action and cData if the provider supports them', async t => {
    const query = { action: 'sign-in', cdata: 'session_1' }
    const with_ = await open(t, 'implicit', query)
    assert.deepEqual((await with_.solve()).unsupported, [])
    assert.deepEqual(tasksOf(with_)[0].rqData, { metadataAction: 'sign-in', metadataCdata: 'session_1' })
    assert.equal(await submitted(with_), 'verified')
    assert.equal(with_.site.submissions[0].verification.action, 'sign-in')

    const without = await open(t, 'implicit', query, { provider: 'yescaptcha' })
    assert.deepEqual((await without.solve()).unsupported, ['action', 'cData'])
    assert.deepEqual(Object.keys(tasksOf(without)[0]).sort(), ['type', 'websiteKey', 'websiteURL'])
  })

  test('prefers options to values of the page', async t => {
    const fixture = await open(t, 'implicit', { action: 'sign-in' })
    await fixture.solve({ action: 'other', websiteURL: 'https://shop.example/login' })
    const [{ websiteURL, rqData }] = tasksOf(fixture)
    assert.deepEqual([websiteURL, rqData], ['https://shop.example/login', { metadataAction: 'other' }])
  })

  test('sets a response field of another name, and every field of an old or a compatible widget', async t => {
    const custom = await open(t, 'implicit', { 'response-field-name': 'captcha' })
    assert.deepEqual((await custom.solve()).applied.fields, ['captcha'])
    assert.equal(await submitted(custom), 'verified')

    const old = await open(t, 'implicit', { sitekey: '0x4AAAAAAAAAAOldSitekey', compat: 'recaptcha' })
    const { token } = await old.solve()
    assert.equal(await submitted(old), 'verified')
    const { username, ...fields } = old.site.submissions[0].fields
    assert.deepEqual(fields, {
      'cf-turnstile-response': token,
      cf_challenge_response: token,
      'g-recaptcha-response': token,
    })
  })

  test('calls the callback of the widget with token and false once the field is set', async t => {
    const fixture = await open(t, 'implicit', { callback: 'onToken' })
    const { token, applied } = await fixture.solve()
    assert.equal(applied.callback, true)
    assert.deepEqual(await callsOf(fixture), [[token, false]])
    assert.equal(await fixture.page.evaluate(() => /** @type {any} */ (window).fieldSetWhenCalled), true)
    const quiet = await open(t)
    await quiet.solve()
    assert.deepEqual(await callsOf(quiet), [])
  })

  test('succeeds if the callback submits the form and the page navigates', async t => {
    const fixture = await open(t, 'implicit', { callback: 'onToken', submit: 'callback' })
    assert.equal((await fixture.solve()).applied.callback, true)
    await fixture.page.waitForSelector('#result')
    assert.deepEqual(counts(fixture), bought)
  })

  test('succeeds if the callback of the page throws, which is an error of the page', async t => {
    const fixture = await open(t, 'implicit', { callback: 'onTokenThrows' })
    assert.equal((await fixture.solve()).applied.callback, true)
    assert.equal(await submitted(fixture), 'verified')
    assert.match(`${fixture.pageErrors}`, /the callback of the page failed/)
  })

  test('solves an explicitly rendered widget with the sitekey of its iframe', async t => {
    const widgets = [
      { into: '#box', params: { sitekey: '0x4AAAAAAATestExplicit', 'response-field-name': 'captcha' } },
    ]
    const fixture = await open(t, 'explicit', { widgets })
    await fixture.solve()
    assert.equal(tasksOf(fixture)[0].websiteKey, '0x4AAAAAAATestExplicit')
    assert.equal(await submitted(fixture), 'verified')
    assertLoopbackOnly(fixture)
  })

  test('solves the widget that the selector names by its container, its form or its field', async t => {
    for (const selector of ['#contact > div', '#contact', '#contact [name="cf-turnstile-response"]']) {
      const fixture = await open(t, 'several')
      await fixture.solve({ selector })
      assert.equal(await submitted(fixture, '#contact'), 'verified', selector)
    }
  })

  test('solves only the widget of the given sitekey', async t => {
    const fixture = await open(t, 'several')
    const { token } = await fixture.solve({ websiteKey: SITEKEY })
    const fields = await fixture.page.$$eval('[name="cf-turnstile-response"]', fields =>
      fields.map(field => /** @type {HTMLInputElement} */ (field).value),
    )
    assert.deepEqual(fields, [token, '', ''])
  })

  test('rejects if several widgets fit, names them, and buys nothing', async t => {
    const fixture = await open(t, 'several')
    await assert.rejects(fixture.solve(), error => {
      const { code, message, widgets, mayBeCharged } = /** @type {any} */ (error)
      assert.deepEqual([code, mayBeCharged, widgets.length], ['WIDGET_AMBIGUOUS', false, 3])
      assert.match(message, /^3 widgets fit: #login > div \(0x4AAAAAAATestSitekey\), #newsletter > div \(0x4/)
      return true
    })
    const countSiblings = fixture.solve({ websiteKey: '0x4AAAAAAATestNewsletter' })
    await assert.rejects(countSiblings, { code: 'WIDGET_AMBIGUOUS' })
    assert.deepEqual(counts(fixture), nothing)
  })

  test('solves a widget in a frame of the same origin that the selector names', async t => {
    const fixture = await open(t, 'framed', { callback: 'onToken' })
    const { widget } = await fixture.solve({ selector: 'iframe#frame' })
    assert.equal(tasksOf(fixture)[0].websiteURL, widget.websiteURL)
    const frame = fixture.page.frames().find(frame => frame.url().includes('/implicit'))
    await frame?.click('button')
    await frame?.waitForSelector('#result')
    assert.deepEqual(counts(fixture), bought)
  })

  test('solves a widget in an open shadow root', async t => {
    const widgets = [{ into: '#host >>> #inside', params: { sitekey: '0x4AAAAAAATestShadow' } }]
    const fixture = await open(t, 'explicit', { shadow: 'open', widgets })
    const { token } = await fixture.solve({ selector: '#host' })
    const value = await fixture.page.$eval('#host', host => {
      const form = /** @type {HTMLFormElement} */ (host.shadowRoot?.querySelector('form'))
      return new FormData(form).get('cf-turnstile-response')
    })
    assert.equal(value, token)
  })

  test('waits for a widget that appears later, after a navigation', async t => {
    const fixture = await open(t, 'empty')
    const solved = fixture.solve()
    await fixture.page.goto(fixture.site.url('explicit'))
    const params = { sitekey: '0x4AAAAAAATestLate' }
    await fixture.page.evaluate(
      widgets => /** @type {any} */ (window).renderAll(widgets),
      [{ into: '#box', params }],
    )
    await solved
    assert.equal(await submitted(fixture), 'verified')
  })

  test('waits until the widget is rendered and has a field', async t => {
    const fixture = await open(t, 'explicit', { pending: '0x4AAAAAAATestPending' })
    const solved = fixture.solve()
    const [{ widgetId, callback }] = await eventually(
      () => findTurnstile(fixture.page),
      ({ length }) => length === 1,
    )
    assert.deepEqual([widgetId, callback], [undefined, 'onToken'])
    await fixture.page.evaluate(() => /** @type {any} */ (window).turnstile.render('#pending'))
    const { widget, applied } = await solved
    assert.match(widget.widgetId ?? '', /^cf-chl-widget-/)
    assert.deepEqual(applied, { fields: ['cf-turnstile-response'], callback: true })
  })

  test('rejects after widgetTimeoutMs, names the other widgets, and buys nothing', async t => {
    const empty = await open(t, 'empty')
    await assert.rejects(empty.solve({ widgetTimeoutMs: 0 }), {
      code: 'WIDGET_NOT_FOUND',
      message: /^no widget within widgetTimeoutMs \(0 ms\) \[ezcaptcha\]; /,
      widgets: [],
    })
    const fixture = await open(t)
    const other = fixture.solve({ selector: '#nowhere', widgetTimeoutMs: 500 })
    await assert.rejects(other, error => {
      const { code, message } = /** @type {Error & { code: string }} */ (error)
      assert.equal(code, 'WIDGET_NOT_FOUND')
      assert.match(
        message,
        /^no such widget within widgetTimeoutMs \(500 ms\), only #login > div \(0x4AAAAAAATestSitekey\)/,
      )
      return true
    })
    assert.deepEqual(counts(fixture), nothing)
  })

  test('rejects for an invalid selector, with and without a widget', async t => {
    const fixture = await open(t, 'empty')
    const refused = { code: 'INVALID_OPTIONS', option: 'selector', message: 'selector: is no CSS selector' }
    await assert.rejects(fixture.solve({ selector: 'form[' }), refused)
    assert.deepEqual(counts(fixture), nothing)
  })

  test('solves the explicitly rendered widget of the sandbox without its sitekey', async t => {
    const fixture = await open(t, 'empty')
    await fixture.page.goto(fixture.sandbox.pageURL({ render: 'explicit', sitekey: SITEKEY }))
    const { widget } = await fixture.solve()
    assert.equal(widget.websiteKey, SITEKEY)
    await fixture.page.click('#submit')
    await fixture.page.waitForSelector('[data-verified="true"]')
    assert.deepEqual(counts(fixture), bought)
  })

  test('requires websiteKey if the page does not show the sitekey', async t => {
    const fixture = await open(t, 'explicit')
    const id = 'cf-chl-widget-abcde_response'
    await fixture.page.$eval(
      '#box',
      (box, id) => box.append(Object.assign(document.createElement('input'), { id, name: 'captcha' })),
      id,
    )
    const failed = fixture.solve({ widgetTimeoutMs: 300 })
    await assert.rejects(failed, {
      code: 'SITEKEY_UNKNOWN',
      message: /^the sitekey of #box is not in the page \[ezcaptcha\]; set `websiteKey`/,
    })
    assert.deepEqual(counts(fixture), nothing)
    await fixture.solve({ websiteKey: SITEKEY })
    assert.equal(await submitted(fixture), 'verified')
    assert.deepEqual(counts(fixture), bought)
  })

  test('changes only the value of the field in the page', async t => {
    const fixture = await open(t)
    await fixture.page.waitForSelector('.cf-turnstile > div')
    const state = () =>
      fixture.page.evaluate(() => {
        const { turnstile } = /** @type {any} */ (window)
        return {
          html: document.documentElement.outerHTML,
          globals: Object.getOwnPropertyNames(window),
          functions: [turnstile.render, window.fetch, Element.prototype.attachShadow].map(String),
          agent: navigator.userAgent,
        }
      })
    const before = await state()
    const { token } = await fixture.solve()
    const { html, ...after } = await state()
    assert.deepEqual({ ...after, html: html.replace(` value="${token}"`, '') }, before)
    assertLoopbackOnly(fixture)
  })

  test('calls onProgress, and removes its listeners from the signal and the page', async t => {
    const fixture = await open(t)
    const { signal } = new AbortController()
    const listeners = () =>
      ['close', 'framenavigated', 'framedetached', 'error', 'crash'].map(name =>
        fixture.page.listenerCount(/** @type {any} */ (name)),
      )
    const before = listeners()
    /** @type {string[]} */
    const phases = []
    await fixture.solve({ signal, onProgress: ({ phase }) => phases.push(phase) })
    assert.deepEqual(phases, ['created', 'ready'])
    assert.deepEqual(getEventListeners(signal, 'abort'), [])
    assert.deepEqual(listeners(), before)
  })
})
