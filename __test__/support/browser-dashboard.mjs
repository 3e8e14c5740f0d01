/// <reference lib="dom" />
/** A sandbox and its dashboard in a real browser; the same with either driver. */

import assert from 'node:assert/strict'
import { startSandbox } from 'turnstile-solver/sandbox'
import { eventually } from './browser-fixture.mjs'
import { createCalls, KEY } from './sandbox-client.mjs'

/** @typedef {import('./browser-fixture.mjs').Browser} Browser */
/** @typedef {import('./browser-drivers.mjs').Page} Page */
/** @typedef {import('../../lib/sandbox/index.mjs').SandboxOptions} SandboxOptions */
/** @typedef {Awaited<ReturnType<typeof openDashboard>>} Setup */

/**
 * After the test, the page must have sent no request elsewhere and reported no error.
 * @param {import('node:test').TestContext} t
 * @param {Browser} browser
 * @param {SandboxOptions} [options]
 */
export async function openDashboard(t, browser, options) {
  const sandbox = await startSandbox({ clientKey: KEY, dashboard: true, solveTimeMs: 0, ...options })
  /** @type {string[]} */
  const errors = []
  /** @type {(() => Promise<void>)[]} */
  const tabs = []
  // Close the pages first: they report errors when the sandbox is closed.
  t.after(async () => {
    await Promise.all(tabs.map(close => close()))
    await sandbox.close()
    assert.deepEqual(errors, [])
  })

  /** Opens the dashboard in another browser profile. */
  const look = async () => {
    const { page, close } = await browser.open()
    tabs.push(close)
    page.on('pageerror', error => void errors.push(String(error)))
    page.on('console', message => void errors.push(message.text()))
    page.on('request', request => {
      if (!request.url().startsWith(`${sandbox.baseURL}/`)) errors.push(request.url())
    })
    await page.goto(sandbox.dashboardURL ?? '')
    await says(page, '#link', 'live')
    await comes(page, '#fault option')
    return page
  }
  const page = await look()
  return { sandbox, page, look, errors, ...createCalls(sandbox) }
}

/** @param {Page} page @param {string} selector */
export const textOf = (page, selector) =>
  page.evaluate(at => document.querySelector(at)?.textContent ?? undefined, selector)

/** Waits until the element has this text. @param {Page} page @param {string} selector @param {string} text */
export const says = (page, selector, text) =>
  eventually(
    () => textOf(page, selector),
    said => said === text,
  )

/** Waits until the element exists. @param {Page} page @param {string} selector */
export const comes = (page, selector) =>
  eventually(() => page.evaluate(at => document.querySelector(at) !== null, selector))

/** @param {Page} page @param {string} selector by Tab alone */
export async function tabTo(page, selector) {
  for (let pressed = 0; pressed < 60; pressed++) {
    await page.keyboard.press('Tab')
    if (await page.evaluate(at => document.activeElement?.matches(at), selector)) return
  }
  assert.fail(`Tab does not lead to ${selector}`)
}
