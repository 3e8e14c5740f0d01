/** A page with a widget, opened in a real browser by each driver, and a sandbox that solves it. */

import assert from 'node:assert/strict'
import { after, before, describe } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { inspect } from 'node:util'
import { solveTurnstileOnPage } from 'turnstile-solver/page'
import { startSandbox } from 'turnstile-solver/sandbox'
import { drivers } from './browser-drivers.mjs'
import { startSite } from './browser-pages.mjs'
import { KEY } from './calls.mjs'

/** @typedef {import('node:test').TestContext} TestContext */
/** @typedef {import('../../lib/page/index.mjs').PageSolveOptions} PageSolveOptions */
/** @typedef {Awaited<ReturnType<Open>>} Fixture */
/** @typedef {(t: TestContext, shape?: string, config?: PageConfig, options?: SandboxOptions, browser?: Browser) => ReturnType<typeof opened>} Open */
/** @typedef {import('./browser-pages.mjs').PageConfig} PageConfig */
/** @typedef {Awaited<ReturnType<(typeof drivers)[number]['launch']>>} Browser */
/** @typedef {import('../../lib/sandbox/index.mjs').SandboxOptions} SandboxOptions */

/**
 * The same suite with each driver, in one browser each.
 * @param {string} title
 * @param {(open: Open, driver: string) => void} suite
 * @param {{ concurrency?: number }} [options]
 */
export function withEachDriver(title, suite, { concurrency = 4 } = {}) {
  for (const driver of drivers) {
    describe(`${title}, driven by ${driver.name}`, { concurrency }, () => {
      /** @type {Browser} */
      let browser
      before(async () => {
        browser = await driver.launch()
      })
      after(() => browser?.close())
      suite(
        (t, shape, config, options, own) => opened(t, own ?? browser, shape, config, options),
        driver.name,
      )
    })
  }
}

/**
 * @param {TestContext} t
 * @param {Browser} browser
 * @param {string} [shape]
 * @param {PageConfig} [config]
 * @param {SandboxOptions} [options]
 */
async function opened(t, browser, shape = 'implicit', config = {}, options = {}) {
  const sandbox = await startSandbox({ provider: 'ezcaptcha', clientKey: KEY, solveTimeMs: 0, ...options })
  t.after(() => sandbox.close())
  const site = await startSite(t, sandbox)
  const { page, close } = await browser.open()
  t.after(() => close().catch(() => {}))
  /** @type {string[]} */
  const requests = []
  /** @type {string[]} */
  const pageErrors = []
  page.on('request', request => void requests.push(request.url()))
  page.on('pageerror', error => void pageErrors.push(String(error)))
  page.on('console', message => void (message.type() === 'error' && pageErrors.push(message.text())))
  await page.goto(site.url(shape, config))
  return {
    sandbox,
    site,
    page,
    requests,
    pageErrors,
    /** @param {Partial<PageSolveOptions>} [more] */
    solve: more => solveTurnstileOnPage(page, { ...sandbox.account, pollIntervalMs: 1000, ...more }),
  }
}

/** Submits the form by its button, and returns the result that its server shows. @param {Fixture} fixture */
export async function submitted({ page }, form = '#login') {
  await page.click(`${form} button`)
  await page.waitForSelector('#result')
  return page.$eval('#result', element => element.textContent)
}

/** Every request went to loopback, and the page had no error. @param {Fixture} fixture */
export function assertLoopbackOnly({ requests, pageErrors }) {
  assert.ok(requests.length > 0)
  const external = requests.filter(url => !/^(?:http:\/\/(?:127\.0\.0\.1|localhost):\d+\/|about:)/.test(url))
  assert.deepEqual(external, [])
  assert.deepEqual(pageErrors, [])
}

/** How many tasks and verifications there were. @param {Fixture} fixture */
export function counts({ sandbox }) {
  const { tasks, verifications } = sandbox.stats()
  return { created: tasks.created, delivered: tasks.delivered, verified: verifications.success }
}

/**
 * Calls `ask` until its result is the expected one, or fails after 15 s.
 * @template T
 * @param {() => Promise<T>} ask
 * @param {(answer: T) => unknown} [isOne]
 * @returns {Promise<T>}
 */
export async function eventually(ask, isOne = Boolean) {
  const deadline = performance.now() + 15_000
  for (;;) {
    const answer = await ask()
    if (isOne(answer)) return answer
    assert.ok(performance.now() < deadline, `still ${inspect(answer)}`)
    await setImmediate()
  }
}

/** Resolves with the next event of that type. @param {Fixture} fixture @param {string} type */
export function nextEvent({ sandbox }, type) {
  return new Promise(resolve => {
    sandbox.events.on('*', event => {
      if (event.type === type) resolve(event)
    })
  })
}
