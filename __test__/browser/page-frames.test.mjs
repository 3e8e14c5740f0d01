/// <reference lib="dom" />
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findTurnstile } from 'turnstile-solver/page'
import { applyToken } from '../../lib/page/apply-token.mjs'
import { scanPage } from '../../lib/page/find.mjs'
import { pick } from '../../lib/page/in-page.mjs'
import { callByName } from '../../lib/page/in-page-apply.mjs'
import { watchLifecycle } from '../../lib/page/lifecycle.mjs'
import { eventually, withEachDriver } from '../support/browser-fixture.mjs'
import { frameKinds } from '../support/frame-kinds.mjs'
import { lateWidget, SITEKEY, startFrameSite } from '../support/frame-site.mjs'

/** @typedef {import('../support/browser-fixture.mjs').Fixture} Fixture */
/** @typedef {import('../support/frame-kinds.mjs').FrameKind} FrameKind */

/** @param {string} name @returns {FrameKind} */
const kind = name => frameKinds.find(kind => kind.name === name) ?? assert.fail(name)
const foreignBlob = kind('http of another origin that goes to its own blob:')
const sandboxedSrcdoc = kind('sandboxed srcdoc')

/** @type {FrameKind['build']} */
const callbackFrame = () => {
  const frame = document.createElement('iframe')
  frame.src = '/callback'
  document.body.append(frame)
}

const FIELD = '[name="cf-turnstile-response"]'

/** What the response fields of all frames hold, where the widget has loaded. @param {Fixture['page']} page */
async function fields(page) {
  const read = page.frames().map(async frame => {
    const value = await frame
      .evaluate(field => /** @type {HTMLInputElement | null} */ (document.querySelector(field))?.value, FIELD)
      .catch(() => undefined)
    return value === undefined ? [] : [{ frame, value }]
  })
  return (await Promise.all(read)).flat()
}

/** @param {Fixture['page']} page */
const values = async page => (await fields(page)).map(({ value }) => value)

/**
 * The page with that frame, once the widget in it is there.
 * @param {import('node:test').TestContext} t
 * @param {import('../support/browser-fixture.mjs').Open} open
 * @param {FrameKind} kind
 */
async function framed(t, open, { page: path = '/top', build }) {
  const fixture = await open(t, 'empty')
  const site = await startFrameSite(t)
  await fixture.page.goto(`${site.own}${path}${path === '/foreign-frameset' ? `?other=${site.other}` : ''}`)
  await fixture.page.evaluate(build, site)
  await eventually(
    () => values(fixture.page),
    ({ length }) => length > 0,
  )
  return { ...fixture, framedSite: site, created: () => fixture.sandbox.stats().tasks.created }
}

withEachDriver('a frame that the page can read', open => {
  for (const kind of frameKinds.filter(({ own }) => own)) {
    test(`is searched, and gets the token: ${kind.name}`, async t => {
      const { page, solve, framedSite } = await framed(t, open, kind)
      const websiteURL = `${framedSite.own}${kind.address ?? '/top'}`
      assert.deepEqual(
        (await findTurnstile(page)).map(widget => [widget.websiteKey, widget.websiteURL]),
        [[SITEKEY, websiteURL]],
      )
      const { token } = await solve()
      assert.deepEqual(await values(page), [token])
    })
  }
})

withEachDriver('a frame that the page cannot read', open => {
  for (const kind of frameKinds.filter(({ own }) => !own)) {
    test(`is ignored, and nothing is bought for it: ${kind.name}`, async t => {
      const { page, solve, created } = await framed(t, open, kind)
      const inside = await fields(page)
      const run = inside.flatMap(({ frame }) =>
        /** @type {const} */ (['evaluate', 'evaluateHandle']).map(name => t.mock.method(frame, name)),
      )
      assert.deepEqual(await findTurnstile(page), [])
      await assert.rejects(solve({ websiteKey: SITEKEY, selector: 'form', widgetTimeoutMs: 0 }), {
        code: 'WIDGET_NOT_FOUND',
        widgets: [],
      })
      assert.deepEqual(
        run.map(({ mock }) => mock.callCount()),
        [0, 0],
      )
      assert.deepEqual([await values(page), created()], [[''], 0])
    })
  }
})

withEachDriver('a widget of the page', open => {
  for (const kind of [foreignBlob, sandboxedSrcdoc]) {
    test(`gets the token if an unreadable frame had a widget first: ${kind.name}`, async t => {
      const { page, solve, created, sandbox, framedSite } = await framed(t, open, kind)
      const scans = t.mock.method(page, 'frames')
      const solved = solve({ websiteKey: SITEKEY, selector: 'form' })
      await eventually(async () => scans.mock.callCount() > 2)
      await page.evaluate(widget => document.body.insertAdjacentHTML('beforeend', widget), lateWidget)
      const { token } = await solved
      assert.deepEqual(await values(page), [token, ''])
      assert.equal(created(), 1)
      assert.equal(sandbox.tasks()[0].task.websiteURL, `${framedSite.own}/top`)
    })
  }
})

/** The driver's frame with the widget. @param {Fixture['page']} page @returns {any} */
const frameOf = page => page.frames().find(frame => frame !== page.mainFrame())

/**
 * Sends the frame to another origin, and waits until its document with the widget is there.
 * @param {Fixture['page']} page
 * @param {string} address
 */
async function leave(page, address) {
  await page.$eval('iframe', (frame, src) => void Object.assign(frame, { src }), address)
  await eventually(() =>
    frameOf(page)
      .evaluate(
        (/** @type {string} */ src) => location.href === src && document.readyState === 'complete',
        address,
      )
      .catch(() => false),
  )
}

withEachDriver('a frame that goes to another origin', open => {
  const sameOrigin = frameKinds[0]

  test('before it is searched is ignored', async t => {
    const { page, solve, framedSite, created } = await framed(t, open, sameOrigin)
    const frame = frameOf(page)
    const evaluateHandle = frame.evaluateHandle.bind(frame)
    const scans = t.mock.method(frame, 'evaluateHandle', async (/** @type {unknown[]} */ ...call) => {
      if (scans.mock.callCount() === 0) await leave(page, `${framedSite.other}/widget`)
      return evaluateHandle(...call)
    })
    await assert.rejects(solve({ widgetTimeoutMs: 0 }), { code: 'WIDGET_NOT_FOUND', widgets: [] })
    assert.deepEqual([await values(page), created()], [[''], 0])
  })

  for (const [time, nth] of /** @type {const} */ ([
    ['first', 1],
    ['last', 2],
  ])) {
    test(`right after the ${time} check of it is ignored`, async t => {
      const { page, framedSite } = await framed(t, open, sameOrigin)
      const frame = frameOf(page)
      const frameElement = frame.frameElement.bind(frame)
      let asked = 0
      t.mock.method(frame, 'frameElement', async () => {
        const element = await frameElement()
        const evaluate = element.evaluate.bind(element)
        element.evaluate = async (/** @type {unknown[]} */ ...call) => {
          const answer = await evaluate(...call)
          asked += 1
          if (asked === nth) await leave(page, `${framedSite.other}/widget`)
          return answer
        }
        return element
      })
      assert.deepEqual(await findTurnstile(page), [])
      assert.equal(asked, nth)
    })
  }

  test('before its callback is called gets no token', async t => {
    for (const callback of ['onToken', { source: 'token => window.calls.push(token)' }]) {
      const kind = { ...sameOrigin, build: callbackFrame }
      const { page, framedSite } = await framed(t, open, kind)
      const driven = /** @type {any} */ (page)
      const { candidates } = await scanPage(driven)
      const [{ widget, frame, list, indices }] = candidates
      const held = { widget, frame, handle: await list.evaluateHandle(pick, indices) }
      const lifecycle = watchLifecycle(driven)
      t.after(() => lifecycle.close())
      lifecycle.attach(held.handle)
      let left = 0
      for (const owner of [held.handle, held.frame]) {
        const evaluate = owner.evaluate.bind(owner)
        owner.evaluate = async (/** @type {unknown[]} */ ...call) => {
          if (call[0] === callByName || String(call[0]).includes('window.calls.push')) {
            left += 1
            await leave(page, `${framedSite.other}/callback`)
          }
          return evaluate(...call)
        }
      }
      const solution = /** @type {any} */ ({
        ...{ provider: 'ezcaptcha', taskId: 'a-task', token: 'a-token', expiresAt: Date.now() + 120_000 },
      })
      const parsed = /** @type {any} */ ({ choice: {}, callback })
      await applyToken(driven, held, parsed, solution, { leftMs: () => 120_000 }, lifecycle).catch(() => {})
      assert.deepEqual([await frameOf(page).evaluate(() => /** @type {any} */ (window).calls), left], [[], 1])
    }
  })
})
