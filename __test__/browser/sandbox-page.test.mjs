/// <reference lib="dom" />
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { launchChromium } from '../../tools/dev/chromium.mjs'
import { open, solve } from '../support/sandbox-client.mjs'

describe('the page in a browser', () => {
  /** @type {import('puppeteer-core').Browser} */
  let browser
  before(async () => {
    browser = await launchChromium()
  })
  after(() => browser?.close())

  /**
   * @param {import('node:test').TestContext} t
   * @param {import('../../lib/sandbox/index.mjs').WidgetPageOptions} options
   */
  const visit = async (t, options) => {
    const setup = await open(t, { provider: 'ezcaptcha' })
    const page = await browser.newPage()
    t.after(() => page.close())
    const url = setup.sandbox.pageURL(options)
    /** @type {string[]} */
    const errors = []
    page.on('pageerror', error => errors.push(String(error)))
    page.on('request', request => {
      if (!request.url().startsWith(setup.sandbox.baseURL)) errors.push(request.url())
    })
    t.after(() => assert.deepEqual(errors, [], 'no script error, no external request'))
    await page.goto(url)
    /** @param {string} selector */
    const text = selector => page.$eval(selector, element => element.textContent)
    return {
      ...{ setup, page, url, text },
      /** The iframe of the widget, once it shows that text. @param {string} shown */
      iframe: async shown => {
        const frame = await page.waitForFrame(frame => frame.url().includes('/cdn-cgi/challenge-platform/'))
        await frame.waitForFunction(text => document.body?.textContent?.trim() === text, {}, shown)
        return frame
      },
      response: () => page.evaluate('turnstile.getResponse()'),
      field: (name = 'cf-turnstile-response') =>
        page.$eval(`[name="${name}"]`, input => input.getAttribute('value') ?? ''),
      answered: () => page.waitForFunction('turnstile.getResponse() !== undefined'),
      submit: async () => {
        await Promise.all([page.waitForNavigation(), page.click('#submit')])
        return [await text('#result'), await text('#error-codes')]
      },
    }
  }

  const DUMMY = 'XXXX.DUMMY.TOKEN.XXXX'

  test('a sitekey that always passes gets a token by itself: field, callback, getResponse, and the form verifies', async t => {
    const { answered, response, text, field, submit } = await visit(t, {
      sitekey: '1x00000000000000000000AA',
    })
    await answered()
    assert.deepEqual([await response(), await text('#callback-token'), await field()], [DUMMY, DUMMY, DUMMY])
    assert.deepEqual(await submit(), ['verified', ''])
  })

  test('a sitekey that always fails gets a token, too, and it is refused', async t => {
    const { answered, submit } = await visit(t, { sitekey: '2x00000000000000000000AB' })
    await answered()
    assert.deepEqual(await submit(), ['not verified', 'invalid-input-response'])
  })

  test('the interactive sitekey waits for a click, and waits again after reset', async t => {
    const { page, response, field, answered, iframe } = await visit(t, {
      sitekey: '3x00000000000000000000FF',
      render: 'explicit',
    })
    const frame = await iframe('Click to verify')
    assert.equal(await response(), undefined)
    await frame.click('body')
    await answered()
    assert.equal(await response(), DUMMY)
    await iframe('Success!')
    await page.evaluate('turnstile.reset(window.widgetId)')
    await iframe('Click to verify')
    assert.deepEqual([await response(), await field()], [undefined, ''])
    await page.evaluate('turnstile.remove(window.widgetId)')
    assert.equal((await page.$$('[name="cf-turnstile-response"], #widget > div')).length, 0)
  })

  test('any other sitekey waits for a token, and accepts one of the sandbox', async t => {
    const { setup, page, url, submit, response } = await visit(t, { action: 'login', fieldName: 'proof' })
    await page.waitForSelector('[name="proof"]')
    assert.equal(await response(), undefined)
    const token = await solve(setup, { websiteURL: url, rqData: { metadataAction: 'login' } })
    await page.$eval('[name="proof"]', (input, value) => input.setAttribute('value', value), token)
    assert.deepEqual(await submit(), ['verified', ''])
    await page.goto(url)
    assert.deepEqual(await submit(), ['not verified', 'missing-input-response'])
  })

  test('with explicit rendering, the callback can submit the form', async t => {
    const { page, text } = await visit(t, {
      ...{ sitekey: '1x00000000000000000000BB', render: 'explicit', submit: 'callback' },
    })
    await page.waitForSelector('#result')
    assert.equal(await text('#result'), 'verified')
  })

  test('with auto off, a sitekey for testing gets no token either', async t => {
    const { iframe, response } = await visit(t, { sitekey: '1x00000000000000000000AA', auto: false })
    await iframe('Waiting for a token')
    assert.equal(await response(), undefined)
  })
})
