/// <reference lib="dom" />
/** Widgets that share a container: some libraries, and Turnstile itself, render a second one into it. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findTurnstile } from 'turnstile-solver/page'
import { counts, eventually, submitted, withEachDriver } from '../support/browser-fixture.mjs'

/** @typedef {import('../support/browser-fixture.mjs').Fixture} Fixture */

const SITEKEY = '0x4AAAAAAATestFirst'
const OTHER = '0x4AAAAAAATestSecond'
const render = (/** @type {string} */ sitekey, params = {}) => ({
  into: '#box',
  params: { sitekey, ...params },
})

/** @param {Fixture} fixture */
const values = ({ page }) =>
  page.$$eval('#box input', inputs =>
    inputs.map(input => [input.name, /** @type {HTMLInputElement} */ (input).value]),
  )

/** Waits until that many widgets are rendered. @param {Fixture} fixture @param {number} count */
const rendered = ({ page }, count) =>
  eventually(
    () => page.$$eval('#box > div', wrappers => wrappers.length),
    length => length === count,
  )

/** Renders further widgets. @param {Fixture} fixture @param {unknown[]} widgets */
const renderAll = ({ page }, ...widgets) =>
  page.evaluate(widgets => void (/** @type {any} */ (window).renderAll(widgets)), widgets)

withEachDriver('two widgets in one container', open => {
  test('with one sitekey are one widget, and every response field gets the token', async t => {
    const widgets = [render(SITEKEY), render(SITEKEY, { 'response-field-name': 'captcha' })]
    const fixture = await open(t, 'explicit', { widgets })
    await rendered(fixture, 2)
    const found = await findTurnstile(fixture.page)
    assert.deepEqual(
      found.map(({ selector, websiteKey, fields }) => [selector, websiteKey, fields]),
      [['#box', SITEKEY, ['cf-turnstile-response', 'captcha']]],
    )
    const { token, applied } = await fixture.solve()
    assert.deepEqual(applied.fields, ['cf-turnstile-response', 'captcha'])
    assert.deepEqual(await values(fixture), [
      ['cf-turnstile-response', token],
      ['captcha', token],
    ])
    assert.equal(await submitted(fixture), 'verified')
    assert.deepEqual(counts(fixture), { created: 1, delivered: 1, verified: 1 })
  })

  test('with one sitekey are chosen by a field of either', async t => {
    for (const index of [0, 1]) {
      const fixture = await open(t, 'explicit', { widgets: [render(SITEKEY), render(SITEKEY)] })
      await rendered(fixture, 2)
      const selector = await fixture.page.$$eval('#box input', (all, at) => `#${all[at].id}`, index)
      const { token } = await fixture.solve({ selector })
      assert.deepEqual(
        (await values(fixture)).map(([, value]) => value),
        [token, token],
      )
    }
  })

  test('with one sitekey get the token if the second is rendered during the solve', async t => {
    const fixture = await open(t, 'explicit', { widgets: [render(SITEKEY)] })
    const again = () => renderAll(fixture, render(SITEKEY))
    const { token } = await fixture.solve({ onProgress: ({ phase }) => phase === 'created' && again() })
    assert.deepEqual(
      (await values(fixture)).map(([, value]) => value),
      [token, token],
    )
  })

  test('with one sitekey get the token if both are rendered again during the solve', async t => {
    const fixture = await open(t, 'explicit', { widgets: [render(SITEKEY), render(SITEKEY)] })
    const again = async () => {
      await fixture.page.$eval('#box', box => box.replaceChildren())
      await renderAll(fixture, render(SITEKEY), render(SITEKEY))
    }
    const { token } = await fixture.solve({ onProgress: ({ phase }) => phase === 'created' && again() })
    assert.deepEqual(
      (await values(fixture)).map(([, value]) => value),
      [token, token],
    )
  })

  test('with two sitekeys are two widgets, and one is chosen by its sitekey, its field or its wrapper', async t => {
    /** @type {((page: Fixture['page']) => Promise<{ websiteKey?: string, selector?: string }>)[]} */
    const choices = [
      async () => ({ websiteKey: OTHER }),
      async page => ({ selector: `#${await page.$eval('#box > div:last-child > input', ({ id }) => id)}` }),
      async () => ({ selector: '#box > div:last-child' }),
    ]
    for (const choice of choices) {
      const fixture = await open(t, 'explicit', { widgets: [render(SITEKEY), render(OTHER)] })
      await rendered(fixture, 2)
      await assert.rejects(fixture.solve({ selector: '#box' }), { code: 'WIDGET_AMBIGUOUS' })
      const { token, widget } = await fixture.solve(await choice(fixture.page))
      assert.equal(widget.websiteKey, OTHER)
      assert.deepEqual(
        (await values(fixture)).map(([, value]) => value),
        ['', token],
      )
      assert.equal(fixture.sandbox.tasks()[0].task.websiteKey, OTHER)
    }
  })
})

withEachDriver('a widget inside the container of another', open => {
  test('is chosen by a selector in it, and the other is not', async t => {
    const fixture = await open(t, 'explicit', { widgets: [render(SITEKEY)] })
    await rendered(fixture, 1)
    await fixture.page.$eval('#box', box => {
      box.append(Object.assign(document.createElement('div'), { id: 'inner' }))
    })
    await renderAll(fixture, { into: '#inner', params: { sitekey: OTHER } })
    for (const selector of ['#inner', '#inner > div', '#inner input']) {
      const { widget } = await fixture.solve({ selector })
      assert.equal(widget.websiteKey, OTHER, selector)
    }
  })
})
