/// <reference lib="dom" />
import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import { applyToken } from '../../lib/page/apply-token.mjs'
import { scanPage } from '../../lib/page/find.mjs'
import { callByName, fill, isThere, pick } from '../../lib/page/in-page.mjs'
import { watchLifecycle } from '../../lib/page/lifecycle.mjs'
import { withEachDriver } from '../support/browser-fixture.mjs'

/** @typedef {import('../support/browser-fixture.mjs').House} House */

const TOKEN_LIFE_MS = 120_000

/** @param {House} house */
const left = ({ page }) =>
  page.evaluate(() => ({
    field: /** @type {HTMLInputElement} */ (document.querySelector('[name="cf-turnstile-response"]')).value,
    told: /** @type {any} */ (window).told,
  }))
const untouched = { field: '', told: [] }

/** The widget, held on to as the call does it. @param {House} house */
async function held(house) {
  await house.page.waitForSelector('.cf-turnstile > div')
  const { candidates } = await scanPage(/** @type {any} */ (house.page))
  const [{ widget, frame, list, index }] = candidates
  return { widget, frame, handle: await list.evaluateHandle(pick, index) }
}

withEachDriver(
  'a token',
  open => {
    test('that has expired before the page can take it is not submitted, and the caller has it', async t => {
      const house = await open(t, 'implicit', { callback: 'onToken' })
      t.after(() => mock.timers.reset())
      const error = await house
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
      assert.deepEqual(await left(house), untouched)
    })

    test('is not submitted by a page that was too busy to take it in time', async t => {
      const house = await open(t, 'implicit', { callback: 'onToken' })
      const widget = await held(house)
      const expiresAt = Date.now() + 400
      const busy = house.page.evaluate(until => {
        while (Date.now() < until);
      }, expiresAt + 400)
      const solution = /** @type {any} */ ({
        provider: 'ezcaptcha',
        taskId: 'task',
        token: 'dead',
        expiresAt,
      })
      const parsed = /** @type {any} */ ({ choice: {} })
      const page = /** @type {any} */ (house.page)
      const lifecycle = watchLifecycle(page)
      lifecycle.attach(widget.handle)
      await assert.rejects(applyToken(page, widget, parsed, solution, lifecycle), {
        code: 'TOKEN_EXPIRED',
        solution,
      })
      lifecycle.close()
      await busy
      assert.deepEqual(await left(house), untouched)
    })

    test('is kept from the callback, of the page or of the caller, by a page that comes to it too late', async t => {
      for (const callback of ['onToken', { source: 'token => window.told.push(token)' }]) {
        const house = await open(t, 'implicit')
        const widget = await held(house)
        const page = /** @type {any} */ (house.page)
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
        assert.deepEqual((await left(house)).told, [])
      }
    })

    test('is refused by the page itself where the request to take it comes too late', async t => {
      const house = await open(t, 'implicit', { callback: 'onToken' })
      const { handle } = await held(house)
      const until = await house.page.evaluate(() => performance.now() - 1)
      assert.equal(await handle.evaluate(fill, { token: 'dead', until }), 'late')
      const call = { path: 'onToken', names: ['onToken'], token: 'dead', until }
      assert.equal(await handle.evaluate(callByName, call), 'late')
      assert.deepEqual(await left(house), untouched)
    })
  },
  // The clock of the process is moved.
  { concurrency: 1 },
)
