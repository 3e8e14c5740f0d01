/// <reference lib="dom" />
/** The layout of the dashboard: at every width, in light and dark mode, and in the pictures of the documents. */

import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { comes, openDashboard, says } from '../support/browser-dashboard.mjs'
import { drivers } from '../support/browser-drivers.mjs'
import { createClock } from '../support/sandbox-client.mjs'

const [puppeteer] = drivers

/** @type {import('../support/browser-fixture.mjs').Browser} */
let browser
before(async () => {
  browser = await puppeteer.launch()
})
after(() => browser?.close())

/** @param {import('../support/browser-drivers.mjs').Page} page @param {'light' | 'dark'} value */
const paint = (page, value) => page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value }])

for (const width of [320, 700, 1000, 1600]) {
  test(`the dashboard fits a window ${width} pixels wide, in light and dark mode`, async t => {
    const { page, create } = await openDashboard(t, browser)
    await page.setViewport({ width, height: 700 })
    await create()
    await comes(page, '#rows summary')
    await page.click('#rows summary')
    /** @type {string[]} */
    const grounds = []
    for (const value of /** @type {const} */ (['light', 'dark'])) {
      await paint(page, value)
      grounds.push(await page.evaluate(() => getComputedStyle(document.body).backgroundColor))
    }
    assert.equal(new Set(grounds).size, 2)
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), width)
  })
}

test('many tasks scroll in their own area: the controls and the latest events stay visible', async t => {
  const { page, create } = await openDashboard(t, browser)
  await page.setViewport({ width: 1280, height: 900 })
  for (let made = 0; made < 40; made++) await create()
  await comes(page, '#rows li[data-task="40"]')
  const [contentHeight, visibleHeight, logTop] = await page.evaluate(() => {
    const scroll = /** @type {HTMLElement} */ (document.getElementById('scroll'))
    return [scroll.scrollHeight, scroll.clientHeight, document.getElementById('log')?.offsetTop ?? 0]
  })
  assert.ok(contentHeight > 2 * visibleHeight, `${contentHeight} px of tasks in ${visibleHeight} px`)
  assert.ok(logTop < 900, `the events begin at ${logTop}`)
})

/**
 * A script's half minute, played on the sandbox's own clock while the page looks on.
 * @param {import('node:test').TestContext} t
 */
async function played(t) {
  const clock = createClock(Date.UTC(2026, 0, 5, 12))
  const setup = await openDashboard(t, browser, {
    ...{ now: clock.now, solveTimeMs: [2000, 5000], seed: 3 },
    faults: [
      { fault: '503', method: 'getTaskResult', probability: 0.15, retryAfter: 1 },
      { fault: 'connection-reset-after-processing', method: 'createTask', nth: 4 },
      { fault: 'failed-task', method: 'createTask', task: 3 },
    ],
  })
  const { page, sandbox, create, poll, verify } = setup
  await page.setViewport({ width: 1280, height: 900 })
  /** @type {Map<unknown, number>} */
  const pending = new Map()
  for (let step = 0; step < 22; step++) {
    if (step % 2 === 0) {
      const { json } = await create()
      if (json) pending.set(json.taskId, step)
    }
    clock.advance(500)
    for (const [taskId, since] of pending) {
      if ((step - since) % 2 === 0) continue
      const { json } = await poll(taskId)
      if (json?.status === 'processing' || !json) continue
      pending.delete(taskId)
      const token = json.solution?.token
      if (token && since % 4 === 0) await verify({ secret: sandbox.secret, response: token })
    }
  }
  const { delivered } = sandbox.stats().tasks
  await says(page, '#delivered', String(delivered))
  return page
}

/** @param {Uint8Array} png */
const size = png => {
  const view = new DataView(png.buffer, png.byteOffset)
  return [view.getUint32(16), view.getUint32(20)]
}

test('the pictures in the documents have the current size of the page, and are small files', async t => {
  const page = await played(t)
  await paint(page, 'light')
  const light = await page.screenshot()
  await paint(page, 'dark')
  await page.setViewport({ width: 390, height: 844 })
  const narrow = await page.screenshot()
  for (const [name, picture] of Object.entries({ light, narrow })) {
    const file = new URL(`../../docs/images/sandbox-${name}.png`, import.meta.url)
    if (process.env.UPDATE_IMAGES) writeFileSync(file, picture)
    const kept = readFileSync(file)
    assert.deepEqual(size(kept), size(picture), name)
    assert.ok(kept.length < 150_000, `${name} has ${kept.length} bytes`)
  }
})
