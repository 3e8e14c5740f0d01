/// <reference lib="dom" />
/** Widgets that have got a token by themselves: the option `ifSolved`. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findTurnstile } from 'turnstile-solver/page'
import { counts, eventually, submitted, withEachDriver } from '../support/browser-fixture.mjs'

/** @typedef {import('../support/browser-fixture.mjs').Fixture} Fixture */

const TEST_SITEKEY = '1x00000000000000000000AA'
const DUMMY = 'XXXX.DUMMY.TOKEN.XXXX'
const nothing = { created: 0, delivered: 0, verified: 0 }
const FIELD = '[name="cf-turnstile-response"]'

/** Sets the widget's field, as Turnstile's script does. @param {Fixture} fixture @param {string} value */
async function setToken({ page }, value) {
  await eventually(() => page.$(FIELD))
  await page.$eval(FIELD, (field, value) => Object.assign(field, { value }), value)
}

/** @param {Fixture} fixture */
const fieldOf = ({ page }) => page.$eval(FIELD, field => /** @type {HTMLInputElement} */ (field).value)

withEachDriver('a widget that has a token', open => {
  test('keeps it by default, and nothing is bought, called or changed', async t => {
    const fixture = await open(t, 'implicit', { callback: 'onToken' })
    await setToken(fixture, 'own-token')
    const { kept, token, widget, applied, taskId, provider, unsupported, warnings } = await fixture.solve()
    assert.deepEqual(
      { kept, token, applied, taskId, provider, unsupported, warnings },
      {
        ...{
          kept: true,
          token: 'own-token',
          applied: { fields: ['cf-turnstile-response'], callback: false },
        },
        ...{ taskId: undefined, provider: undefined, unsupported: [], warnings: [] },
      },
    )
    assert.equal(widget.hasToken, true)
    assert.equal(await fieldOf(fixture), 'own-token')
    assert.deepEqual(await fixture.page.evaluate(() => /** @type {any} */ (window).calls), [])
    assert.deepEqual(counts(fixture), nothing)
  })

  test('gets another with ifSolved: solve', async t => {
    const fixture = await open(t)
    await setToken(fixture, 'own-token')
    const { kept, token } = await fixture.solve({ ifSolved: 'solve' })
    assert.equal(kept, false)
    assert.equal(await fieldOf(fixture), token)
    assert.equal(await submitted(fixture), 'verified')
  })

  test('gets another if that token was applied by an earlier call', async t => {
    const fixture = await open(t)
    const first = await fixture.solve()
    const second = await fixture.solve()
    assert.notEqual(second.token, first.token)
    assert.equal(await fieldOf(fixture), second.token)
    assert.equal(counts(fixture).created, 2)
  })

  test('gets another if that token has expired', async t => {
    const fixture = await open(t)
    await setToken(fixture, 'own-token')
    await fixture.page.evaluate(() => {
      const { turnstile } = /** @type {any} */ (window)
      turnstile.isExpired = (/** @type {string} */ id) => /^cf-chl-widget-\w{5}$/.test(id)
    })
    const { kept } = await fixture.solve()
    assert.equal(kept, false)
  })

  test('gets another if one of several fields is empty', async t => {
    const widgets = [1, 2].map(() => ({ into: '#box', params: { sitekey: '0x4AAAAAAATestExplicit' } }))
    const fixture = await open(t, 'explicit', { widgets })
    await setToken(fixture, 'own-token')
    const { kept } = await fixture.solve()
    assert.equal(kept, false)
  })

  test('without a response field keeps it', async t => {
    const params = { sitekey: '0x4AAAAAAATestExplicit', 'response-field': false }
    const fixture = await open(t, 'explicit', { widgets: [{ into: '#box', params }] })
    await eventually(
      () => findTurnstile(fixture.page),
      ({ length }) => length === 1,
    )
    await fixture.page.evaluate(() => {
      const { turnstile } = /** @type {any} */ (window)
      turnstile.getResponse = () => 'own-token'
    })
    const { kept, token, applied } = await fixture.solve()
    assert.deepEqual(
      { kept, token, applied },
      { kept: true, token: 'own-token', applied: { fields: [], callback: false } },
    )
    assert.deepEqual(counts(fixture), nothing)
  })

  test('is solved if the functions of its script throw', async t => {
    const fixture = await open(t)
    await setToken(fixture, '')
    await fixture.page.evaluate(() => {
      const fail = () => {
        throw new Error('broken')
      }
      Object.assign(window, { turnstile: { getResponse: fail, isExpired: fail } })
    })
    assert.equal((await fixture.solve()).kept, false)
  })
})

withEachDriver('a widget with a sitekey for testing', open => {
  for (const render of /** @type {const} */ (['implicit', 'explicit'])) {
    test(`that gets its token after the call is waited for, and nothing is bought: ${render}`, async t => {
      const fixture = await open(t, 'empty')
      const solved = fixture.solve()
      await fixture.page.goto(fixture.sandbox.pageURL({ sitekey: TEST_SITEKEY, render }))
      const { kept, token } = await solved
      assert.deepEqual([kept, token], [true, DUMMY])
      await fixture.page.click('#submit')
      await fixture.page.waitForSelector('[data-verified="true"]')
      assert.equal(counts(fixture).created, 0)
    })
  }

  test('that gets no token is solved', async t => {
    const fixture = await open(t, 'empty')
    await fixture.page.goto(fixture.sandbox.pageURL({ sitekey: TEST_SITEKEY, auto: false }))
    assert.equal((await fixture.solve({ widgetTimeoutMs: 0 })).kept, false)
    assert.equal(counts(fixture).created, 1)
  })
})
