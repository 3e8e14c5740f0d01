/// <reference lib="dom" />
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findTurnstile } from 'turnstile-solver/page'
import { assertAtHome, eventually, withEachDriver } from '../support/browser-fixture.mjs'

/** @typedef {import('../../lib/page/index.mjs').Widget} Widget */
/** @typedef {import('../support/browser-fixture.mjs').House} House */

const SITEKEY = '0x4AAAAAAATestSitekey'

/**
 * All widgets, once as many are rendered; what differs from run to run is checked and taken out.
 * @param {House} house
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

/** What every widget shows that shows no more. */
const plain = { websiteKey: SITEKEY, fields: ['cf-turnstile-response'], hasToken: false, inShadowRoot: false }

withEachDriver('findTurnstile', open => {
  test('tells sitekey, action, cData and callback of an implicit widget', async t => {
    const house = await open(t, 'implicit', { action: 'sign-in', cdata: 'session_1', callback: 'onToken' })
    const told = { action: 'sign-in', cData: 'session_1', callback: 'onToken', selector: '#login > div' }
    assert.deepEqual(await found(house), [{ ...plain, ...told }])
    assertAtHome(house)
  })

  test('tells the page as the widget sees it, without what follows #', async t => {
    const { page, site } = await open(t)
    await page.goto(`${site.url('implicit', { action: 'a' })}#access_token=secret`)
    const [{ websiteURL }] = await findTurnstile(page)
    assert.equal(websiteURL, site.url('implicit', { action: 'a' }))
  })

  test('names no callback that is not there', async t => {
    const house = await open(t, 'implicit', { callback: 'nobody' })
    assert.deepEqual(await found(house), [{ ...plain, selector: '#login > div' }])
  })

  test('tells a custom response field, and all of them where there are several', async t => {
    const custom = await open(t, 'implicit', { 'response-field-name': 'captcha' })
    assert.deepEqual((await found(custom))[0].fields, ['captcha'])
    const old = await open(t, 'implicit', { sitekey: '0x4AAAAAAAAAAOldSitekey', compat: 'recaptcha' })
    const all = ['cf-turnstile-response', 'cf_challenge_response', 'g-recaptcha-response']
    assert.deepEqual((await found(old))[0].fields, all)
  })

  test('tells the sitekey of an explicitly rendered widget, which only its iframe knows', async t => {
    const widgets = [{ into: '#box', params: { sitekey: '0x4AAAAAAATestExplicit', action: 'hidden' } }]
    const house = await open(t, 'explicit', { widgets })
    const expected = { ...plain, websiteKey: '0x4AAAAAAATestExplicit', selector: '#box' }
    assert.deepEqual(await found(house), [expected])
    assertAtHome(house)
  })

  test('tells the sitekey also where the iframe cannot load', async t => {
    const widgets = [{ into: '#box', params: { sitekey: '0x4AAAAAAATestExplicit', theme: 'hang-up' } }]
    const house = await open(t, 'explicit', { widgets })
    const addresses = () => house.page.frames().map(frame => frame.url())
    await eventually(async () => addresses().some(address => address.startsWith('chrome-error:')))
    assert.equal((await found(house))[0].websiteKey, '0x4AAAAAAATestExplicit')
  })

  test('believes the iframe where a script rendered with another sitekey than the attribute says', async t => {
    const widgets = [{ into: '#login > div', params: { sitekey: '0x4AAAAAAATestScript' } }]
    const house = await open(t, 'explicit', { widgets })
    await house.page.$eval('#box', box => box.setAttribute('data-sitekey', '0x4AAAAAAATestAttribute'))
    assert.equal((await found(house))[0].websiteKey, '0x4AAAAAAATestScript')
  })

  test('sees a widget without a response field by its iframe alone, inside a closed shadow root', async t => {
    const widgets = [
      { into: '#box', params: { sitekey: '0x4AAAAAAATestFirst', 'response-field': false } },
      { into: '#second', params: { sitekey: '0x4AAAAAAATestSecond' } },
    ]
    const house = await open(t, 'explicit', { widgets })
    const [second, first] = await found(house, 2)
    assert.deepEqual(first, { ...plain, websiteKey: '0x4AAAAAAATestFirst', fields: [], selector: '#box' })
    assert.deepEqual(second, { ...plain, websiteKey: '0x4AAAAAAATestSecond', selector: '#second' })
  })

  test('sees an implicit widget without a response field once, not twice', async t => {
    const house = await open(t, 'implicit', { 'response-field': 'false', callback: 'onToken' })
    const expected = { ...plain, fields: [], callback: 'onToken', selector: '#login > div' }
    assert.deepEqual(await found(house), [expected])
  })

  test('lists every widget of a page in its order, each with a selector of its own', async t => {
    const house = await open(t, 'several')
    const widgets = await found(house, 3)
    assert.deepEqual(
      widgets.map(({ selector, websiteKey }) => [selector, websiteKey]),
      [
        ['#login > div', SITEKEY],
        ['#newsletter > div', '0x4AAAAAAATestNewsletter'],
        ['#contact > div', '0x4AAAAAAATestNewsletter'],
      ],
    )
  })

  test('looks into open shadow roots; into a closed one it cannot, and sees the iframe of its widget alone', async t => {
    const widgets = [{ into: '#host >>> #inside', params: { sitekey: '0x4AAAAAAATestShadow' } }]
    const expected = { ...plain, websiteKey: '0x4AAAAAAATestShadow', selector: '#inside', inShadowRoot: true }
    const open_ = await open(t, 'explicit', { shadow: 'open', widgets })
    assert.deepEqual(await found(open_), [expected])
    const closed = await open(t, 'explicit', { shadow: 'closed', widgets })
    assert.deepEqual(await found(closed), [{ ...expected, fields: [] }])
  })

  test('looks into frames of the same origin, and says their address', async t => {
    const { page, site } = await open(t, 'framed', { action: 'in-frame' })
    const widgets = await eventually(
      () => findTurnstile(page),
      ({ length }) => length === 1,
    )
    assert.equal(widgets[0].action, 'in-frame')
    assert.equal(widgets[0].websiteURL, `${site.origin}/implicit?action=in-frame`)
  })

  test('says the address of the page around a frame that has none of its own', async t => {
    const house = await open(t, 'srcdoc')
    assert.deepEqual(await found(house), [{ ...plain, selector: '#login > div' }])
    const [{ websiteURL }] = await findTurnstile(house.page)
    assert.equal(websiteURL, `${house.site.origin}/srcdoc`)
  })

  test('is not held up by a frame that never gets a document', async t => {
    const house = await open(t)
    await house.page.evaluate(() => {
      const frame = document.createElement('iframe')
      frame.src = '/never'
      document.body.append(frame)
    })
    await eventually(async () => house.page.frames().length === 3)
    assert.deepEqual(await found(house), [{ ...plain, selector: '#login > div' }])
  })

  test('leaves frames of another origin alone', async t => {
    const { page } = await open(t, 'foreign')
    const inside = await eventually(async () =>
      page.frames().find(frame => frame.url().includes('/implicit')),
    )
    await inside?.waitForSelector('.cf-turnstile > div')
    assert.deepEqual(await findTurnstile(page), [])
  })

  test('takes no widget of another kind for one of Turnstile', async t => {
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

  test('sees that a widget has its answer already', async t => {
    const house = await open(t)
    await found(house)
    await house.page.$eval('[name="cf-turnstile-response"]', field =>
      Object.assign(field, { value: 'token' }),
    )
    assert.equal((await found(house))[0].hasToken, true)
  })

  test('finds nothing where there is nothing, and refuses a closed page', async t => {
    const { page } = await open(t, 'empty')
    assert.deepEqual(await findTurnstile(page), [])
    await page.close()
    await assert.rejects(findTurnstile(page), { code: 'PAGE_CLOSED', mayBeCharged: false })
  })
})
