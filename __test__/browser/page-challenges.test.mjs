/// <reference lib="dom" />
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findTurnstile } from 'turnstile-solver/page'
import { drivers } from '../support/browser-drivers.mjs'
import { eventually, withEachDriver } from '../support/browser-fixture.mjs'

const CLOUDFLARE = 'https://challenges.cloudflare.com'
const SITE = 'http://shop.test/login'

/** The address of a widget's iframe. @param {string} origin @param {string} sitekey */
const challenge = (origin, sitekey) =>
  `${origin}/cdn-cgi/challenge-platform/h/b/turnstile/f/ov2/av0/rch/abcde/${sitekey}/auto/fbE/new/normal?lang=auto`
const frame = (/** @type {string} */ src, id = '') =>
  `<div class="box"><iframe id="${id}" src="${src}"></iframe></div>`
const ownWidget =
  '<form><div class="cf-turnstile" data-sitekey="0x4AAAAAAATestOwn"><div><input type="hidden" name="cf-turnstile-response" id="cf-chl-widget-own00_response"></div></div></form>'

withEachDriver('an iframe whose address looks like that of a widget', (open, name) => {
  /**
   * A page with that body on a public host. All requests are answered in this process.
   * @param {import('node:test').TestContext} t
   * @param {string} body
   */
  async function opened(t, body) {
    const fixture = await open(t, 'empty')
    const driver = drivers.find(driver => driver.name === name) ?? assert.fail(name)
    await driver.serve(fixture.page, ({ origin, pathname, searchParams }) => {
      if (origin === new URL(SITE).origin) return `<!DOCTYPE html><title>Shop</title>${body}`
      if (pathname === '/go')
        return `<script>location.href = ${JSON.stringify(searchParams.get('to'))}</script>`
      return '<!DOCTYPE html><title>Challenge</title>'
    })
    await fixture.page.goto(SITE)
    const loaded = async () =>
      fixture.page.frames().filter(frame => frame.url().includes('/challenge-platform/')).length
    await eventually(loaded)
    return fixture
  }

  test('that comes from Cloudflare is found as a widget', async t => {
    const { page } = await opened(
      t,
      frame(challenge(CLOUDFLARE, '0x4AAAAAAATestShown'), 'cf-chl-widget-abcde'),
    )
    const found = await findTurnstile(page)
    assert.deepEqual(
      found.map(({ websiteKey, websiteURL, selector }) => [websiteKey, websiteURL, selector]),
      [['0x4AAAAAAATestShown', SITE, 'html > body > div']],
    )
  })

  test('that comes from another host is not a widget', async t => {
    for (const origin of [
      'http://challenges.cloudflare.com',
      'https://challenges.cloudflare.com:8443',
      'https://challenges.cloudflare.com.ads.test',
      'https://ads.test',
    ]) {
      const address = challenge(origin, '0x4AAAAAAATestForeign')
      const { page } = await opened(t, frame(address, 'cf-chl-widget-abcde'))
      assert.deepEqual(await findTurnstile(page), [], origin)
    }
  })

  test('of a frame of another origin that navigated itself to Cloudflare is not a widget', async t => {
    const address = challenge(CLOUDFLARE, '0x4AAAAAAATestForeign')
    const { page } = await opened(t, frame(`https://ads.test/go?to=${encodeURIComponent(address)}`))
    assert.deepEqual(await findTurnstile(page), [])
  })

  test('but that is not a widget does not make the widget of the page ambiguous', async t => {
    const address = challenge(CLOUDFLARE, '0x4AAAAAAATestForeign')
    const went = frame(`https://ads.test/go?to=${encodeURIComponent(address)}`)
    const other = frame(challenge('https://ads.test', '0x4AAAAAAATestForeign'))
    const { page, solve } = await opened(t, went + other + ownWidget)
    const { widget } = await solve()
    assert.equal(widget.websiteKey, '0x4AAAAAAATestOwn')
    assert.equal(await page.$eval('input', input => input.value !== ''), true)
  })
})
