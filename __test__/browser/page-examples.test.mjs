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

  test('without settings signs in at the page of a sandbox', async () => {
    const { stdout, stderr, code } = await login({})
    assert.equal(code, 0, stderr)
    assert.match(stdout, /^#widget solved in \d\.\d s, task [0-9a-f-]{36}\nWelcome: verified\n$/)
    const steady = (/** @type {string} */ text) => text.replaceAll(/\d\.\d s|[0-9a-f-]{36}/g, '')
    const shown = blocksOf(read('examples/puppeteer-login/README.md')).find(
      ({ language }) => language === 'text',
    )
    assert.equal(steady(stderr + stdout), steady(shown?.code ?? ''))
  })

  test('with the URL of a page and a key signs in there with the provider of the key', async t => {
    const sandbox = await startSandbox({ provider: 'ezcaptcha', clientKey: KEY, solveTimeMs: 0 })
    t.after(() => sandbox.close())
    const env = { LOGIN_URL: sandbox.pageURL(), EZCAPTCHA_API_KEY: KEY, SOLVER_BASE_URL: sandbox.baseURL }
    const { stdout, stderr, code } = await login(env)
    assert.equal(code, 0, stderr)
    assert.match(stdout, /\nWelcome: verified\n$/)
    const { tasks, verifications } = sandbox.stats()
    assert.deepEqual([tasks.created, tasks.delivered, verifications.success], [1, 1, 1])
  })

  test('with an empty balance prints the error and exits with 1', async t => {
    const sandbox = await startSandbox({ provider: 'ezcaptcha', clientKey: KEY, balance: 0 })
    t.after(() => sandbox.close())
    const env = { LOGIN_URL: sandbox.pageURL(), EZCAPTCHA_API_KEY: KEY, SOLVER_BASE_URL: sandbox.baseURL }
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

  test('pass in CI against a sandbox', async t => {
    assert.match(await suite(t, { CI: 'true', STAGING_URL: '' }), /\b3 passed\b/)
  })

  test('pass in staging against a deployed application and a provider', async t => {
    const sandbox = await startSandbox({ provider: 'yescaptcha', clientKey: KEY, solveTimeMs: 0 })
    t.after(() => sandbox.close())
    const app = await startApp({
      sitekey: SITEKEY,
      secret: sandbox.secret,
      script: `${sandbox.baseURL}/turnstile/v0/api.js`,
      siteverifyURL: sandbox.siteverifyURL,
    })
    t.after(() => app.close())
    const env = { STAGING_URL: app.url, YESCAPTCHA_API_KEY: KEY, SOLVER_BASE_URL: sandbox.baseURL }
    assert.match(await suite(t, env), /\b3 passed\b/)
    assert.equal(sandbox.stats().tasks.delivered, 2)
  })
})
