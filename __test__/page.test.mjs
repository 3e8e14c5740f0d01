import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { isTurnstileError, TurnstileError } from 'turnstile-solver'
import * as entry from 'turnstile-solver/page'
import { withTimeout } from '../lib/page/evaluate.mjs'
import { root } from './support/child.mjs'

const { findTurnstile, isTurnstilePageError, solveTurnstileOnPage, TurnstilePageError } = entry

/** A page that must not be used: wrong options are refused before that. */
const page = /** @type {any} */ (
  Object.fromEntries(
    ['url', 'isClosed', 'mainFrame', 'frames', 'on', 'off'].map(name => [
      name,
      () => assert.fail(`page.${name}() was called`),
    ]),
  )
)
const account = { provider: 'yescaptcha', clientKey: 'test-key-0123456789abcdef' }

/** Untyped on purpose: these tests hand over what the types forbid. @param {unknown} given @param {unknown} options */
const solve = (given, options) => {
  const solved = solveTurnstileOnPage(/** @type {any} */ (given), /** @type {any} */ (options))
  assert.ok(solved instanceof Promise)
  return solved
}

describe('turnstile-solver/page', () => {
  test('has exactly the named exports', () => {
    const names = ['TurnstilePageError', 'findTurnstile', 'isTurnstilePageError', 'solveTurnstileOnPage']
    assert.deepEqual(Object.keys(entry).sort(), names)
  })

  test('imports only Node.js and the package itself', () => {
    for (const file of readdirSync(join(root, 'lib/page'))) {
      const imports = readFileSync(join(root, 'lib/page', file), 'utf8').matchAll(
        /(?:from|import\() ?'([^']+)'/g,
      )
      for (const [, name] of imports) assert.match(name, /^(?:\.\.?\/|node:)/, `${file}: ${name}`)
    }
  })
})

describe('wrong options of a page', () => {
  /** @type {[what: string, options: unknown, option: string, message: RegExp][]} */
  const wrong = [
    ['no options', undefined, 'options', /must be an object, not undefined/],
    ['a list', [], 'options', /must be an object, not an array/],
    ['an empty selector', { ...account, selector: '' }, 'selector', /must be a CSS selector, not a string/],
    ['a selector of another kind', { ...account, selector: 5 }, 'selector', /not a number/],
    [
      'a callback of another kind',
      { ...account, callback: {} },
      'callback',
      /function of the page, or a function, not an object/,
    ],
    [
      'a callback without a source',
      { ...account, callback: (() => {}).bind(null) },
      'callback',
      /source code that the page can run, and not be native or bound/,
    ],
    [
      'an infinite timeout',
      { ...account, widgetTimeoutMs: Number.POSITIVE_INFINITY },
      'widgetTimeoutMs',
      /whole number from 0 to 300000/,
    ],
    ['a fraction of a millisecond', { ...account, widgetTimeoutMs: 0.5 }, 'widgetTimeoutMs', /whole number/],
    ['a timeout as text', { ...account, widgetTimeoutMs: '5' }, 'widgetTimeoutMs', /whole number/],
    [
      'a controller for a signal',
      { ...account, signal: new AbortController() },
      'signal',
      /must be an AbortSignal, not an object/,
    ],
    ['null for a signal', { ...account, signal: null }, 'signal', /must be an AbortSignal, not null/],
    ['no provider', { clientKey: 'key' }, 'provider', /provider/],
    ['no key', { provider: 'yescaptcha' }, 'clientKey', /clientKey/],
    ['an unknown option', { ...account, widgetTimeout: 5 }, 'widgetTimeout', /is not an option/],
    ['a wrong option of the client', { ...account, timeoutMs: -1 }, 'timeoutMs', /timeoutMs/],
    ['an address that is not a URL', { ...account, websiteURL: 'login' }, 'websiteURL', /websiteURL/],
    ['an empty sitekey', { ...account, websiteKey: '' }, 'websiteKey', /websiteKey/],
    ['an option that the provider does not support', { ...account, action: 'login' }, 'action', /yescaptcha/],
  ]
  for (const [what, options, option, message] of wrong) {
    test(`${what} is refused before the page is used`, async () => {
      await assert.rejects(solve(page, options), error => {
        assert.ok(error instanceof TurnstileError)
        assert.deepEqual([error.code, error.option, error.mayBeCharged], ['INVALID_OPTIONS', option, false])
        assert.match(error.message, message)
        assert.match(error.stack ?? '', /page\.test\.mjs/)
        return true
      })
    })
  }

  test('a getter that throws is refused with the thrown value as its cause', async () => {
    const cause = new Error('not today')
    const options = {
      ...account,
      get selector() {
        throw cause
      },
    }
    await assert.rejects(solve(page, options), { code: 'INVALID_OPTIONS', option: 'options', cause })
  })

  test('are refused if Error.prepareStackTrace throws', async t => {
    const restore = () => Reflect.deleteProperty(Error, 'prepareStackTrace')
    t.after(restore)
    Error.prepareStackTrace = () => {
      throw new Error('no stack today')
    }
    const error = await solve(page, { ...account, selector: '' }).catch(error => error)
    restore()
    assert.deepEqual([error.code, error.option], ['INVALID_OPTIONS', 'selector'])
  })

  test('a value that is not a page is refused', async () => {
    for (const given of [undefined, null, 'page', {}, { ...page, frames: undefined }]) {
      const refused = {
        code: 'INVALID_OPTIONS',
        option: 'page',
        message: /must be a Page of Puppeteer or Playwright, not /,
      }
      await assert.rejects(solve(given, account), refused)
      await assert.rejects(findTurnstile(/** @type {any} */ (given)), refused)
    }
  })
})

test('the validation of options publishes no event', async t => {
  /** @type {unknown[]} */
  const events = []
  const listener = (/** @type {unknown} */ event) => void events.push(event)
  subscribe('turnstile-solver:call', listener)
  t.after(() => unsubscribe('turnstile-solver:call', listener))
  const empty = {
    ...page,
    isClosed: () => false,
    frames: () => [],
    mainFrame: () => ({ url: () => 'https://shop.example/' }),
  }
  const bare = { ...empty, on: () => {}, off: () => {} }
  await assert.rejects(solve(bare, { ...account, widgetTimeoutMs: 0 }), { code: 'WIDGET_NOT_FOUND' })
  await assert.rejects(solve(bare, { ...account, timeoutMs: -1 }), { code: 'INVALID_OPTIONS' })
  assert.deepEqual(events, [])
})

test('a handle that arrives after the timeout is disposed of', async () => {
  let given = 0
  const handle = { dispose: async () => void given++ }
  /** @type {(value: unknown) => void} */
  let come = () => {}
  const asked = new Promise(resolve => {
    come = resolve
  })
  assert.equal(await withTimeout(() => asked, 0), undefined)
  come(handle)
  await asked
  assert.equal(given, 1)
  assert.equal(await withTimeout(async () => handle), handle)
  assert.equal(given, 1, 'one that is waited for is not')
})

describe('a page without a handle for its widget', () => {
  /** @param {{ closing?: boolean }} [state] */
  const shown = ({ closing = false } = {}) => {
    let scans = 0
    let closed = false
    const seen = { sitekey: '0x4AAAAAAATestSitekey', fields: ['cf-turnstile-response'], hasToken: false }
    const widget = {
      ...seen,
      widgetId: 'cf-chl-widget-a',
      selector: '#box',
      inShadowRoot: false,
      chosen: true,
      first: 0,
      explicit: false,
    }
    const list = {
      evaluate: async () => ({ now: 0, loading: false, widgets: [widget] }),
      evaluateHandle: async () => {
        closed = closing
        throw new Error('Execution context was destroyed')
      },
      dispose: async () => {},
    }
    const frame = {
      url: () => 'https://shop.example/login',
      parentFrame: () => null,
      evaluateHandle: async () => {
        scans += 1
        closed ||= scans === 9
        return list
      },
    }
    const [mainFrame, frames] = [() => frame, () => [frame]]
    return { page: { isClosed: () => closed, mainFrame, frames, on() {}, off() {} }, scans: () => scans }
  }

  test('is not scanned again after widgetTimeoutMs', async () => {
    const { page, scans } = shown()
    await assert.rejects(solve(page, { ...account, widgetTimeoutMs: 0 }), {
      code: 'WIDGET_NOT_FOUND',
      mayBeCharged: false,
      message: /^no handle of #box within widgetTimeoutMs \(0 ms\) .*nothing was bought$/,
    })
    assert.equal(scans(), 1)
  })

  test('because it is closing counts as closed', async () => {
    const { page } = shown({ closing: true })
    await assert.rejects(solve(page, { ...account, widgetTimeoutMs: 0 }), { code: 'PAGE_CLOSED' })
  })
})

describe('a TurnstilePageError', () => {
  test('is a TurnstileError with the fields of its constructor', () => {
    const fields = {
      provider: /** @type {const} */ ('ezcaptcha'),
      taskId: 'a-task',
      mayBeCharged: true,
      solution: undefined,
    }
    const error = new TurnstilePageError('closed', { code: 'PAGE_CLOSED', ...fields, cause: 'why' })
    const kinds = [error instanceof TurnstileError, error instanceof TurnstilePageError]
    assert.deepEqual(
      [...kinds, isTurnstileError(error), isTurnstilePageError(error)],
      [true, true, true, true],
    )
    assert.equal(error.name, 'TurnstilePageError')
    assert.deepEqual([error.message, error.cause], ['closed', 'why'])
    assert.deepEqual(
      { ...error },
      { code: 'PAGE_CLOSED', mayBeCharged: true, provider: 'ezcaptcha', taskId: 'a-task' },
    )
  })

  test('is recognised across copies of the package', async () => {
    const copy = await import(`${new URL('lib/page/errors.mjs', `file://${root}`)}?copy`)
    assert.ok(isTurnstilePageError(new copy.TurnstilePageError('closed', { code: 'PAGE_CLOSED' })))
    const plain = new TurnstileError('late', { code: 'TIMEOUT', mayBeCharged: true })
    for (const other of [plain, new Error('no'), null, undefined, 'PAGE_CLOSED', {}]) {
      assert.equal(isTurnstilePageError(other), false)
    }
  })
})
