/// <reference lib="dom" />
import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import { applyToken } from '../../lib/page/apply-token.mjs'
import { expiryOf } from '../../lib/page/clock.mjs'
import { scanPage } from '../../lib/page/find.mjs'
import { isThere, pick } from '../../lib/page/in-page.mjs'
import { callByName, fill } from '../../lib/page/in-page-apply.mjs'
import { watchLifecycle } from '../../lib/page/lifecycle.mjs'
import { withEachDriver } from '../support/browser-fixture.mjs'

/** @typedef {import('../support/browser-fixture.mjs').Fixture} Fixture */

const FIELD = '[name="cf-turnstile-response"]'

/** @param {Fixture} fixture */
const stateOf = ({ page }) =>
  page.evaluate(
    field => ({
      field: /** @type {HTMLInputElement} */ (document.querySelector(field)).value,
      calls: /** @type {any} */ (window).calls,
    }),
    FIELD,
  )
const untouched = { field: '', calls: [] }

/** A handle of the widget, as a call has it. @param {Fixture} fixture */
async function widgetOf(fixture) {
  await fixture.page.waitForSelector('.cf-turnstile > div')
  const { candidates } = await scanPage(/** @type {any} */ (fixture.page))
  const [{ widget, explicit, frame, list, indices }] = candidates
  return { widget, explicit, frame, handle: await list.evaluateHandle(pick, indices) }
}

const solution = /** @type {any} */ ({
  ...{ provider: 'ezcaptcha', taskId: 'a-task', token: 'a-token', expiresAt: Date.UTC(2030, 0) },
})

/**
 * Applies that token to the widget.
 * @param {import('node:test').TestContext} t
 * @param {Fixture} fixture
 * @param {Awaited<ReturnType<typeof widgetOf>>} widget
 * @param {{ leftMs: () => number }} expiry
 * @param {string | { source: string }} [callback]
 */
function apply(t, { page }, widget, expiry, callback) {
  const driven = /** @type {any} */ (page)
  const lifecycle = watchLifecycle(driven)
  t.after(() => lifecycle.close())
  lifecycle.attach(widget.handle)
  const parsed = /** @type {any} */ ({ choice: {}, callback })
  return applyToken(driven, widget, parsed, solution, expiry, lifecycle)
}

withEachDriver('a token', open => {
  test('that expires before it is applied is not applied, and is in the error', async t => {
    const fixture = await open(t, 'implicit', { callback: 'onToken' })
    const error = await apply(t, fixture, await widgetOf(fixture), { leftMs: () => 0 }).catch(error => error)
    assert.deepEqual(
      [error.code, error.taskId, error.mayBeCharged, error.solution],
      ['TOKEN_EXPIRED', 'a-task', true, solution],
    )
    assert.match(error.message, /before it expired at 2030-01-01T\S+Z \[ezcaptcha, task \S+\]; solve again$/)
    assert.deepEqual(await stateOf(fixture), untouched)
  })

  test('that expires while the page is busy is not applied', async t => {
    const fixture = await open(t, 'implicit', { callback: 'onToken' })
    const widget = await widgetOf(fixture)
    const end = Date.now() + 400
    const busy = fixture.page.evaluate(until => {
      while (Date.now() < until);
    }, end + 400)
    const expiry = { leftMs: () => end - Date.now() }
    await assert.rejects(apply(t, fixture, widget, expiry), { code: 'TOKEN_EXPIRED', solution })
    await busy
    assert.deepEqual(await stateOf(fixture), untouched)
  })

  test('that expires before the callback of the page or the caller runs is not passed to it', async t => {
    for (const callback of ['onToken', { source: 'token => window.calls.push(token)' }]) {
      const fixture = await open(t, 'implicit')
      const widget = await widgetOf(fixture)
      const evaluate = widget.handle.evaluate.bind(widget.handle)
      let called = 0
      // Between the fields and the callback.
      t.mock.method(widget.handle, 'evaluate', async (/** @type {Parameters<typeof evaluate>} */ ...call) => {
        if (call[0] === isThere) return evaluate(...call)
        called += 1
        await evaluate(() => {
          const now = performance.now() + 2 * 120_000
          performance.now = () => now
        })
        return evaluate(...call)
      })
      const applied = apply(t, fixture, widget, { leftMs: () => 120_000 }, callback)
      await assert.rejects(applied, { code: 'TOKEN_EXPIRED', solution })
      assert.equal(called, 1)
      assert.deepEqual((await stateOf(fixture)).calls, [])
    }
  })

  test('that expires before the functions in the page run is refused there', async t => {
    const fixture = await open(t, 'implicit', { callback: 'onToken' })
    const { handle } = await widgetOf(fixture)
    const until = await fixture.page.evaluate(() => performance.now() - 1)
    assert.equal(await handle.evaluate(fill, { token: 'a-token', until }), 'late')
    const call = { path: 'onToken', names: ['onToken'], token: 'a-token', until }
    assert.equal(await handle.evaluate(callByName, call), 'late')
    assert.deepEqual(await stateOf(fixture), untouched)
  })
})

withEachDriver(
  'a process whose timers are faked',
  open => {
    test('solves a widget if Date is hours ahead or behind', async t => {
      for (const offsetMs of [-3_600_000, 3_600_000]) {
        const fixture = await open(t)
        t.after(() => mock.timers.reset())
        mock.timers.enable({ apis: ['Date'], now: Date.now() + offsetMs })
        const { token } = await fixture.solve()
        mock.timers.reset()
        assert.equal((await stateOf(fixture)).field, token)
      }
    })

    test('solves a widget if no timer fires', async t => {
      const fixture = await open(t, 'explicit', { pending: '0x4AAAAAAATestPending' })
      t.after(() => mock.timers.reset())
      mock.timers.enable({ apis: ['Date', 'setTimeout', 'setInterval'] })
      const scans = t.mock.method(fixture.page, 'frames')
      const solved = fixture.solve()
      while (scans.mock.callCount() < 3) await fixture.page.evaluate(() => {})
      await fixture.page.evaluate(() => /** @type {any} */ (window).turnstile.render('#pending'))
      const { token } = await solved
      mock.timers.reset()
      assert.equal((await stateOf(fixture)).field, token)
    })
  },
  { concurrency: 1 },
)

test('the lifetime of a token starts with its arrival, by a clock that is not Date', t => {
  t.mock.timers.enable({ apis: ['Date'], now: 0 })
  const readyAt = 1_900_000_000_000
  const started = performance.now() - 2000
  const { leftMs } = expiryOf({ readyAt, expiresAt: readyAt + 120_000, elapsedMs: 1500 }, started)
  const left = leftMs()
  assert.ok(left <= 119_500 && left > 60_000, `${left}`)
  t.mock.timers.setTime(readyAt * 2)
  assert.ok(leftMs() <= left && leftMs() > 60_000)
})
