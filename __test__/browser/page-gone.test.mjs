/// <reference lib="dom" />
import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { test } from 'node:test'
import { isTurnstileError, waitForTask } from 'turnstile-solver'
import { isTurnstilePageError, TurnstilePageError } from 'turnstile-solver/page'
import { applyToken } from '../../lib/page/apply-token.mjs'
import { scanPage } from '../../lib/page/find.mjs'
import { pick } from '../../lib/page/in-page.mjs'
import { watchLifecycle } from '../../lib/page/lifecycle.mjs'
import { drivers } from '../support/browser-drivers.mjs'
import { books, eventually, happens, submitted, withEachDriver } from '../support/browser-fixture.mjs'

/** @typedef {import('../support/browser-fixture.mjs').House} House */

/** Never solved by itself: what ends the call is the test's own doing. */
const endless = { solveTimeMs: Number.POSITIVE_INFINITY }

/**
 * Lets something happen to the page while the task is under way, and answers with the error.
 * @param {House} house
 * @param {(polled: () => Promise<unknown>) => Promise<unknown>} happening
 * @returns {Promise<any>}
 */
async function during(house, happening, options = {}) {
  const created = happens(house, 'task:created')
  const solved = house.solve({ timeoutMs: 60_000, ...options }).then(
    () => assert.fail('it was solved'),
    error => error,
  )
  const early = solved.then(error => assert.fail(`it ended before its time: ${error}`))
  early.catch(() => {})
  // The client knows of its task only when it has the answer.
  const polled = () => Promise.race([happens(house, 'task:polled'), early])
  await polled()
  const { taskId } = /** @type {any} */ (await created)
  await happening(polled)
  const error = await solved
  assert.ok(isTurnstileError(error), String(error))
  assert.deepEqual([error.provider, error.taskId, error.mayBeCharged], ['ezcaptcha', taskId, true])
  assert.equal(house.sandbox.stats().tasks.created, 1)
  return error
}

/** The frame with the widget, once that is rendered. @param {House['page']} page @returns {Promise<any>} */
async function framed(page) {
  await page.waitForSelector('#frame')
  const ofWidget = async () =>
    (await scanPage(/** @type {any} */ (page))).candidates.find(({ widget }) => widget.widgetId)
  return (await eventually(ofWidget))?.frame
}

withEachDriver('a page that goes while its widget is solved', (open, name) => {
  test('and closes, aborts the solve and keeps the task', async t => {
    const house = await open(t, 'implicit', {}, endless)
    const error = await during(house, () => house.page.close())
    assert.equal(error.code, 'PAGE_CLOSED')
    assert.ok(error instanceof TurnstilePageError && isTurnstilePageError(error))
    assert.match(
      error.message,
      /^the page was closed \[ezcaptcha, task \S+\]; the task is paid for: waitForTask /,
    )
    const polls = Object.values(house.sandbox.stats().polls)
    assert.equal(polls.length, 1)
  })

  test('and navigates, aborts the solve, and the token can still be fetched', async t => {
    const house = await open(t, 'implicit', {}, { solveTimeMs: 1500 })
    const error = await during(house, () => house.page.goto(house.site.url('empty')))
    assert.equal(error.code, 'PAGE_NAVIGATED')
    const { token } = await waitForTask({
      ...house.sandbox.account,
      taskId: error.taskId,
      pollIntervalMs: 1000,
    })
    assert.match(token, /^0\./)
  })

  test('and is loaded anew, counts as navigated, also where the widget has no iframe', async t => {
    const house = await open(t, 'implicit', {}, endless)
    await house.page.goto(house.sandbox.pageURL())
    assert.equal((await during(house, () => house.page.reload())).code, 'PAGE_NAVIGATED')
  })

  test('in its frame that is taken away when the token is there, leaves the token to the caller', async t => {
    const { page } = await open(t, 'framed')
    const frame = await framed(page)
    const { candidates } = await scanPage(/** @type {any} */ (page))
    const [{ widget, list, index }] = candidates
    const held = { widget, frame, handle: await list.evaluateHandle(pick, index) }
    const solution = /** @type {any} */ ({
      ...{ provider: 'ezcaptcha', taskId: 'a-task', token: 'a-token', expiresAt: Date.now() + 120_000 },
    })
    const lifecycle = watchLifecycle(/** @type {any} */ (page))
    t.after(() => lifecycle.close())
    lifecycle.attach(held.handle)
    await page.evaluate(() => document.querySelector('iframe')?.remove())
    await eventually(async () => frame.isDetached?.() ?? frame.detached)
    const parsed = /** @type {any} */ ({ choice: {} })
    await assert.rejects(applyToken(/** @type {any} */ (page), held, parsed, solution, lifecycle), {
      ...{ code: 'PAGE_NAVIGATED', taskId: 'a-task', solution },
    })
  })

  test('and crashes, counts as closed', async t => {
    const house = await open(t, 'implicit', {}, endless)
    const error = await during(house, async () => void house.page.goto('chrome://crash').catch(() => {}))
    assert.equal(error.code, 'PAGE_CLOSED')
    assert.match(error.message, /^the page crashed/)
  })

  test('with its whole browser, closed or killed, counts as closed', async t => {
    const driver = drivers.find(driver => driver.name === name) ?? drivers[0]
    for (const end of /** @type {const} */ (['close', 'kill'])) {
      const browser = await driver.launch()
      t.after(() => browser.close().catch(() => {}))
      const house = await open(t, 'implicit', {}, endless, browser)
      const error = await during(house, async () => browser[end]())
      assert.equal(error.code, 'PAGE_CLOSED', end)
      await assert.rejects(house.solve(), { code: 'PAGE_CLOSED' })
    }
  })

  test('or whose frame with the widget is taken out, ends the same way; another frame does not matter', async t => {
    const house = await open(t, 'framed', {}, endless)
    const add = () => house.page.evaluate(() => void document.body.append(document.createElement('iframe')))
    const remove = () => house.page.$eval('#frame', frame => frame.remove())
    const error = await during(house, async polled => {
      await add()
      await house.page.$eval('body > iframe', frame => frame.remove())
      await polled()
      await remove()
    })
    assert.equal(error.code, 'PAGE_NAVIGATED')
  })

  test('but only moves within its document, is solved all the same', async t => {
    const house = await open(t, 'implicit', {}, { solveTimeMs: 1200 })
    const solved = house.solve()
    await Promise.race([happens(house, 'task:polled'), solved])
    await house.page.evaluate(() => {
      history.pushState({}, '', '/implicit/step-2')
      location.hash = 'there'
    })
    await solved
    assert.equal(await submitted(house), 'verified')
  })

  test('is told from an abort by the caller, which stays what it is', async t => {
    const house = await open(t, 'implicit', {}, endless)
    const stop = new AbortController()
    const error = await during(house, async () => stop.abort('enough'), { signal: stop.signal })
    assert.deepEqual([error.code, error.name, error.cause], ['ABORT_ERR', 'AbortError', 'enough'])
    assert.equal(isTurnstilePageError(error), false)
    assert.deepEqual(getEventListeners(stop.signal, 'abort'), [])
  })
})

withEachDriver('a page that goes while its widget is awaited', open => {
  test('ends the wait when it closes, and nothing is bought', async t => {
    const house = await open(t, 'empty')
    const solved = house.solve()
    const failed = assert.rejects(solved, error => {
      const { code, mayBeCharged, message } = /** @type {any} */ (error)
      assert.deepEqual([code, mayBeCharged], ['PAGE_CLOSED', false])
      assert.match(message, /nothing was bought/)
      return true
    })
    await house.page.close()
    await failed
    await assert.rejects(house.solve(), { code: 'PAGE_CLOSED' })
    assert.deepEqual(books(house), { created: 0, delivered: 0, verified: 0 })
  })

  test('ends the wait when the caller aborts, before and while', async t => {
    const house = await open(t, 'empty')
    const aborted = { code: 'ABORT_ERR', name: 'AbortError', cause: 'enough', mayBeCharged: false }
    const stop = new AbortController()
    const failed = assert.rejects(house.solve({ signal: stop.signal }), aborted)
    stop.abort('enough')
    await failed
    await assert.rejects(house.solve({ signal: stop.signal }), aborted)
    assert.deepEqual(getEventListeners(stop.signal, 'abort'), [])
  })

  test('tells where the call was made, also of a failure that comes much later', async t => {
    const house = await open(t, 'empty')
    const error = await house.solve({ widgetTimeoutMs: 200 }).catch(error => error)
    assert.match(error.stack, /^TurnstilePageError: no widget within [^\n]*\n\s+at .*browser-fixture\.mjs/)
  })
})
