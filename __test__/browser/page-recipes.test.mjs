/// <reference lib="dom" />
/** The recipes of docs/page.md: the code of each is run with both drivers, on a page that shows its symptom without it. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findTurnstile, solveTurnstileOnPage } from 'turnstile-solver/page'
import { counts, eventually, withEachDriver } from '../support/browser-fixture.mjs'
import { blocksOf, read } from '../support/documents.mjs'

/** @typedef {import('../support/browser-fixture.mjs').Fixture} Fixture */

const [chapter = ''] = read('docs/page.md').match(/^## Recipes$.*?(?=^## )/ms) ?? []
const blocks = blocksOf(chapter)
const AsyncFunction = /** @type {FunctionConstructor} */ ((async () => {}).constructor)

const callbackUnreachable = ['CALLBACK_UNREACHABLE']
const explicit = (/** @type {string[]} */ ...sitekeys) => ({
  widgets: sitekeys.map(sitekey => ({ into: '#box', params: { sitekey } })),
})

/** @param {Fixture} fixture */
const codesOf = async fixture => (await fixture.solve()).warnings.map(({ code }) => code)

/** @param {Fixture} fixture @param {string} text of the page's result */
const shows = ({ page }, text) =>
  eventually(
    () => page.evaluate(() => document.querySelector('#result')?.textContent ?? '').catch(() => ''),
    shown => shown === text,
  )

/** @param {Fixture} fixture */
const isDisabled = ({ page }) =>
  page.$eval('button', button => /** @type {HTMLButtonElement} */ (button).disabled)

/**
 * @typedef {object} Recipe
 * @property {string} heading
 * @property {string} shape the page
 * @property {import('../support/browser-fixture.mjs').PageConfig} config
 * @property {(fixture: Fixture) => Promise<unknown>} symptom
 */

/** @type {Recipe[]} */
const recipes = [
  {
    heading: 'The button stays disabled',
    shape: 'recipe',
    config: { recipe: 'enable-button' },
    symptom: async fixture => {
      assert.deepEqual(await codesOf(fixture), callbackUnreachable)
      assert.equal(await isDisabled(fixture), true)
    },
  },
  {
    heading: 'The script calls getResponse',
    shape: 'recipe',
    config: { recipe: 'read-response' },
    symptom: async fixture => {
      assert.deepEqual(await codesOf(fixture), callbackUnreachable)
      await fixture.page.click('#submit')
      await shows(fixture, 'not verified')
    },
  },
  {
    heading: 'The token is in the state of React',
    shape: 'react',
    config: { exposed: 'yes' },
    symptom: async fixture => {
      assert.deepEqual(await codesOf(fixture), callbackUnreachable)
      assert.equal(await isDisabled(fixture), true)
    },
  },
  {
    heading: 'The script calls execute on a click',
    shape: 'recipe',
    config: { recipe: 'execute-on-click' },
    symptom: async fixture => {
      assert.deepEqual(await codesOf(fixture), callbackUnreachable)
      await fixture.page.click('#submit')
      assert.deepEqual(fixture.site.submissions, [])
    },
  },
  {
    heading: 'The page has several widgets',
    shape: 'several',
    config: {},
    symptom: fixture => assert.rejects(fixture.solve(), { code: 'WIDGET_AMBIGUOUS' }),
  },
  {
    heading: 'Two widgets are in one container',
    shape: 'explicit',
    config: explicit('0x4AAAAAAATestFirst', '0x4AAAAAAATestSecond'),
    symptom: async fixture => {
      await eventually(
        () => findTurnstile(fixture.page),
        ({ length }) => length === 2,
      )
      await assert.rejects(fixture.solve(), { code: 'WIDGET_AMBIGUOUS' })
    },
  },
]

test('there is a test for each recipe', () => {
  assert.deepEqual(
    blocks.map(({ heading }) => heading),
    recipes.map(({ heading }) => heading),
  )
})

withEachDriver('the recipe', open => {
  for (const [index, { heading, shape, config, symptom }] of recipes.entries()) {
    test(`"${heading}" makes the page accept the token`, async t => {
      await symptom(await open(t, shape, config))

      const fixture = await open(t, shape, config)
      if (shape === 'explicit')
        await eventually(
          () => findTurnstile(fixture.page),
          ({ length }) => length === 2,
        )
      const code = new AsyncFunction('page', 'account', 'solveTurnstileOnPage', blocks[index].code)
      const account = { ...fixture.sandbox.account, pollIntervalMs: 1000 }
      await code(fixture.page, account, solveTurnstileOnPage)
      if (shape === 'explicit') {
        await eventually(async () => fixture.site.submissions.length === 1)
        const fields = Object.keys(fixture.site.submissions[0].fields)
        assert.ok(fields.includes('cf-turnstile-response'))
        assert.equal(fixture.sandbox.tasks()[0].task.websiteKey, '0x4AAAAAAATestSecond')
      } else {
        await shows(fixture, 'verified')
        assert.deepEqual(counts(fixture), { created: 1, delivered: 1, verified: 1 })
      }
    })
  }
})

withEachDriver('a result', open => {
  test('has no warning if the widget is implicit or a callback was called', async t => {
    for (const [shape, config, options] of /** @type {const} */ ([
      ['implicit', {}, {}],
      ['implicit', { callback: 'onToken' }, {}],
      ['explicit', explicit('0x4AAAAAAATestFirst'), { callback: 'onToken' }],
    ])) {
      const { warnings } = await (await open(t, shape, config)).solve(options)
      assert.deepEqual(warnings, [])
    }
  })

  test('names the widget and the option in its warning', async t => {
    const { warnings } = await (await open(t, 'explicit', explicit('0x4AAAAAAATestFirst'))).solve()
    assert.deepEqual(
      warnings.map(({ code }) => code),
      callbackUnreachable,
    )
    assert.match(warnings[0].message, /^a script rendered #box, .*set `callback`/)
  })

  test('has a warning if a script renders a widget into a container with the attributes of an implicit one', async t => {
    const fixture = await open(t, 'explicit', { pending: '0x4AAAAAAATestPending' })
    await eventually(() => fixture.page.evaluate(() => /** @type {any} */ (window).turnstile !== undefined))
    await fixture.page.$eval('#pending', container => {
      container.removeAttribute('data-callback')
      const { turnstile } = /** @type {any} */ (window)
      turnstile.render(container)
    })
    assert.deepEqual(await codesOf(fixture), callbackUnreachable)
  })
})
