/// <reference lib="dom" />
/** The code of docs/page.md runs, and its pictures show its result. */

import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { solveTurnstileOnPage } from 'turnstile-solver/page'
import { startSandbox } from 'turnstile-solver/sandbox'
import { launchChromium } from '../../tools/dev/chromium.mjs'
import { startSite } from '../support/browser-pages.mjs'
import { KEY } from '../support/calls.mjs'
import { root, run } from '../support/child.mjs'
import { blocksOf, read } from '../support/documents.mjs'

/** Without the recipes, which `page-recipes.test.mjs` runs. */
const document_ = read('docs/page.md').replace(/^## Recipes$.*?(?=^## )/ms, '')
const manifest = JSON.parse(read('package.json'))

/** The expected output of each block, in order. @type {[heading: string, prints: RegExp, bought: number][]} */
const expectations = [
  ['The one call', /^Welcome\n$/, 1],
  ['The one call', /^0x4AAAAAAATestSitekey \[ 'cf-turnstile-response' \] true\nWelcome\n$/, 1],
  ['What is found', /^#login > div 0x4AAAAAAATestSitekey login \[ 'cf-turnstile-response' \]\n$/, 0],
  ['What is found', /^verified\n$/, 1],
  ['Errors', /^PAGE_NAVIGATED\n\d{3}\n$/, 1],
]

describe('the code of docs/page.md', { concurrency: 2 }, () => {
  const folder = stage()
  after(() => rmSync(folder, { recursive: true }))
  const blocks = blocksOf(document_)

  test('has an expected output for each block', () => {
    assert.deepEqual(
      blocks.map(({ heading, language }) => [heading, language]),
      expectations.map(([heading]) => [heading, 'js']),
    )
  })

  for (const [index, [heading, prints, bought]] of expectations.entries()) {
    test(`block ${index + 1}, under "${heading}", prints the expected output`, async t => {
      const sandboxes = await Promise.all(
        /** @type {const} */ (['ezcaptcha', 'yescaptcha']).map(provider =>
          startSandbox({ provider, clientKey: KEY, solveTimeMs: 0 }),
        ),
      )
      t.after(() => Promise.all(sandboxes.map(({ close }) => close())))
      // The site verifies tokens with the sandbox of the provider in the block.
      const sandbox =
        sandboxes.find(({ account }) => blocks[index].code.includes(account.provider)) ?? sandboxes[0]
      const site = await startSite(t, sandbox)
      const file = join(folder, `block-${index + 1}.mjs`)
      writeFileSync(file, blocks[index].code)
      const env = {
        NODE_TEST_CONTEXT: undefined,
        EZCAPTCHA_API_KEY: KEY,
        YESCAPTCHA_API_KEY: KEY,
        DOCS_BASE: sandbox.baseURL,
        DOCS_PAGES: JSON.stringify({
          '/login': site.url('implicit', { action: 'login' }),
          '/app': site.url('react', { exposed: 'yes' }),
          '/elsewhere': site.url('empty'),
        }),
      }
      const ended = await run(process.execPath, [file], { cwd: folder, env })
      assert.deepEqual([ended.stderr, ended.code], ['', 0])
      assert.match(ended.stdout, prints)
      assert.equal(sandbox.stats().tasks.created, bought)
    })
  }
})

/** Creates a folder with the packages that the document names: the drivers open the test's site, and the solver uses the sandbox. */
function stage() {
  const home = mkdtempSync(join(tmpdir(), 'turnstile-solver-docs-'))
  const url = (/** @type {string} */ path) => JSON.stringify(pathToFileURL(join(root, path)).href)
  /** @param {string} name @param {Record<string, string>} files @param {object} [more] */
  const install = (name, files, more = {}) => {
    const folder = join(home, 'node_modules', name)
    mkdirSync(folder, { recursive: true })
    writeFileSync(
      join(folder, 'package.json'),
      JSON.stringify({ name, type: 'module', main: 'index.js', ...more }),
    )
    for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text)
  }
  const testOptions = `{ baseURL: process.env.DOCS_BASE, pollIntervalMs: 1000, ...options }`
  install(
    'turnstile-solver',
    {
      'index.js': `import * as real from ${url(manifest.exports['.'].default)}
export * from ${url(manifest.exports['.'].default)}
export const waitForTask = options => real.waitForTask(${testOptions})`,
      'page.js': `import * as real from ${url(manifest.exports['./page'].default)}
export * from ${url(manifest.exports['./page'].default)}
export const solveTurnstileOnPage = (page, options) => real.solveTurnstileOnPage(page, ${testOptions})`,
    },
    { exports: { '.': './index.js', './page': './page.js' } },
  )
  for (const [driver, entry] of /** @type {const} */ ([
    ['puppeteer', 'default { launch }'],
    ['playwright', 'const chromium = { launch }'],
  ])) {
    install(driver, {
      'index.js': `import { drivers } from ${url('__test__/support/browser-drivers.mjs')}
const pages = JSON.parse(process.env.DOCS_PAGES)
const launch = async () => {
  const browser = await drivers.find(({ name }) => name.toLowerCase() === '${driver}').launch()
  const newPage = async () => {
    const { page } = await browser.open()
    const goto = page.goto.bind(page)
    page.goto = (address, options) => goto(pages[new URL(address).pathname], options)
    return page
  }
  return { newPage, close: browser.close }
}
export ${entry}`,
    })
  }
  return home
}

/**
 * Screenshots of the page before and after the call.
 * @param {import('node:test').TestContext} t
 */
async function screenshots(t) {
  const sandbox = await startSandbox({ provider: 'ezcaptcha', clientKey: KEY, solveTimeMs: 0 })
  t.after(() => sandbox.close())
  const site = await startSite(t, sandbox)
  const browser = await launchChromium()
  t.after(() => browser.close())
  const page = await browser.newPage()
  await page.setViewport({ width: 480, height: 420, deviceScaleFactor: 1.5 })
  await page.goto(site.url('implicit', { action: 'login', cdata: 'session_1' }), {
    waitUntil: 'networkidle0',
  })
  await page.type('#username', 'somebody')
  await page.click('h1')
  const before = await page.screenshot()
  await solveTurnstileOnPage(page, { ...sandbox.account, pollIntervalMs: 1000 })
  await page.click('#submit')
  await page.waitForSelector('#result[data-verified="true"]')
  return { before, after: await page.screenshot() }
}

/** @param {Uint8Array} png */
const size = png => {
  const view = new DataView(png.buffer, png.byteOffset)
  return [view.getUint32(16), view.getUint32(20)]
}

test('the pictures of docs/page.md have the size of the page and are small', async t => {
  for (const [name, picture] of Object.entries(await screenshots(t))) {
    const file = join(root, 'docs', 'images', `page-${name}.png`)
    if (process.env.UPDATE_IMAGES) writeFileSync(file, picture)
    const kept = readFileSync(file)
    assert.deepEqual(size(kept), size(picture), name)
    assert.ok(kept.length < 40_000, `${name} has ${kept.length} bytes`)
  }
})
