/// <reference lib="dom" />
/** The dashboard in a real browser, with a real client, by mouse and by keyboard. */

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { solveTurnstile } from 'turnstile-solver'
import { startSandbox } from 'turnstile-solver/sandbox'
import { comes, openDashboard, says, tabTo, textOf } from '../support/browser-dashboard.mjs'
import { drivers } from '../support/browser-drivers.mjs'
import { createCalls, KEY, SITEKEY } from '../support/sandbox-client.mjs'

/** @typedef {import('../support/browser-dashboard.mjs').Setup} Setup */
/** @typedef {import('../support/browser-dashboard.mjs').SandboxOptions} SandboxOptions */

/** @param {Setup} setup */
const solve = ({ sandbox }) =>
  solveTurnstile({
    ...sandbox.account,
    websiteURL: 'https://shop.example/login',
    websiteKey: SITEKEY,
    pollIntervalMs: 1000,
  })

for (const driver of drivers)
  describe(`the dashboard of the sandbox, in a real browser driven by ${driver.name}`, {
    concurrency: 4,
  }, () => {
    /** @type {import('../support/browser-fixture.mjs').Browser} */
    let browser
    before(async () => {
      browser = await driver.launch()
    })
    after(() => browser?.close())
    /** @param {import('node:test').TestContext} t @param {SandboxOptions} [options] */
    const opened = (t, options) => openDashboard(t, browser, options)

    test('shows a task from its creation to the verification of its token, with every poll', async t => {
      const setup = await opened(t, { faults: [{ fault: '503', method: 'getTaskResult' }] })
      const { page, sandbox, verify } = setup
      assert.equal((await page.$$('#empty:not([hidden])')).length, 1)
      assert.equal(
        await textOf(page, '#empty-options'),
        `provider: 'yescaptcha', baseURL: '${sandbox.baseURL}'`,
      )
      const { token, taskId } = await solve(setup)
      await says(page, '#rows .state', 'delivered')
      assert.match((await textOf(page, '#rows .age')) ?? '', /^token \d+\.\d s old$/)
      await verify({ secret: sandbox.secret, response: token })
      await says(page, '#rows .state', 'verified')
      await comes(page, '#rows .mark.verified')
      const marks = await page.$$eval('#rows .mark', all => all.map(({ className }) => className))
      assert.deepEqual(marks, ['mark fault bad', 'mark polled', 'mark delivered', 'mark verified'])
      assert.equal(await textOf(page, '#rows .count'), '1 poll · 15 pt')
      for (const [tile, value] of Object.entries({
        created: 1,
        delivered: 1,
        points: 15,
        verified: 1,
        hits: 1,
      }))
        assert.equal(await textOf(page, `#${tile}`), String(value), tile)
      await page.click('#rows summary')
      await comes(page, '#rows .story li')
      const story = await page.$$eval('#rows .story li', all => all.map(({ textContent }) => textContent))
      assert.deepEqual(
        story.map(line => line?.replace(/^\+\d+\.\d s /, '')),
        [
          'created, 15 points charged',
          'fault 503 on getTaskResult',
          'poll 1: ready',
          'token issued',
          'token delivered',
          'token verified',
        ],
      )
      await verify({ secret: sandbox.secret, response: token })
      await comes(page, '#rows .story .bad:last-child')
      assert.match(
        (await textOf(page, '#rows .story .bad:last-child')) ?? '',
        / token refused: timeout-or-duplicate$/,
      )
      const html = await page.content()
      assert.ok(html.includes(String(taskId)))
      assert.ok(!html.includes(KEY) && !html.includes(token))
    })

    test('shows how long a token that was not fetched has been ready', async t => {
      const { page, create } = await opened(t)
      await create()
      await says(page, '#rows .state', 'ready')
      assert.match((await textOf(page, '#rows .age')) ?? '', /^not fetched for \d+\.\d s$/)
    })

    test('shows the number of polls before it was opened, and only of those', async t => {
      const { page, look, sandbox, create, poll } = await opened(t, { solveTimeMs: Number.POSITIVE_INFINITY })
      await create()
      await poll(sandbox.tasks()[0].taskId)
      await says(page, '#rows .count', '1 poll · 15 pt')
      const late = await look()
      await poll(sandbox.tasks()[0].taskId)
      const stories = []
      for (const one of [page, late]) {
        await says(one, '#rows .count', '2 polls · 15 pt')
        await one.click('#rows summary')
        await comes(one, '#rows .story li')
        stories.push(await one.$$eval('#rows .story li', all => all.map(({ textContent }) => textContent)))
      }
      assert.deepEqual(
        stories.map(story => story.map(line => line?.replace(/^\+\d+\.\d s /, ''))),
        [
          ['created, 15 points charged', 'poll 1: processing', 'poll 2: processing'],
          ['1 poll that is not shown here', 'poll 2: processing'],
        ],
      )
    })

    test('shows the latest of many polls of a task, and counts the others', async t => {
      const { page, sandbox, create } = await opened(t, { solveTimeMs: Number.POSITIVE_INFINITY })
      await create()
      await comes(page, '#rows summary')
      const { taskId } = sandbox.tasks()[0]
      const event = { type: 'task:polled', taskId, taskNumber: 1, state: 'processing', at: Date.now() }
      for (let polls = 1; polls <= 350; polls++) sandbox.events.emit('*', { ...event, polls })
      await comes(page, '#rows .mark:nth-child(150)')
      await page.click('#rows summary')
      await comes(page, '#rows .story li')
      const story = await page.$$eval('#rows .story li', all => all.map(({ textContent }) => textContent))
      assert.equal(story.length, 300)
      assert.match(story[0] ?? '', /created, 15 points charged$/)
      assert.match(story[1] ?? '', /poll 52: processing$/)
      assert.match(story.at(-1) ?? '', /poll 350: processing$/)
    })

    test('works with the keyboard: adds a fault, which a client gets, and removes it', async t => {
      const setup = await opened(t)
      const { page, sandbox, balance } = setup
      await page.keyboard.press('Tab')
      assert.equal(await textOf(page, ':focus'), 'Skip to the controls')
      await page.keyboard.press('Enter')
      await tabTo(page, '#fault')
      await page.keyboard.type('503')
      assert.match((await textOf(page, '#explanation')) ?? '', /Maintenance or overload/)
      assert.match((await textOf(page, '#effect')) ?? '', /The request is not processed\.$/)
      await tabTo(page, '#often')
      await page.keyboard.type('every')
      await tabTo(page, '#add .main')
      await page.keyboard.press('Enter')
      await comes(page, '#rules li')
      assert.equal((await balance()).status, 503)
      await says(page, '#rules .hits', '1 hit')
      await tabTo(page, '#rules .off')
      await page.keyboard.press('Enter')
      await comes(page, '#no-rules:not([hidden])')
      assert.equal((await balance()).status, 200)
      assert.deepEqual(sandbox.stats().faults, { 503: 1 })
      assert.equal(await page.evaluate(() => document.activeElement?.id), 'fault', 'the focus is not lost')
    })

    test('every fault can be chosen, has an explanation, and is accepted by the sandbox', async t => {
      const { page } = await opened(t)
      const names = await page.$$eval('#fault optgroup option', all =>
        all.map(option => /** @type {HTMLOptionElement} */ (option).value),
      )
      assert.ok(names.length > 25)
      for (const [index, name] of names.entries()) {
        await page.$eval(
          '#fault',
          (fault, value) => {
            const choice = /** @type {HTMLSelectElement} */ (fault)
            choice.value = value
            choice.dispatchEvent(new Event('change'))
          },
          name,
        )
        assert.notEqual(await textOf(page, '#explanation'), '', name)
        await page.click('#add .main')
        await comes(page, `#rules li:nth-child(${index + 1})`)
      }
      assert.equal(await textOf(page, '#fault-problem'), '')
      await page.click('#clear')
      await comes(page, '#no-rules:not([hidden])')
    })

    test('shows an error beside the control', async t => {
      const { page, errors } = await opened(t)
      await page.type('#time-from', '9')
      await page.click('#time button[type=submit]')
      await comes(page, '#time-problem:not(:empty)')
      assert.match((await textOf(page, '#time-problem')) ?? '', /^Error: solveTimeMs must be \[min, max\]/)
      assert.equal(await textOf(page, '#fault-problem'), '')
      // The browser's own message about the reply.
      assert.match(errors.splice(0).join(), /^Failed to load resource: .* 400 \(Bad Request\)$/)
    })

    test('sets the solve time of later tasks', async t => {
      const { page, sandbox, create } = await opened(t)
      await page.click('[data-time="never"]')
      await comes(page, '[data-time="never"][aria-pressed="true"]')
      await create()
      assert.equal(sandbox.tasks()[0].readyAt, Number.POSITIVE_INFINITY)
      // The row moves the button: a click before it may miss.
      await says(page, '#rows .state', 'solving')
      await page.click('[data-time="2000-5000"]')
      await says(page, '#time-now', '2.0 s to 5.0 s')
    })

    test('shows what a client sends as text', async t => {
      const { page, create } = await opened(t, { provider: 'custom' })
      const nasty = '<img src=x onerror=alert(1)>'
      await create({ websiteURL: nasty, type: nasty })
      await comes(page, '#rows summary')
      await page.click('#rows summary')
      await comes(page, '.facts dd')
      assert.equal((await page.$$('#rows img')).length, 0)
      assert.ok((await page.$$eval('.facts dd', all => all.map(dd => dd.textContent))).includes(nasty))
    })

    test('two pages show the same, and one opened later shows the earlier tasks', async t => {
      const { page, look, create } = await opened(t, { solveTimeMs: 3000 })
      await says(page, '#time-now', '3.0 s')
      await create()
      await comes(page, '#rows li[data-task="1"]')
      const late = await look()
      await comes(late, '#rows li[data-task="1"]')
      await late.click('[data-time="0"]')
      await says(page, '#time-now', 'immediately')
    })

    test('shows the latest hundred of many tasks, and does not replace them with older ones', async t => {
      const { page, sandbox, create, poll } = await opened(t)
      for (let made = 0; made < 102; made++) await create()
      await says(page, '#created', '102')
      await page.click('#rows summary')
      await comes(page, '#rows .story li')
      await poll(sandbox.tasks()[0].taskId)
      await says(page, '#polls', '1')
      // More than the events of one batch: the whole state is sent instead.
      const { taskId } = sandbox.tasks()[1]
      const event = {
        type: 'task:polled',
        taskId,
        taskNumber: 2,
        polls: 1,
        state: 'processing',
        at: Date.now(),
      }
      for (let polls = 1; polls <= 501; polls++) sandbox.events.emit('*', { ...event, polls })
      await create()
      await says(page, '#created', '103')
      const rows = await page.$$eval('#rows li[data-task]', all => all.map(row => Number(row.dataset.task)))
      assert.deepEqual(
        rows,
        Array.from({ length: 100 }, (_, n) => 103 - n),
      )
      assert.match((await textOf(page, '#rows li[data-task="102"] .story li')) ?? '', /created, 15 points/)
    })

    test('shows when the sandbox has closed, and shows the next sandbox on its port as another', async t => {
      const sandbox = await startSandbox({ clientKey: KEY, dashboard: true })
      await createCalls(sandbox).create()
      const { page, close } = await browser.open()
      t.after(() => close().catch(() => {}))
      await page.goto(sandbox.dashboardURL ?? '')
      await says(page, '#link', 'live')
      await sandbox.close()
      await says(page, '#link', 'lost, reconnecting')
      const next = await startSandbox({ clientKey: KEY, dashboard: true, port: sandbox.port })
      t.after(() => next.close())
      await says(page, '#link', 'live')
      assert.equal((await page.$$('#rows li')).length, 0)
    })
  })
