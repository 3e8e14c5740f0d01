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
import { counts, eventually, nextEvent, submitted, withEachDriver } from '../support/browser-fixture.mjs'

/** @typedef {import('../support/browser-fixture.mjs').Fixture} Fixture */

/** Tasks that are never solved: the test ends the call. */
const endless = { solveTimeMs: Number.POSITIVE_INFINITY }

/**
 * Runs `action` while the task is being solved, and returns the error.
 * @param {Fixture} fixture
 * @param {(polled: () => Promise<unknown>) => Promise<unknown>} action
 * @returns {Promise<any>}
 */
async function during(fixture, action, options = {}) {
  const created = nextEvent(fixture, 'task:created')
  const solved = fixture.solve({ timeoutMs: 60_000, ...options }).then(
    () => assert.fail('it was solved'),
    error => error,
  )
  const early = solved.then(error => assert.fail(`it ended early: ${error}`))
  early.catch(() => {})
  // The client knows its task once it polls.
  const polled = () => Promise.race([nextEvent(fixture, 'task:polled'), early])
  await polled()
  const { taskId } = /** @type {any} */ (await created)
  await action(polled)
  const error = await solved
  assert.ok(isTurnstileError(error), String(error))
  assert.deepEqual([error.provider, error.taskId, error.mayBeCharged], ['ezcaptcha', taskId, true])
  assert.equal(fixture.sandbox.stats().tasks.created, 1)
  return error
}

/** The frame with the widget, once that is rendered. @param {Fixture['page']} page @returns {Promise<any>} */
async function framed(page) {
  await page.waitForSelector('#frame')
  const ofWidget = async () =>
    (await scanPage(/** @type {any} */ (page))).candidates.find(({ widget }) => widget.widgetId)
  return (await eventually(ofWidget))?.frame
}

withEachDriver('a page during a solve', (open, name) => {
  test('that closes aborts the solve, and the error has the task', async t => {
    const fixture = await open(t, 'implicit', {}, endless)
    const error = await during(fixture, () => fixture.page.close())
    assert.equal(error.code, 'PAGE_CLOSED')
    assert.ok(error instanceof TurnstilePageError && isTurnstilePageError(error))
    assert.match(
      error.message,
      /^the page was closed \[ezcaptcha, task \S+\]; the task is paid for: waitForTask /,
    )
    const polls = Object.values(fixture.sandbox.stats().polls)
    assert.equal(polls.length, 1)
  })

  test('that navigates aborts the solve, and the token can still be fetched', async t => {
    const fixture = await open(t, 'implicit', {}, { solveTimeMs: 1500 })
    const error = await during(fixture, () => fixture.page.goto(fixture.site.url('empty')))
    assert.equal(error.code, 'PAGE_NAVIGATED')
    const { token } = await waitForTask({
      ...fixture.sandbox.account,
      taskId: error.taskId,
      pollIntervalMs: 1000,
    })
    assert.match(token, /^0\./)
  })

  test('that reloads counts as navigated', async t => {
    const fixture = await open(t, 'implicit', {}, endless)
    await fixture.page.goto(fixture.sandbox.pageURL())
    assert.equal((await during(fixture, () => fixture.page.reload())).code, 'PAGE_NAVIGATED')
  })

  test('whose frame is removed once the token has arrived rejects with the token', async t => {
    const { page } = await open(t, 'framed')
    const frame = await framed(page)
    const { candidates } = await scanPage(/** @type {any} */ (page))
    const [{ widget, list, indices }] = candidates
    const held = { widget, frame, handle: await list.evaluateHandle(pick, indices) }
    const solution = /** @type {any} */ ({
      ...{ provider: 'ezcaptcha', taskId: 'a-task', token: 'a-token', expiresAt: Date.now() + 120_000 },
    })
    const lifecycle = watchLifecycle(/** @type {any} */ (page))
    t.after(() => lifecycle.close())
    lifecycle.attach(held.handle)
    await page.evaluate(() => document.querySelector('iframe')?.remove())
    await eventually(async () => frame.isDetached?.() ?? frame.detached)
    const parsed = /** @type {any} */ ({ choice: {} })
    await assert.rejects(
      applyToken(/** @type {any} */ (page), held, parsed, solution, { leftMs: () => 120_000 }, lifecycle),
      {
        ...{ code: 'PAGE_NAVIGATED', taskId: 'a-task', solution },
      },
    )
  })

  test('that crashes counts as closed', async t => {
    const fixture = await open(t, 'implicit', {}, endless)
    const error = await during(fixture, async () => void fixture.page.goto('chrome://crash').catch(() => {}))
    assert.equal(error.code, 'PAGE_CLOSED')
    assert.match(error.message, /^the page crashed/)
  })

  test('whose browser is closed or killed counts as closed', async t => {
    const driver = drivers.find(driver => driver.name === name) ?? drivers[0]
    for (const end of /** @type {const} */ (['close', 'kill'])) {
      const browser = await driver.launch()
      t.after(() => browser.close().catch(() => {}))
      const fixture = await open(t, 'implicit', {}, endless, browser)
      const error = await during(fixture, async () => browser[end]())
      assert.equal(error.code, 'PAGE_CLOSED', end)
      await assert.rejects(fixture.solve(), { code: 'PAGE_CLOSED' })
    }
  })

  test('whose frame with the widget is removed counts as navigated, unlike another frame', async t => {
    const fixture = await open(t, 'framed', {}, endless)
    const add = () => fixture.page.evaluate(() => void document.body.append(document.createElement('iframe')))
    const remove = () => fixture.page.$eval('#frame', frame => frame.remove())
    const error = await during(fixture, async polled => {
      await add()
      await fixture.page.$eval('body > iframe', frame => frame.remove())
      await polled()
      await remove()
    })
    assert.equal(error.code, 'PAGE_NAVIGATED')
  })

  test('that only navigates within its document is solved', async t => {
    const fixture = await open(t, 'implicit', {}, { solveTimeMs: 1200 })
    const solved = fixture.solve()
    await Promise.race([nextEvent(fixture, 'task:polled'), solved])
    await fixture.page.evaluate(() => {
      history.pushState({}, '', '/implicit/step-2')
      location.hash = 'there'
    })
    await solved
    assert.equal(await submitted(fixture), 'verified')
  })

  test('rejects with ABORT_ERR if the caller aborts', async t => {
    const fixture = await open(t, 'implicit', {}, endless)
    const stop = new AbortController()
    const error = await during(fixture, async () => stop.abort('enough'), { signal: stop.signal })
    assert.deepEqual([error.code, error.name, error.cause], ['ABORT_ERR', 'AbortError', 'enough'])
    assert.equal(isTurnstilePageError(error), false)
    assert.deepEqual(getEventListeners(stop.signal, 'abort'), [])
  })
})

withEachDriver('a page without a widget', open => {
  test('that closes ends the wait, and nothing is bought', async t => {
    const fixture = await open(t, 'empty')
    const solved = fixture.solve()
    const failed = assert.rejects(solved, error => {
      const { code, mayBeCharged, message } = /** @type {any} */ (error)
      assert.deepEqual([code, mayBeCharged], ['PAGE_CLOSED', false])
      assert.match(message, /nothing was bought/)
      return true
    })
    await fixture.page.close()
    await failed
    await assert.rejects(fixture.solve(), { code: 'PAGE_CLOSED' })
    assert.deepEqual(counts(fixture), { created: 0, delivered: 0, verified: 0 })
  })

  test('ends the wait when the caller aborts, before or during it', async t => {
    const fixture = await open(t, 'empty')
    const aborted = { code: 'ABORT_ERR', name: 'AbortError', cause: 'enough', mayBeCharged: false }
    const stop = new AbortController()
    const failed = assert.rejects(fixture.solve({ signal: stop.signal }), aborted)
    stop.abort('enough')
    await failed
    await assert.rejects(fixture.solve({ signal: stop.signal }), aborted)
    assert.deepEqual(getEventListeners(stop.signal, 'abort'), [])
  })

  test('rejects after the timeout with an error whose stack has the caller', async t => {
    const fixture = await open(t, 'empty')
    const error = await fixture.solve({ widgetTimeoutMs: 200 }).catch(error => error)
    assert.match(error.stack, /^TurnstilePageError: no widget within [^\n]*\n\s+at .*browser-fixture\.mjs/)
  })
})
