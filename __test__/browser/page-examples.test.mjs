/** The examples with a browser run, as a user runs them. */

import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { before, describe, test } from 'node:test'
import { startSandbox } from 'turnstile-solver/sandbox'
import { startApp } from '../../examples/playwright-tests/app.mjs'
import { prepareChromium } from '../../tools/dev/chromium.mjs'
import { tool } from '../../tools/dev/run.mjs'
import { KEY, SITEKEY } from '../support/calls.mjs'
import { root, run } from '../support/child.mjs'
import { blocksOf, read } from '../support/documents.mjs'

/** @type {NodeJS.ProcessEnv} */
let browser
before(async () => {
  const path = await prepareChromium()
  const fonts = join(dirname(path), 'fonts')
  browser = {
    CHROME_PATH: path,
    CHROME_ARGS: '--no-sandbox --disable-background-networking',
    ...(existsSync(fonts) ? { FONTCONFIG_PATH: fonts } : {}),
    NODE_TEST_CONTEXT: undefined,
  }
})

describe('examples/puppeteer-login', () => {
  const login = (/** @type {NodeJS.ProcessEnv} */ env) =>
    run(process.execPath, [join(root, 'examples/puppeteer-login/login.mjs')], { env: { ...browser, ...env } })

  test('signs in on the sandbox, with no settings at all', async () => {
    const { stdout, stderr, code } = await login({})
    assert.equal(code, 0, stderr)
    assert.match(stdout, /^#widget answered in \d\.\d s, task [0-9a-f-]{36}\nWelcome: verified\n$/)
    const steady = (/** @type {string} */ text) => text.replaceAll(/\d\.\d s|[0-9a-f-]{36}/g, '')
    const shown = blocksOf(read('examples/puppeteer-login/README.md')).find(
      ({ language }) => language === 'text',
    )
    assert.equal(steady(stderr + stdout), steady(shown?.code ?? ''))
  })

  test('signs in at a page of its own, with the vendor of its key', async t => {
    const vendor = await startSandbox({ provider: 'ezcaptcha', clientKey: KEY, solveTimeMs: 0 })
    t.after(() => vendor.close())
    const env = { LOGIN_URL: vendor.pageURL(), EZCAPTCHA_API_KEY: KEY, SOLVER_BASE_URL: vendor.baseURL }
    const { stdout, stderr, code } = await login(env)
    assert.equal(code, 0, stderr)
    assert.match(stdout, /\nWelcome: verified\n$/)
    const { tasks, verifications } = vendor.stats()
    assert.deepEqual([tasks.created, tasks.delivered, verifications.success], [1, 1, 1])
  })

  test('says what is wrong with the account, and ends with an exit code', async t => {
    const vendor = await startSandbox({ provider: 'ezcaptcha', clientKey: KEY, balance: 0 })
    t.after(() => vendor.close())
    const env = { LOGIN_URL: vendor.pageURL(), EZCAPTCHA_API_KEY: KEY, SOLVER_BASE_URL: vendor.baseURL }
    const { stdout, stderr, code } = await login(env)
    assert.deepEqual([code, stdout], [1, ''])
    assert.match(stderr, /ERROR_ZERO_BALANCE/)
  })
})

describe('examples/playwright-tests', () => {
  /** @param {import('node:test').TestContext} t @param {NodeJS.ProcessEnv} env */
  async function suite(t, env) {
    const output = mkdtempSync(join(tmpdir(), 'turnstile-solver-playwright-'))
    t.after(() => rmSync(output, { recursive: true, force: true }))
    const config = join(root, 'examples/playwright-tests/playwright.config.mjs')
    const args = [tool('@playwright/test', 'playwright'), 'test', '--config', config, '--output', output]
    const { stdout, stderr, code } = await run(process.execPath, args, { env: { ...browser, ...env } })
    assert.equal(code, 0, stdout + stderr)
    return stdout
  }

  test('pass in CI, where a sandbox stands in for everybody', async t => {
    assert.match(await suite(t, { CI: 'true', STAGING_URL: '' }), /\b3 passed\b/)
  })

  test('pass in staging, with the deployed application and a vendor', async t => {
    const vendor = await startSandbox({ provider: 'yescaptcha', clientKey: KEY, solveTimeMs: 0 })
    t.after(() => vendor.close())
    const app = await startApp({
      sitekey: SITEKEY,
      secret: vendor.secret,
      script: `${vendor.baseURL}/turnstile/v0/api.js`,
      siteverifyURL: vendor.siteverifyURL,
    })
    t.after(() => app.close())
    const env = { STAGING_URL: app.url, YESCAPTCHA_API_KEY: KEY, SOLVER_BASE_URL: vendor.baseURL }
    assert.match(await suite(t, env), /\b3 passed\b/)
    assert.equal(vendor.stats().tasks.delivered, 2)
  })
})
