/// <reference lib="dom" />
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findTurnstile, isTurnstilePageError } from 'turnstile-solver/page'
import { eventually, withEachDriver } from '../support/browser-fixture.mjs'
import { SITEKEY, startFrameSite } from '../support/frame-site.mjs'

/** @typedef {import('../support/browser-fixture.mjs').Fixture} Fixture */

/**
 * A page with the widget of the frames, and nothing else.
 * @param {import('node:test').TestContext} t
 * @param {import('../support/browser-fixture.mjs').Open} open
 */
async function opened(t, open) {
  const fixture = await open(t, 'empty')
  const site = await startFrameSite(t)
  const load = () => fixture.page.goto(`${site.own}/widget`)
  await load()
  return { ...fixture, load }
}

/** Puts the page's HTML in place of its widget. @param {Fixture['page']} page @param {string} html */
const show = (page, html) =>
  page.evaluate(html => {
    document.body.innerHTML = html
  }, html)

const field = '<input type="hidden" name="cf-turnstile-response" id="cf-chl-widget-abcde_response">'
const fieldValue = (/** @type {Fixture} */ { page }) =>
  page.evaluate(
    () => /** @type {HTMLInputElement} */ (document.querySelector('[name="cf-turnstile-response"]')).value,
  )

/**
 * The names of all properties and methods of a form, and of a document. A form's field, or an element of the document, with such a name
 * hides the property.
 * @param {Fixture['page']} page
 */
const propertyNames = page =>
  page.evaluate(() => {
    const namesOf = (/** @type {object} */ object) => {
      const names = new Set()
      for (let at = object; at; at = Object.getPrototypeOf(at))
        for (const name of Object.getOwnPropertyNames(at)) names.add(name)
      return [...names]
    }
    return { form: namesOf(HTMLFormElement.prototype), document: namesOf(Document.prototype) }
  })

withEachDriver('elements that hide DOM properties by their names', open => {
  const widget = `class="cf-turnstile" data-sitekey="${SITEKEY}"`
  /** @type {[where: string, html: (names: { form: string, document: string }) => string, selector: string][]} */
  const places = [
    [
      'a form around the widget',
      ({ form }) => `<form id="login">${form}<div ${widget}><div>${field}</div></div></form>`,
      '#login > div',
    ],
    [
      'a form that is the container of the widget',
      ({ form }) => `<form id="login" ${widget}>${form}<div>${field}</div></form>`,
      '#login',
    ],
    [
      'a form that has the response field itself',
      ({ form }) => `<form id="login" data-sitekey="${SITEKEY}">${form}${field}</form>`,
      '#login',
    ],
    [
      'the document',
      ({ document }) => `${document}<div id="box" ${widget}><div>${field}</div></div>`,
      '#box',
    ],
  ]
  for (const [where, html, selector] of places) {
    test(`do not prevent a solve in ${where}`, async t => {
      const fixture = await opened(t, open)
      const names = await propertyNames(fixture.page)
      assert.ok(names.form.length > 250 && names.form.includes('children'), `${names.form.length}`)
      const elements = {
        form: names.form.map(name => `<input name="${name}">`).join(''),
        document: names.document.map(name => `<img name="${name}"><form name="${name}"></form>`).join(''),
      }
      await show(fixture.page, html(elements))
      const widgets = await findTurnstile(fixture.page)
      assert.deepEqual(
        widgets.map(widget => [widget.selector, widget.websiteKey, widget.fields]),
        [[selector, SITEKEY, ['cf-turnstile-response']]],
      )
      const { token } = await fixture.solve({ selector: `${selector} input[type="hidden"]` })
      const value = await fixture.page.evaluate(selector => {
        const input = Document.prototype.querySelector.call(document, selector)
        return Reflect.get(HTMLInputElement.prototype, 'value', input ?? {})
      }, `${selector} input[type="hidden"]`)
      assert.equal(value, token)
    })
  }
})

withEachDriver('a response field', open => {
  test('whose properties a script has redefined gets the token', async t => {
    const fixture = await opened(t, open)
    await fixture.page.$eval('[name="cf-turnstile-response"]', input => {
      Object.defineProperty(input, 'value', { value: 'redefined' })
      Object.defineProperty(input, 'name', { value: 5 })
    })
    const [{ hasToken, fields }] = await findTurnstile(fixture.page)
    assert.deepEqual([hasToken, fields], [false, ['cf-turnstile-response']])
    const { token, applied } = await fixture.solve()
    assert.deepEqual(applied.fields, ['cf-turnstile-response'])
    const form = await fixture.page.evaluate(() => [...new FormData(document.forms[0])])
    assert.deepEqual(form, [['cf-turnstile-response', token]])
  })

  test('that is not an HTML element is ignored', async t => {
    const fixture = await opened(t, open)
    await fixture.page.evaluate(field => {
      const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg')
      svg.innerHTML = field
      document.body.append(svg, document.createElement('svg'))
    }, '<input id="cf-chl-widget-fffff_response"></input>')
    assert.equal((await findTurnstile(fixture.page)).length, 1)
    await fixture.solve()
  })
})

/** Builtins by their owner: those that libraries are known to replace, and others. @type {Record<string, string[]>} */
const builtins = {
  'Array.prototype': [
    ...[
      'concat',
      'every',
      'filter',
      'find',
      'findIndex',
      'flat',
      'forEach',
      'includes',
      'indexOf',
      'join',
      'map',
      'pop',
    ],
    ...['push', 'reduce', 'shift', 'slice', 'some', 'splice', 'unshift', 'values'],
  ],
  'String.prototype': ['includes', 'indexOf', 'match', 'replace', 'slice', 'split', 'startsWith', 'trim'],
  'RegExp.prototype': ['exec', 'test'],
  'Function.prototype': ['apply', 'bind', 'call', 'toString'],
  'Map.prototype': ['get', 'has', 'set'],
  'Set.prototype': ['add', 'has'],
  'Element.prototype': ['getAttribute', 'matches', 'querySelector', 'querySelectorAll'],
  'Node.prototype': ['getRootNode'],
  'Document.prototype': ['createDocumentFragment', 'querySelectorAll'],
  Array: ['from', 'isArray'],
  Object: [
    'defineProperty',
    'entries',
    'fromEntries',
    'getOwnPropertyDescriptor',
    'getPrototypeOf',
    'is',
    'keys',
  ],
  Reflect: ['apply', 'get'],
  JSON: ['parse', 'stringify'],
  CSS: ['escape'],
  performance: ['now'],
  window: ['Array', 'Error', 'Map', 'Object', 'Reflect', 'RegExp', 'Set', 'ShadowRoot', 'Symbol', 'WeakMap'],
}

/** In the page. @param {{ owner: string, name: string, how: string }} what */
const shadow = ({ owner, name, how }) => {
  const target = owner.split('.').reduce((/** @type {any} */ value, key) => value[key], window)
  target[name] =
    how === 'throws'
      ? () => {
          throw new TypeError('shadowed by the page')
        }
      : how === 'answers nonsense'
        ? () => 5
        : undefined
}

/**
 * Right is the widget, or an error with a cause.
 * @param {Promise<{ websiteKey?: string }[]>} search
 */
const outcome = search =>
  search.then(
    widgets =>
      widgets.length === 1 && widgets[0].websiteKey === SITEKEY ? 'found' : `found ${widgets.length}`,
    error =>
      isTurnstilePageError(error) && error.code === 'PAGE_SCRIPT_ERROR' && error.cause !== undefined
        ? 'reported'
        : `${error.name} ${error.code}: ${error.message}`,
  )

withEachDriver('a callback of the caller that throws a value other than an Error', open => {
  test('rejects the call, and the error has the token', async t => {
    const { solve } = await opened(t, open)
    const callback = () => {
      throw 'a text'
    }
    const error = await solve({ callback }).catch(error => error)
    assert.equal(error.code, 'TOKEN_NOT_APPLIED')
    assert.match(error.message, /^the callback failed: .*a text/)
    assert.match(error.solution.token, /^0\./)
  })
})

withEachDriver('a builtin that a script of the page has replaced', open => {
  for (const how of ['throws', 'answers nonsense', 'is gone']) {
    test(`and that ${how} leads to the widget or to a PAGE_SCRIPT_ERROR with a cause`, async t => {
      const { page, load } = await opened(t, open)
      const wrong = []
      for (const [owner, names] of Object.entries(builtins)) {
        for (const name of names) {
          await load()
          await page.evaluate(shadow, { owner, name, how })
          const result = await outcome(findTurnstile(page))
          if (result !== 'found' && result !== 'reported') wrong.push(`${owner}.${name}: ${result}`)
        }
      }
      assert.deepEqual(wrong, [])
    })
  }

  test('such as Array.prototype.map does not prevent a solve', async t => {
    const fixture = await opened(t, open)
    await fixture.page.evaluate(shadow, { owner: 'Array.prototype', name: 'map', how: 'throws' })
    const { token } = await fixture.solve()
    assert.equal(await fieldValue(fixture), token)
  })

  /** The module needs it. */
  const needed = { owner: 'Reflect', name: 'get', how: 'throws' }

  test('and that is needed before the solve is a PAGE_SCRIPT_ERROR, and nothing is bought', async t => {
    const fixture = await opened(t, open)
    await fixture.page.evaluate(shadow, needed)
    const error = await fixture.solve({ widgetTimeoutMs: 0 }).catch(error => error)
    assert.deepEqual(
      [error.code, error.name, error.mayBeCharged, error.provider, error.widgets],
      ['PAGE_SCRIPT_ERROR', 'TurnstilePageError', false, 'ezcaptcha', []],
    )
    assert.match(String(error.cause), /shadowed by the page/)
    assert.equal(fixture.sandbox.stats().tasks.created, 0)
  })

  test('and that is needed does not prevent a solve once the page has loaded again', async t => {
    const fixture = await opened(t, open)
    await fixture.page.evaluate(shadow, needed)
    const scans = t.mock.method(fixture.page, 'frames')
    const solved = fixture.solve()
    await eventually(async () => scans.mock.callCount() > 2)
    await fixture.load()
    const { token } = await solved
    assert.equal(await fieldValue(fixture), token)
  })

  test('and that is needed after the solve is a TOKEN_NOT_APPLIED with the solution', async t => {
    const fixture = await opened(t, open)
    /** @type {Promise<unknown>[]} */
    const replaced = []
    const onProgress = (/** @type {{ phase: string }} */ { phase }) =>
      void (phase === 'created' && replaced.push(fixture.page.evaluate(shadow, needed)))
    const error = await fixture.solve({ onProgress }).catch(error => error)
    await Promise.all(replaced)
    assert.deepEqual([error.code, error.mayBeCharged], ['TOKEN_NOT_APPLIED', true])
    assert.match(String(error.cause), /shadowed by the page/)
    assert.match(error.solution.token, /^0\./)
    assert.equal(await fieldValue(fixture), '')
  })
})
