/// <reference lib="dom" />
import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import { applyToken } from '../../lib/page/apply-token.mjs'
import { scanPage } from '../../lib/page/find.mjs'
import { isThere, pick } from '../../lib/page/in-page.mjs'
import { callByName, fill } from '../../lib/page/in-page-apply.mjs'
import { watchLifecycle } from '../../lib/page/lifecycle.mjs'
import { withEachDriver } from '../support/browser-fixture.mjs'

/** @typedef {import('../support/browser-fixture.mjs').Fixture} Fixture */

const TOKEN_LIFE_MS = 120_000

/** @param {Fixture} fixture */
const left = ({ page }) =>
  page.evaluate(() => ({
    field: /** @type {HTMLInputElement} */ (document.querySelector('[name="cf-turnstile-response"]')).value,
    calls: /** @type {any} */ (window).calls,
  }))
const untouched = { field: '', calls: [] }

/** The widget, held on to as the call does it. @param {Fixture} fixture */
async function held(fixture) {
  await fixture.page.waitForSelector('.cf-turnstile > div')
  const { candidates } = await scanPage(/** @type {any} */ (fixture.page))
  const [{ widget, frame, list, indices }] = candidates
  return { widget, frame, handle: await list.evaluateHandle(pick, indices) }
}

withEachDriver(
  'a token',
  open => {
    test('that expires before it is applied is not applied, and is in the error', async t => {
      const fixture = await open(t, 'implicit', { callback: 'onToken' })
      t.after(() => mock.timers.reset())
      const error = await fixture
        .solve({
          onProgress: ({ phase }) => {
            if (phase === 'ready') mock.timers.enable({ apis: ['Date'], now: Date.now() + TOKEN_LIFE_MS + 1 })
          },
        })
        .catch(error => error)
      const { code, solution, taskId, mayBeCharged } = error
      assert.deepEqual([code, taskId, mayBeCharged], ['TOKEN_EXPIRED', solution.taskId, true])
      assert.match(error.message, /before it expired at 20\S+Z \[ezcaptcha, task \S+\]; solve again$/)
      assert.match(solution.token, /^0\./)
      assert.deepEqual(await left(fixture), untouched)
    })

    test('that expires while the page is busy is not applied', async t => {
      const fixture = await open(t, 'implicit', { callback: 'onToken' })
      const widget = await held(fixture)
      const expiresAt = Date.now() + 400
      const busy = fixture.page.evaluate(until => {
        while (Date.now() < until);
      }, expiresAt + 400)
      const solution = /** @type {any} */ ({
        provider: 'ezcaptcha',
        taskId: 'task',
        token: 'dead',
        expiresAt,
      })
      const parsed = /** @type {any} */ ({ choice: {} })
      const page = /** @type {any} */ (fixture.page)
      const lifecycle = watchLifecycle(page)
      lifecycle.attach(widget.handle)
      await assert.rejects(applyToken(page, widget, parsed, solution, lifecycle), {
        code: 'TOKEN_EXPIRED',
        solution,
      })
      lifecycle.close()
      await busy
      assert.deepEqual(await left(fixture), untouched)
    })

    test('that expires before the callback of the page or the caller runs is not passed to it', async t => {
      for (const callback of ['onToken', { source: 'token => window.calls.push(token)' }]) {
        const fixture = await open(t, 'implicit')
        const widget = await held(fixture)
        const page = /** @type {any} */ (fixture.page)
        const evaluate = widget.handle.evaluate.bind(widget.handle)
        let called = 0
        // Between the fields and the callback.
        t.mock.method(
          widget.handle,
          'evaluate',
          async (/** @type {Parameters<typeof evaluate>} */ ...call) => {
            if (call[0] === isThere) return evaluate(...call)
            called += 1
            await evaluate(() => {
              const now = performance.now() + 2 * 120_000
              performance.now = () => now
            })
            return evaluate(...call)
          },
        )
        const expiresAt = Date.now() + TOKEN_LIFE_MS
        const solution = /** @type {any} */ ({
          provider: 'ezcaptcha',
          taskId: 'task',
          token: 'dead',
          expiresAt,
        })
        const lifecycle = watchLifecycle(page)
        lifecycle.attach(widget.handle)
        const applied = applyToken(
          page,
          widget,
          /** @type {any} */ ({ choice: {}, callback }),
          solution,
          lifecycle,
        )
        await assert.rejects(applied, { code: 'TOKEN_EXPIRED', solution })
        lifecycle.close()
        assert.equal(called, 1)
        assert.deepEqual((await left(fixture)).calls, [])
      }
    })

    test('that expires before the functions in the page run is refused there', async t => {
      const fixture = await open(t, 'implicit', { callback: 'onToken' })
      const { handle } = await held(fixture)
      const until = await fixture.page.evaluate(() => performance.now() - 1)
      assert.equal(await handle.evaluate(fill, { token: 'dead', until }), 'late')
      const call = { path: 'onToken', names: ['onToken'], token: 'dead', until }
      assert.equal(await handle.evaluate(callByName, call), 'late')
      assert.deepEqual(await left(fixture), untouched)
    })
  },
  // The clock of the process is moved.
  { concurrency: 1 },
)
