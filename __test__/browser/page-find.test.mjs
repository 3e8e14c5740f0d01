/// <reference lib="dom" />
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findTurnstile } from 'turnstile-solver/page'
import { assertLoopbackOnly, eventually, withEachDriver } from '../support/browser-fixture.mjs'

/** @typedef {import('../../lib/page/index.mjs').Widget} Widget */
/** @typedef {import('../support/browser-fixture.mjs').Fixture} Fixture */

const SITEKEY = '0x4AAAAAAATestSitekey'

/**
 * All widgets, once as many are rendered; what differs from run to run is checked and taken out.
 * @param {Fixture} fixture
 * @param {number} [count]
 */
async function found({ page, site }, count = 1) {
  const rendered = (/** @type {Widget[]} */ seen) => seen.filter(({ widgetId }) => widgetId).length === count
  const widgets = await eventually(() => findTurnstile(page), rendered)
  return widgets.map(({ widgetId, websiteURL, ...widget }) => {
    assert.match(widgetId ?? '', /^cf-chl-widget-[a-z0-9]{5}$/)
    assert.ok(websiteURL.startsWith(`${site.origin}/`), websiteURL)
    return widget
  })
}

/** A widget without further attributes. */
const plain = { websiteKey: SITEKEY, fields: ['cf-turnstile-response'], hasToken: false, inShadowRoot: false }

withEachDriver('findTurnstile', open => {
  test('returns sitekey, action, cData and callback of an implicit widget', async t => {
    const fixture = await open(t, 'implicit', { action: 'sign-in', cdata: 'session_1', callback: 'onToken' })
    const attributes = {
      action: 'sign-in',
      cData: 'session_1',
      callback: 'onToken',
      selector: '#login > div',
    }
    assert.deepEqual(await found(fixture), [{ ...plain, ...attributes }])
    assertLoopbackOnly(fixture)
  })

  test('returns the address of the page without its fragment', async t => {
    const { page, site } = await open(t)
    await page.goto(`${site.url('implicit', { action: 'a' })}#access_token=secret`)
    const [{ websiteURL }] = await findTurnstile(page)
    assert.equal(websiteURL, site.url('implicit', { action: 'a' }))
  })

  test('returns no callback if the page has no such function', async t => {
    const fixture = await open(t, 'implicit', { callback: 'missing' })
    assert.deepEqual(await found(fixture), [{ ...plain, selector: '#login > div' }])
  })

  test('returns the names of all response fields, custom names included', async t => {
    const custom = await open(t, 'implicit', { 'response-field-name': 'captcha' })
    assert.deepEqual((await found(custom))[0].fields, ['captcha'])
    const old = await open(t, 'implicit', { sitekey: '0x4AAAAAAAAAAOldSitekey', compat: 'recaptcha' })
    const all = ['cf-turnstile-response', 'cf_challenge_response', 'g-recaptcha-response']
    assert.deepEqual((await found(old))[0].fields, all)
  })

  test('returns the sitekey of an explicitly rendered widget from its iframe', async t => {
    const widgets = [{ into: '#box', params: { sitekey: '0x4AAAAAAATestExplicit', action: 'hidden' } }]
    const fixture = await open(t, 'explicit', { widgets })
    const expected = { ...plain, websiteKey: '0x4AAAAAAATestExplicit', selector: '#box' }
    assert.deepEqual(await found(fixture), [expected])
    assertLoopbackOnly(fixture)
  })

  test('returns the sitekey if the iframe failed to load', async t => {
    const widgets = [{ into: '#box', params: { sitekey: '0x4AAAAAAATestExplicit', theme: 'hang-up' } }]
    const fixture = await open(t, 'explicit', { widgets })
    const addresses = () => fixture.page.frames().map(frame => frame.url())
    await eventually(async () => addresses().some(address => address.startsWith('chrome-error:')))
    assert.equal((await found(fixture))[0].websiteKey, '0x4AAAAAAATestExplicit')
  })

  test('returns the sitekey of the iframe if the attribute has another', async t => {
    const widgets = [{ into: '#login > div', params: { sitekey: '0x4AAAAAAATestScript' } }]
    const fixture = await open(t, 'explicit', { widgets })
    await fixture.page.$eval('#box', box => box.setAttribute('data-sitekey', '0x4AAAAAAATestAttribute'))
    assert.equal((await found(fixture))[0].websiteKey, '0x4AAAAAAATestScript')
  })

  test('finds a widget without a response field by its iframe in a closed shadow root', async t => {
    const widgets = [
      { into: '#box', params: { sitekey: '0x4AAAAAAATestFirst', 'response-field': false } },
      { into: '#second', params: { sitekey: '0x4AAAAAAATestSecond' } },
    ]
    const fixture = await open(t, 'explicit', { widgets })
    const [second, first] = await found(fixture, 2)
    assert.deepEqual(first, { ...plain, websiteKey: '0x4AAAAAAATestFirst', fields: [], selector: '#box' })
    assert.deepEqual(second, { ...plain, websiteKey: '0x4AAAAAAATestSecond', selector: '#second' })
  })

  test('returns an implicit widget without a response field once', async t => {
    const fixture = await open(t, 'implicit', { 'response-field': 'false', callback: 'onToken' })
    const expected = { ...plain, fields: [], callback: 'onToken', selector: '#login > div' }
    assert.deepEqual(await found(fixture), [expected])
  })

  test('lists the widgets of a page in document order, each with a selector of its own', async t => {
    const fixture = await open(t, 'several')
    const widgets = await found(fixture, 3)
    assert.deepEqual(
      widgets.map(({ selector, websiteKey }) => [selector, websiteKey]),
      [
        ['#login > div', SITEKEY],
        ['#newsletter > div', '0x4AAAAAAATestNewsletter'],
        ['#contact > div', '0x4AAAAAAATestNewsletter'],
      ],
    )
  })

  test('finds the fields of a widget in an open shadow root, and only the iframe in a closed one', async t => {
    const widgets = [{ into: '#host >>> #inside', params: { sitekey: '0x4AAAAAAATestShadow' } }]
    const expected = { ...plain, websiteKey: '0x4AAAAAAATestShadow', selector: '#inside', inShadowRoot: true }
    const open_ = await open(t, 'explicit', { shadow: 'open', widgets })
    assert.deepEqual(await found(open_), [expected])
    const closed = await open(t, 'explicit', { shadow: 'closed', widgets })
    assert.deepEqual(await found(closed), [{ ...expected, fields: [] }])
  })

  test('finds a widget in a frame of the same origin, with the address of the frame', async t => {
    const { page, site } = await open(t, 'framed', { action: 'in-frame' })
    const widgets = await eventually(
      () => findTurnstile(page),
      ({ length }) => length === 1,
    )
    assert.equal(widgets[0].action, 'in-frame')
    assert.equal(widgets[0].websiteURL, `${site.origin}/implicit?action=in-frame`)
  })

  test('returns the address of the page for a frame without an address of its own', async t => {
    const fixture = await open(t, 'srcdoc')
    assert.deepEqual(await found(fixture), [{ ...plain, selector: '#login > div' }])
    const [{ websiteURL }] = await findTurnstile(fixture.page)
    assert.equal(websiteURL, `${fixture.site.origin}/srcdoc`)
  })

  test('is not delayed by a frame that never gets a document', async t => {
    const fixture = await open(t)
    await fixture.page.evaluate(() => {
      const frame = document.createElement('iframe')
      frame.src = '/never'
      document.body.append(frame)
    })
    await eventually(async () => fixture.page.frames().length === 3)
    assert.deepEqual(await found(fixture), [{ ...plain, selector: '#login > div' }])
  })

  test('ignores frames of another origin', async t => {
    const { page } = await open(t, 'foreign')
    const inside = await eventually(async () =>
      page.frames().find(frame => frame.url().includes('/implicit')),
    )
    await inside?.waitForSelector('.cf-turnstile > div')
    assert.deepEqual(await findTurnstile(page), [])
  })

  test('ignores widgets of other services, and fields outside of a widget', async t => {
    const { page } = await open(t, 'empty')
    await page.evaluate(() => {
      for (const kind of ['g-recaptcha', 'h-captcha']) {
        const other = document.createElement('div')
        other.className = kind
        other.dataset.sitekey = '10000000-ffff-ffff-ffff-000000000001'
        document.body.append(other)
      }
      const field = document.createElement('input')
      field.name = 'cf-turnstile-response'
      document.body.append(field)
    })
    assert.deepEqual(await findTurnstile(page), [])
  })

  test('returns hasToken if a response field has a value', async t => {
    const fixture = await open(t)
    await found(fixture)
    await fixture.page.$eval('[name="cf-turnstile-response"]', field =>
      Object.assign(field, { value: 'token' }),
    )
    assert.equal((await found(fixture))[0].hasToken, true)
  })

  test('returns an empty list without widgets, and rejects for a closed page', async t => {
    const { page } = await open(t, 'empty')
    assert.deepEqual(await findTurnstile(page), [])
    await page.close()
    await assert.rejects(findTurnstile(page), { code: 'PAGE_CLOSED', mayBeCharged: false })
  })
})
