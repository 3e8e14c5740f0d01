/** Text that comes from a page is escaped and bounded in messages and in causes; the fields of errors have it as it is. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { solveTurnstileOnPage } from 'turnstile-solver/page'
import { describe, isThere } from '../lib/page/in-page.mjs'
import { printable, printableError } from '../lib/page/text.mjs'

const account = { provider: /** @type {const} */ ('yescaptcha'), clientKey: 'test-key-0123456789abcdef' }
const HOSTILE = '\u001b[2J\u009b31m\nfaked line\r\u202egpj.exe\u200b\u2028\u{e0041}'
const SHOWN = String.raw`\u{1b}[2J\u{9b}31m\u{a}faked line\u{d}\u{202e}gpj.exe\u{200b}\u{2028}\u{e0041}`

/** Controls other than the line breaks of a stack, and characters that are invisible or change the direction of text. */
const MISLEADING = /[^\P{C}\n]|\p{Zl}|\p{Zp}/u

/** @param {object[]} widgets @param {() => never} [fail] what the evaluation throws */
const pageWith = (widgets, fail) => {
  const evaluate = async (/** @type {unknown} */ what) => {
    if (what === isThere) return true
    fail?.()
    return what === describe ? { now: 0, loading: false, widgets } : undefined
  }
  const gone = async () => {
    throw new Error('Execution context was destroyed')
  }
  const list = { evaluate, evaluateHandle: gone, dispose: async () => {} }
  const frame = {
    url: () => 'https://shop.example/login',
    parentFrame: () => null,
    evaluateHandle: async () => list,
  }
  const methods = { isClosed: () => false, frames: () => [frame], mainFrame: () => frame, on() {}, off() {} }
  return /** @type {any} */ (methods)
}

/** @param {string} text of the page, in every place @param {object} [more] */
const widget = (text, more) => ({
  ...{ sitekey: text, action: text, cData: text, callback: text, widgetId: text, selector: text },
  ...{ fields: [text], hasToken: false, inShadowRoot: false, explicit: false, chosen: true, first: 0 },
  ...more,
})

/** @param {any} page @param {object} [options] */
const errorOf = (page, options) =>
  solveTurnstileOnPage(page, { ...account, widgetTimeoutMs: 0, ...options }).then(
    () => assert.fail('it was solved'),
    error => error,
  )

test('text is shown in one line, escaped and bounded', () => {
  assert.equal(printable(HOSTILE), SHOWN)
  assert.equal(printable('plain: ünïcode 漢字 🔑'), 'plain: ünïcode 漢字 🔑')
  assert.equal(printable('a'.repeat(900_000), 3), 'aaa…')
  assert.equal(printable('🔑🔑🔑🔑', 3), '🔑🔑🔑…')
  assert.equal(printable('\ud800'), String.raw`\u{d800}`)
})

/** @type {[code: string, page: (text: string) => any, options?: object][]} */
const cases = [
  ['WIDGET_AMBIGUOUS', text => pageWith([widget(text), widget(text, { first: 1 })])],
  ['WIDGET_NOT_FOUND', text => pageWith([widget(text)])],
  ['WIDGET_NOT_FOUND', text => pageWith([widget(text, { chosen: false })])],
  ['SITEKEY_UNKNOWN', text => pageWith([widget(text, { sitekey: undefined })])],
  ['TOKEN_NOT_APPLIED', text => pageWith([widget(text, { fields: [], callback: undefined })])],
]
for (const [code, page, options] of cases) {
  test(`a ${code} has no control characters of the page in its message, and at most 2000 characters`, async () => {
    for (const text of [HOSTILE, 'a'.repeat(900_000), `${HOSTILE}${'\u001b'.repeat(900_000)}`]) {
      const error = await errorOf(page(text), options)
      assert.equal(error.code, code)
      assert.doesNotMatch(error.message, MISLEADING)
      assert.doesNotMatch(String(error.stack), MISLEADING)
      assert.ok(error.message.length <= 2000, `${error.message.length}`)
      assert.equal(error.widgets[0].selector, text, 'fields are verbatim')
    }
  })
}

test('a WIDGET_AMBIGUOUS names five widgets at most', async () => {
  const many = Array.from({ length: 1000 }, (_, first) => widget('box', { first }))
  const { message, widgets } = await errorOf(pageWith(many))
  assert.match(message, /^1000 widgets fit: (?:box \(box\), ){4}box \(box\), and 995 more \[yescaptcha\]/)
  assert.equal(widgets.length, 1000)
})

test('the cause of a PAGE_SCRIPT_ERROR is escaped and bounded, also when it is printed', async () => {
  for (const text of [HOSTILE, 'a'.repeat(900_000), 'line\n'.repeat(100_000)]) {
    const thrown = Object.assign(new Error(text), { name: text })
    const error = await errorOf(
      pageWith([], () => {
        throw thrown
      }),
    )
    assert.equal(error.code, 'PAGE_SCRIPT_ERROR')
    const printed = inspect(error, { colors: false })
    assert.doesNotMatch(printed, MISLEADING)
    assert.ok(printed.length < 30_000, `${printed.length}`)
    for (const value of [error.cause.message, error.cause.name, error.cause.stack])
      assert.doesNotMatch(value, MISLEADING)
  }
})

test('the cause of an error keeps its message, its name and its stack if they are printable', () => {
  const error = new TypeError('map is not a function\n    at closed.js:1:1')
  const copy = /** @type {Error} */ (printableError(error))
  assert.deepEqual([copy.name, copy.message, copy.stack], [error.name, error.message, error.stack])
  assert.equal(printableError('a\n'), String.raw`a\u{a}`)
  assert.equal(printableError(undefined), undefined)
})
