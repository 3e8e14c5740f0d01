/// <reference lib="dom" />
import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { test } from 'node:test'
import { findTurnstile } from 'turnstile-solver/page'
import { assertAtHome, books, eventually, submitted, withEachDriver } from '../support/browser-fixture.mjs'

/** @typedef {import('../support/browser-fixture.mjs').House} House */

const SITEKEY = '0x4AAAAAAATestSitekey'
const bought = { created: 1, delivered: 1, verified: 1 }
const nothing = { created: 0, delivered: 0, verified: 0 }
const told = (/** @type {House} */ { page }) => page.evaluate(() => /** @type {any} */ (window).told)

/** What the vendor was asked to solve. @param {House} house */
const asked = ({ sandbox }) => sandbox.tasks().map(({ task }) => task)

withEachDriver('solveTurnstileOnPage', open => {
  test('takes an implicit widget from the page to a verified form', async t => {
    const house = await open(t)
    const solution = await house.solve()
    const [{ websiteURL, websiteKey }] = asked(house)
    assert.deepEqual([websiteURL, websiteKey], [house.site.url('implicit'), SITEKEY])
    assert.match(solution.token, /^0\.\S{100,}$/)
    assert.equal(solution.widget.websiteKey, SITEKEY)
    assert.deepEqual(solution.applied, { fields: ['cf-turnstile-response'], callback: false })
    assert.equal(await submitted(house), 'verified')
    assert.equal(house.site.submissions[0].fields['cf-turnstile-response'], solution.token)
    assert.deepEqual(books(house), bought)
    assertAtHome(house)
  })

  test('takes action and cData along, and leaves out what the provider does not take', async t => {
    const query = { action: 'sign-in', cdata: 'session_1' }
    const with_ = await open(t, 'implicit', query)
    assert.deepEqual((await with_.solve()).unsupported, [])
    assert.deepEqual(asked(with_)[0].rqData, { metadataAction: 'sign-in', metadataCdata: 'session_1' })
    assert.equal(await submitted(with_), 'verified')
    assert.equal(with_.site.submissions[0].verification.action, 'sign-in')

    const without = await open(t, 'implicit', query, { provider: 'yescaptcha' })
    assert.deepEqual((await without.solve()).unsupported, ['action', 'cData'])
    assert.deepEqual(Object.keys(asked(without)[0]).sort(), ['type', 'websiteKey', 'websiteURL'])
  })

  test('puts what the caller gives before what the page tells', async t => {
    const house = await open(t, 'implicit', { action: 'sign-in' })
    await house.solve({ action: 'other', websiteURL: 'https://shop.example/login' })
    const [{ websiteURL, rqData }] = asked(house)
    assert.deepEqual([websiteURL, rqData], ['https://shop.example/login', { metadataAction: 'other' }])
  })

  test('fills a response field of another name, and every field of an old or a compatible widget', async t => {
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

  test('calls the callback that the widget names, once the field is filled, as Turnstile does', async t => {
    const house = await open(t, 'implicit', { callback: 'onToken' })
    const { token, applied } = await house.solve()
    assert.equal(applied.callback, true)
    assert.deepEqual(await told(house), [[token, false]])
    assert.equal(await house.page.evaluate(() => /** @type {any} */ (window).filledWhenTold), true)
    const quiet = await open(t)
    await quiet.solve()
    assert.deepEqual(await told(quiet), [])
  })

  test('succeeds where the callback submits the form and the page leaves', async t => {
    const house = await open(t, 'implicit', { callback: 'onToken', submit: 'callback' })
    assert.equal((await house.solve()).applied.callback, true)
    await house.page.waitForSelector('#result')
    assert.deepEqual(books(house), bought)
  })

  test('leaves an error of the callback to the page', async t => {
    const house = await open(t, 'implicit', { callback: 'onTokenThrows' })
    assert.equal((await house.solve()).applied.callback, true)
    assert.equal(await submitted(house), 'verified')
    assert.match(`${house.complaints}`, /the callback of the page failed/)
  })

  test('solves an explicitly rendered widget with the sitekey of its iframe', async t => {
    const widgets = [
      { into: '#box', params: { sitekey: '0x4AAAAAAATestExplicit', 'response-field-name': 'captcha' } },
    ]
    const house = await open(t, 'explicit', { widgets })
    await house.solve()
    assert.equal(asked(house)[0].websiteKey, '0x4AAAAAAATestExplicit')
    assert.equal(await submitted(house), 'verified')
    assertAtHome(house)
  })

  test('answers the widget that the selector means, by its container, its form or its field', async t => {
    for (const selector of ['#contact > div', '#contact', '#contact [name="cf-turnstile-response"]']) {
      const house = await open(t, 'several')
      await house.solve({ selector })
      assert.equal(await submitted(house, '#contact'), 'verified', selector)
    }
  })

  test('answers the widget of a sitekey, and no other', async t => {
    const house = await open(t, 'several')
    const { token } = await house.solve({ websiteKey: SITEKEY })
    const fields = await house.page.$$eval('[name="cf-turnstile-response"]', fields =>
      fields.map(field => /** @type {HTMLInputElement} */ (field).value),
    )
    assert.deepEqual(fields, [token, '', ''])
  })

  test('names the widgets where several fit, and buys nothing', async t => {
    const house = await open(t, 'several')
    await assert.rejects(house.solve(), error => {
      const { code, message, widgets, mayBeCharged } = /** @type {any} */ (error)
      assert.deepEqual([code, mayBeCharged, widgets.length], ['WIDGET_AMBIGUOUS', false, 3])
      assert.match(message, /^3 widgets fit: #login > div \(0x4AAAAAAATestSitekey\), #newsletter > div \(0x4/)
      return true
    })
    const countSiblings = house.solve({ websiteKey: '0x4AAAAAAATestNewsletter' })
    await assert.rejects(countSiblings, { code: 'WIDGET_AMBIGUOUS' })
    assert.deepEqual(books(house), nothing)
  })

  test('works in a frame of the same origin, which the selector can name', async t => {
    const house = await open(t, 'framed', { callback: 'onToken' })
    const { widget } = await house.solve({ selector: 'iframe#frame' })
    assert.equal(asked(house)[0].websiteURL, widget.websiteURL)
    const frame = house.page.frames().find(frame => frame.url().includes('/implicit'))
    await frame?.click('button')
    await frame?.waitForSelector('#result')
    assert.deepEqual(books(house), bought)
  })

  test('works in an open shadow root', async t => {
    const widgets = [{ into: '#host >>> #inside', params: { sitekey: '0x4AAAAAAATestShadow' } }]
    const house = await open(t, 'explicit', { shadow: 'open', widgets })
    const { token } = await house.solve({ selector: '#host' })
    const value = await house.page.$eval('#host', host => {
      const form = /** @type {HTMLFormElement} */ (host.shadowRoot?.querySelector('form'))
      return new FormData(form).get('cf-turnstile-response')
    })
    assert.equal(value, token)
  })

  test('waits for a widget that appears later, on a page that comes later', async t => {
    const house = await open(t, 'empty')
    const solved = house.solve()
    await house.page.goto(house.site.url('explicit'))
    const params = { sitekey: '0x4AAAAAAATestLate' }
    await house.page.evaluate(
      widgets => /** @type {any} */ (window).renderAll(widgets),
      [{ into: '#box', params }],
    )
    await solved
    assert.equal(await submitted(house), 'verified')
  })

  test('waits until the widget is rendered, since only then it has a field', async t => {
    const house = await open(t, 'explicit', { pending: '0x4AAAAAAATestPending' })
    const solved = house.solve()
    const [{ widgetId, callback }] = await eventually(
      () => findTurnstile(house.page),
      ({ length }) => length === 1,
    )
    assert.deepEqual([widgetId, callback], [undefined, 'onToken'])
    await house.page.evaluate(() => /** @type {any} */ (window).turnstile.render('#pending'))
    const { widget, applied } = await solved
    assert.match(widget.widgetId ?? '', /^cf-chl-widget-/)
    assert.deepEqual(applied, { fields: ['cf-turnstile-response'], callback: true })
  })

  test('gives up after widgetTimeoutMs, says what there is instead, and buys nothing', async t => {
    const empty = await open(t, 'empty')
    await assert.rejects(empty.solve({ widgetTimeoutMs: 0 }), {
      code: 'WIDGET_NOT_FOUND',
      message: /^no widget within widgetTimeoutMs \(0 ms\) \[ezcaptcha\]; /,
      widgets: [],
    })
    const house = await open(t)
    const other = house.solve({ selector: '#nowhere', widgetTimeoutMs: 500 })
    await assert.rejects(other, error => {
      const { code, message } = /** @type {Error & { code: string }} */ (error)
      assert.equal(code, 'WIDGET_NOT_FOUND')
      assert.match(
        message,
        /^no such widget within widgetTimeoutMs \(500 ms\), only #login > div \(0x4AAAAAAATestSitekey\)/,
      )
      return true
    })
    assert.deepEqual(books(house), nothing)
  })

  test('refuses a selector that is none, also where there is no widget', async t => {
    const house = await open(t, 'empty')
    const refused = { code: 'INVALID_OPTIONS', option: 'selector', message: 'selector: is no CSS selector' }
    await assert.rejects(house.solve({ selector: 'form[' }), refused)
    assert.deepEqual(books(house), nothing)
  })

  test('solves the explicitly rendered widget of the sandbox without its sitekey', async t => {
    const house = await open(t, 'empty')
    await house.page.goto(house.sandbox.pageURL({ render: 'explicit', sitekey: SITEKEY }))
    const { widget } = await house.solve()
    assert.equal(widget.websiteKey, SITEKEY)
    await house.page.click('#submit')
    await house.page.waitForSelector('[data-verified="true"]')
    assert.deepEqual(books(house), bought)
  })

  test('requires websiteKey if the page does not show the sitekey', async t => {
    const house = await open(t, 'explicit')
    const id = 'cf-chl-widget-abcde_response'
    await house.page.$eval(
      '#box',
      (box, id) => box.append(Object.assign(document.createElement('input'), { id, name: 'captcha' })),
      id,
    )
    const failed = house.solve({ widgetTimeoutMs: 300 })
    await assert.rejects(failed, {
      code: 'SITEKEY_UNKNOWN',
      message: /#box \[ezcaptcha\]; set `websiteKey`/,
    })
    assert.deepEqual(books(house), nothing)
    await house.solve({ websiteKey: SITEKEY })
    assert.equal(await submitted(house), 'verified')
    assert.deepEqual(books(house), bought)
  })

  test('changes nothing in the page but the value of the field', async t => {
    const house = await open(t)
    await house.page.waitForSelector('.cf-turnstile > div')
    const state = () =>
      house.page.evaluate(() => {
        const { turnstile } = /** @type {any} */ (window)
        return {
          html: document.documentElement.outerHTML,
          globals: Object.getOwnPropertyNames(window),
          functions: [turnstile.render, window.fetch, Element.prototype.attachShadow].map(String),
          agent: navigator.userAgent,
        }
      })
    const before = await state()
    const { token } = await house.solve()
    const { html, ...after } = await state()
    assert.deepEqual({ ...after, html: html.replace(` value="${token}"`, '') }, before)
    assertAtHome(house)
  })

  test('tells the progress, and leaves no listener behind on the signal or the page', async t => {
    const house = await open(t)
    const { signal } = new AbortController()
    const listeners = () =>
      ['close', 'framenavigated', 'framedetached', 'error', 'crash'].map(name =>
        house.page.listenerCount(/** @type {any} */ (name)),
      )
    const before = listeners()
    /** @type {string[]} */
    const phases = []
    await house.solve({ signal, onProgress: ({ phase }) => phases.push(phase) })
    assert.deepEqual(phases, ['created', 'ready'])
    assert.deepEqual(getEventListeners(signal, 'abort'), [])
    assert.deepEqual(listeners(), before)
  })
})
