/** Both browser drivers, for tests that run the same with each. */

import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { chromium } from 'playwright-core'
import { launchChromium, prepareChromium } from '../../tools/dev/chromium.mjs'

/**
 * What the tests ask of a page beyond what `turnstile-solver/page` does; both drivers have it.
 * @typedef {import('puppeteer-core').Page} Page
 */

/**
 * @typedef {object} Driver
 * @property {string} name
 * @property {(page: Page, answer: (address: URL) => string | undefined) => Promise<void>} serve answers all requests of a page, of whatever host, with a document; without one they fail
 * @property {() => Promise<{ open(): Promise<{ page: Page, close(): Promise<void> }>, close(): Promise<void>, kill(): Promise<void> }>} launch
 */

/** @type {Driver} */
const puppeteer = {
  name: 'Puppeteer',
  async serve(page, answer) {
    await page.setRequestInterception(true)
    page.on('request', request => {
      const body = answer(new URL(request.url()))
      return body === undefined ? request.abort() : request.respond({ contentType: 'text/html', body })
    })
  },
  async launch() {
    const browser = await launchChromium()
    return {
      async open() {
        const context = await browser.createBrowserContext()
        return { page: await context.newPage(), close: () => context.close() }
      },
      close: () => browser.close(),
      kill: async () => void browser.process()?.kill('SIGKILL'),
    }
  },
}

/** @type {Driver} */
const playwright = {
  name: 'Playwright',
  async serve(page, answer) {
    await /** @type {any} */ (page).route('**/*', (/** @type {import('playwright-core').Route} */ route) => {
      const body = answer(new URL(route.request().url()))
      return body === undefined ? route.abort() : route.fulfill({ contentType: 'text/html', body })
    })
  },
  async launch() {
    const executablePath = await prepareChromium()
    // Without a font Chromium renders no text; the packaged one includes fonts.
    const fonts = join(dirname(executablePath), 'fonts')
    const env = { ...process.env, ...(existsSync(fonts) ? { FONTCONFIG_PATH: fonts } : {}) }
    const args = ['--disable-gpu', '--disable-quic']
    const settings = { executablePath, env: /** @type {any} */ (env), args }
    const browser = await chromium.launch(settings)
    return {
      async open() {
        const context = await browser.newContext()
        return { page: /** @type {any} */ (await context.newPage()), close: () => context.close() }
      },
      close: () => browser.close(),
      async kill() {
        const session = await browser.newBrowserCDPSession()
        const { processInfo } = await session.send('SystemInfo.getProcessInfo')
        process.kill(processInfo.find(({ type }) => type === 'browser')?.id ?? 0, 'SIGKILL')
      },
    }
  },
}

export const drivers = [puppeteer, playwright]
