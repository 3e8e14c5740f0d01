/// <reference lib="dom" />
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { solveTurnstile } from 'turnstile-solver'
import { startSandbox } from 'turnstile-solver/sandbox'
import { launchChromium } from '../../tools/dev/chromium.mjs'
import { KEY, providers, SITEKEY } from '../support/calls.mjs'

/** @typedef {import('puppeteer-core').Browser} Browser */
/** @typedef {import('puppeteer-core').Page} Page */
/** @typedef {import('../../lib/sandbox/index.mjs').WidgetPageOptions} PageOptions */
/** @typedef {import('../../lib/sandbox/index.mjs').SandboxOptions} SandboxOptions */

/** @type {Browser} */
let browser
before(async () => {
  browser = await launchChromium()
})
after(() => browser?.close())

/**
 * The sandbox's page in a tab of its own. Every request of the tab is taken down; none may leave the sandbox.
 * @param {import('node:test').TestContext} t
 * @param {PageOptions} [options]
 * @param {SandboxOptions} [sandboxOptions]
 */
async function opened(t, options, sandboxOptions) {
  const sandbox = await startSandbox({ clientKey: KEY, solveTimeMs: 0, ...sandboxOptions })
  const context = await browser.createBrowserContext()
  const page = await context.newPage()
  /** @type {string[]} */
  const requests = []
  /** @type {string[]} */
  const pageErrors = []
  page.on('request', request => requests.push(request.url()))
  page.on('pageerror', error => pageErrors.push(String(error)))
  page.on('console', message => message.type() === 'error' && pageErrors.push(message.text()))
  t.after(async () => {
    await context.close()
    await sandbox.close()
  })
  await page.goto(sandbox.pageURL(options), { waitUntil: 'networkidle0' })
  return { sandbox, page, requests, pageErrors }
}

/** What a script finds of the widget in the page. @param {Page} page */
const widget = page =>
  page.$eval('.cf-turnstile', element => ({ .../** @type {HTMLElement} */ (element).dataset }))

/** @param {Page} page */
async function submitted(page) {
  await page.type('#username', 'somebody')
  await Promise.all([page.waitForNavigation(), page.click('#submit')])
  return result(page)
}

/** @param {Page} page */
async function result(page) {
  await page.waitForSelector('#result')
  const text = (/** @type {string} */ selector) => page.$eval(selector, element => element.textContent)
  return { says: await text('#result'), errors: await text('#error-codes'), action: await text('#action') }
}

/** @param {Page} page @param {string} token */
async function fill(page, token) {
  await page.$eval('[name="cf-turnstile-response"]', (field, value) => Object.assign(field, { value }), token)
}

/**
 * @param {Awaited<ReturnType<typeof opened>>} fixture
 * @param {Record<string, unknown>} [more]
 */
async function solved({ sandbox, page }, more) {
  const { sitekey = '' } = await widget(page)
  const { account, taskType } = sandbox
  const task = { websiteURL: page.url(), websiteKey: sitekey, taskType, ...more }
  return solveTurnstile({ ...account, ...task, pollIntervalMs: 1000 })
}

/** @param {Awaited<ReturnType<typeof opened>>} fixture */
function assertLoopbackOnly({ sandbox, requests, pageErrors }) {
  assert.ok(requests.length > 1)
  assert.deepEqual(
    requests.filter(url => !url.startsWith(`${sandbox.baseURL}/`)),
    [],
  )
  assert.deepEqual(pageErrors, [])
}

describe('the widget page in a real browser', { concurrency: 4 }, () => {
  for (const provider of providers) {
    test(`is verified with a token of ${provider}, for the sitekey that is in the page`, async t => {
      const fixture = await opened(t, { sitekey: SITEKEY }, { provider })
      const { sitekey } = await widget(fixture.page)
      assert.equal(sitekey, SITEKEY)
      const { token } = await solved(fixture)
      await fill(fixture.page, token)
      assert.deepEqual(await submitted(fixture.page), { says: 'verified', errors: '', action: '' })
      assertLoopbackOnly(fixture)
      const { tasks, verifications } = fixture.sandbox.stats()
      assert.deepEqual(tasks, { created: 1, delivered: 1, failed: 0, expired: 0 })
      assert.deepEqual(verifications, { success: 1, failure: 0 })
    })
  }

  test('is not verified without a token, and shows the reason', async t => {
    const fixture = await opened(t)
    const { says, errors } = await submitted(fixture.page)
    assert.deepEqual([says, errors], ['not verified', 'missing-input-response'])
    assert.deepEqual(fixture.sandbox.stats().verifications, { success: 0, failure: 1 })
  })

  test('is not verified with a made-up token', async t => {
    const fixture = await opened(t)
    await fill(fixture.page, '0.made-up')
    const { says, errors } = await submitted(fixture.page)
    assert.deepEqual([says, errors], ['not verified', 'invalid-input-response'])
  })

  test('is not verified a second time with the same token', async t => {
    const fixture = await opened(t)
    const { page, sandbox } = fixture
    const { token } = await solved(fixture)
    await fill(page, token)
    assert.equal((await submitted(page)).says, 'verified')
    await page.goto(sandbox.pageURL(), { waitUntil: 'networkidle0' })
    await fill(page, token)
    const { says, errors } = await submitted(page)
    assert.deepEqual([says, errors], ['not verified', 'timeout-or-duplicate'])
  })

  test('is verified with the action and cdata of its widget', async t => {
    const fixture = await opened(t, { action: 'sign-in', cdata: 'session_1' }, { provider: 'ezcaptcha' })
    const { action, cdata } = await widget(fixture.page)
    assert.deepEqual([action, cdata], ['sign-in', 'session_1'])
    const { token } = await solved(fixture, { action, cData: cdata })
    await fill(fixture.page, token)
    assert.deepEqual(await submitted(fixture.page), { says: 'verified', errors: '', action: 'sign-in' })
    assertLoopbackOnly(fixture)
  })

  test('is submitted by its callback once that gets the token', async t => {
    const fixture = await opened(t, { submit: 'callback' })
    const { page } = fixture
    const { token } = await solved(fixture)
    await fill(page, token)
    const { callback = '' } = await widget(page)
    await Promise.all([
      page.waitForNavigation(),
      page.evaluate((name, value) => /** @type {any} */ (globalThis)[name](value), callback, token),
    ])
    assert.equal((await result(page)).says, 'verified')
    assertLoopbackOnly(fixture)
  })

  test('with a test sitekey of Cloudflare is verified without a solve', async t => {
    const fixture = await opened(t, { sitekey: '1x00000000000000000000AA' })
    const field = '[name="cf-turnstile-response"]'
    const answered = (/** @type {string} */ selector) =>
      /** @type {HTMLInputElement} */ (document.querySelector(selector)).value !== ''
    await fixture.page.waitForFunction(answered, {}, field)
    assert.equal((await submitted(fixture.page)).says, 'verified')
    assertLoopbackOnly(fixture)
  })
})
