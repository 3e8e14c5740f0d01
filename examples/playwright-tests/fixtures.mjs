/**
 * The fixtures of the tests: where the application runs, and who solves its widgets.
 *
 * In CI that is this machine alone: a sandbox mocks the provider and Cloudflare's siteverify. In staging it is the deployed application
 * and a real provider.
 */

import { test as base } from '@playwright/test'
import { solveTurnstileOnPage } from 'turnstile-solver/page'
import { startSandbox } from 'turnstile-solver/sandbox'
import { startApp } from './app.mjs'

/** @typedef {Pick<import('turnstile-solver/page').PageSolveOptions, 'provider' | 'clientKey' | 'baseURL'>} Account */
/** @typedef {{ url: string, account: Account, close(): Promise<unknown> }} Stage */
/** @typedef {Partial<import('turnstile-solver/page').PageSolveOptions>} Options */
/** @typedef {(options?: Options) => Promise<import('turnstile-solver/page').PageSolution>} SolveTurnstile */

/** @returns {Promise<Stage>} */
async function inCI() {
  const sandbox = await startSandbox({ provider: 'yescaptcha', solveTimeMs: 0 })
  const app = await startApp({
    sitekey: '0x4AAAAAAAExampleSitekey',
    secret: sandbox.secret,
    script: `${sandbox.baseURL}/turnstile/v0/api.js`,
    siteverifyURL: sandbox.siteverifyURL,
  })
  return {
    url: app.url,
    account: sandbox.account,
    close: () => Promise.all([app.close(), sandbox.close()]),
  }
}

/** @param {string} url @returns {Stage} */
function inStaging(url) {
  const { YESCAPTCHA_API_KEY = '', SOLVER_BASE_URL } = process.env
  const account = /** @type {const} */ ({
    provider: 'yescaptcha',
    clientKey: YESCAPTCHA_API_KEY,
    baseURL: SOLVER_BASE_URL,
  })
  return { url, account, close: async () => {} }
}

/** @type {import('@playwright/test').Fixtures<{ solveTurnstile: SolveTurnstile }, { stage: Stage }, import('@playwright/test').PlaywrightTestArgs & import('@playwright/test').PlaywrightTestOptions>} */
const fixtures = {
  stage: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads here what a fixture needs, and this one needs nothing.
    async ({}, use) => {
      const { STAGING_URL } = process.env
      const stage = STAGING_URL ? inStaging(STAGING_URL) : await inCI()
      await use(stage)
      await stage.close()
    },
    { scope: 'worker' },
  ],

  baseURL: ({ stage }, use) => use(stage.url),

  /** Waits for the widget of the page and solves it. */
  solveTurnstile: ({ page, stage }, use) =>
    use(options => solveTurnstileOnPage(page, { ...stage.account, pollIntervalMs: 1000, ...options })),
}

export const test = base.extend(fixtures)
export { expect } from '@playwright/test'
