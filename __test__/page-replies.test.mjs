import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { inspect } from 'node:util'
import { findTurnstile, solveTurnstileOnPage } from 'turnstile-solver/page'
import { applyToken } from '../lib/page/apply-token.mjs'
import { isChallengeHost } from '../lib/page/challenges.mjs'
import { evaluate, isAlive, isGoneError } from '../lib/page/evaluate.mjs'
import { canRead, describe as describeInPage, indexOf, isThere } from '../lib/page/in-page.mjs'
import { callByName, fill, hasFunction } from '../lib/page/in-page-apply.mjs'
import { watchLifecycle } from '../lib/page/lifecycle.mjs'

const account = { provider: /** @type {const} */ ('yescaptcha'), clientKey: 'test-key-0123456789abcdef' }

describe('a reply of a page', () => {
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
  const right = { now: 0, loading: false, widgets: [widget] }

  /** @param {unknown} answer @returns {any} */
  const answering = answer => {
    const evaluate = async (/** @type {unknown} */ asked) => (asked === isThere ? true : answer)
    const list = { evaluate, dispose: async () => {} }
    const frame = {
      url: () => 'https://shop.example/login',
      parentFrame: () => null,
      evaluateHandle: async () => list,
    }
    return {
      isClosed: () => false,
      frames: () => [frame],
      mainFrame: () => frame,
      on() {},
      off() {},
    }
  }

  test('is reduced to the fields of a widget', async () => {
    const hostile = { ...widget, sitekey: null, websiteURL: 'https://other.example/', __proto__: { x: 1 } }
    const [found] = await findTurnstile(answering({ ...right, widgets: [hostile] }))
    assert.deepEqual(found, {
      websiteURL: 'https://shop.example/login',
      fields: ['cf-turnstile-response'],
      hasToken: false,
      widgetId: 'cf-chl-widget-a',
      selector: '#box',
      inShadowRoot: false,
    })
  })

  const nonsense = [undefined, null, 5, 'text', true, [], {}, [[]], Number.NaN, { length: 1 }]
  const parts = Object.keys(widget).filter(name => name !== 'chosen' && name !== 'first')
  const wrong = [
    ...nonsense,
    ...['now', 'loading', 'widgets'].flatMap(name =>
      [5n, null, {}].map(value => ({ ...right, [name]: value })),
    ),
    ...nonsense.slice(1).map(value => ({ ...right, widgets: [value] })),
    ...parts.map(name => ({ ...right, widgets: [{ ...widget, [name]: 5 }] })),
    ...parts.map(name => ({ ...right, widgets: [{ ...widget, [name]: { toString: 5 } }] })),
    { ...right, widgets: [{ ...widget, fields: [5] }] },
    { ...right, widgets: [{ ...widget, chosen: undefined }] },
    ...['0', 0.5, null, {}].map(first => ({ ...right, widgets: [{ ...widget, first }] })),
    ...[5, {}, []].map(token => ({ ...right, widgets: [{ ...widget, token }] })),
  ]

  test('of another shape is a PAGE_SCRIPT_ERROR with a cause, and nothing is bought', async () => {
    for (const answer of wrong) {
      for (const ask of [
        () => findTurnstile(answering(answer)),
        () => solveTurnstileOnPage(answering(answer), { ...account, widgetTimeoutMs: 0 }),
      ]) {
        const error = await ask().then(
          () => assert.fail(inspect(answer)),
          error => error,
        )
        assert.deepEqual(
          [error.name, error.code, error.mayBeCharged, error.cause?.name],
          ['TurnstilePageError', 'PAGE_SCRIPT_ERROR', false, 'TypeError'],
          inspect(answer),
        )
      }
    }
  })

  test('of another shape after the solve is a TOKEN_NOT_APPLIED with a cause and the solution', async () => {
    /** @type {[step: Function, wrong: unknown[]][]} */
    const steps = [
      [indexOf, [undefined, null, 'length', -0.5, [], {}]],
      [fill, [undefined, null, 5, 'text', [5], {}]],
      [callByName, [undefined, null, 5, 'text', [], {}]],
    ]
    for (const [step, wrong] of steps) {
      for (const answer of wrong) {
        /** @type {Map<unknown, unknown>} */
        const answers = new Map()
        answers.set(describeInPage, right).set(indexOf, 0).set(fill, ['a']).set(callByName, 'called')
        answers.set(step, answer)
        const handle = {
          evaluate: async (/** @type {unknown} */ asked) => (answers.has(asked) ? answers.get(asked) : true),
          evaluateHandle: async () => handle,
          dispose: async () => {},
        }
        const driven = answering(undefined)
        const frame = Object.assign(driven.mainFrame(), { evaluateHandle: async () => handle })
        const held = { widget: /** @type {any} */ ({ ...widget, websiteKey: seen.sitekey }), frame, handle }
        const lifecycle = watchLifecycle(driven)
        const about = { provider: 'ezcaptcha', taskId: 'a-task', token: 'a-token' }
        const solution = /** @type {any} */ ({ ...about, expiresAt: 60_000 })
        const parsed = /** @type {any} */ ({ choice: {}, callback: 'onToken' })
        // Evaluations whose result is of no use are repeated for some seconds.
        let leftMs = 120_000
        const expiry = { leftMs: () => (leftMs -= 1000) }
        const error = await applyToken(driven, held, parsed, solution, expiry, lifecycle).then(
          () => assert.fail(`${step.name} ${inspect(answer)}`),
          error => error,
        )
        lifecycle.close()
        assert.deepEqual(
          [error.code, error.cause?.name, error.solution],
          ['TOKEN_NOT_APPLIED', 'TypeError', solution],
          `${step.name} ${inspect(answer)}`,
        )
      }
    }
  })

  test('is a TOKEN_NOT_APPLIED with the solution if the callback throws a value without a string form', async () => {
    const thrown = Object.create(null)
    /** @type {Map<unknown, unknown>} */
    const replies = new Map()
    replies.set(describeInPage, right).set(indexOf, 0).set(fill, ['a']).set(isThere, true)
    const handle = {
      evaluate: async (/** @type {any} */ asked) => {
        if (asked === callByName) throw thrown
        return replies.get(asked)
      },
      evaluateHandle: async () => handle,
      dispose: async () => {},
    }
    const driven = answering(undefined)
    const frame = Object.assign(driven.mainFrame(), { evaluateHandle: async () => handle })
    const held = { widget: /** @type {any} */ ({ ...widget, websiteKey: seen.sitekey }), frame, handle }
    const lifecycle = watchLifecycle(driven)
    const solution = /** @type {any} */ ({
      provider: 'ezcaptcha',
      taskId: 'a-task',
      token: 'a-token',
      expiresAt: 0,
    })
    const parsed = /** @type {any} */ ({ choice: {}, callback: 'onToken' })
    const applied = applyToken(driven, held, parsed, solution, { leftMs: () => 60_000 }, lifecycle)
    await assert.rejects(applied, { code: 'TOKEN_NOT_APPLIED', solution })
    lifecycle.close()
  })

  test('of another shape is requested again until widgetTimeoutMs has passed', async () => {
    let asked = 0
    const driven = answering(undefined)
    const list = {
      dispose: async () => {},
      evaluate: async (/** @type {unknown} */ what) => {
        if (what === describeInPage) return right
        asked += 1
        return what === hasFunction && asked > 1 ? false : undefined
      },
    }
    Object.assign(driven.mainFrame(), { evaluateHandle: async () => list })
    const stop = new AbortController()
    const solved = solveTurnstileOnPage(driven, { ...account, callback: 'onToken', signal: stop.signal })
    const enough = async () => {
      while (asked < 3 && !stop.signal.aborted) await setImmediate()
    }
    await Promise.race([enough(), solved]).finally(() => stop.abort())
    await assert.rejects(solved, { code: 'ABORT_ERR' })
  })

  test('of other frames is in the error about a frame that cannot be read', async () => {
    const { mainFrame } = answering(right)
    const other = answering(5).mainFrame()
    other.parentFrame = mainFrame
    other.frameElement = async () => ({ evaluate: async () => true, dispose: async () => {} })
    const both = { ...answering(right), mainFrame, frames: () => [mainFrame(), other] }
    const error = await findTurnstile(both).catch(error => error)
    assert.deepEqual(
      [error.code, error.widgets.map((/** @type {any} */ { selector }) => selector)],
      ['PAGE_SCRIPT_ERROR', ['#box']],
    )
  })

  test('does not make a frame with an address of another origin an own frame', async () => {
    const { mainFrame } = answering(right)
    const other = answering(right).mainFrame()
    const evaluate = async (/** @type {unknown} */ asked) => (asked === canRead ? true : '')
    const element = { evaluate, dispose: async () => {} }
    Object.assign(other, { parentFrame: mainFrame, frameElement: async () => element })
    const both = { ...answering(right), mainFrame, frames: () => [mainFrame(), other] }
    const counted = async (/** @type {string} */ address) => {
      other.url = () => address
      return (await findTurnstile(both)).length
    }
    for (const own of [
      'about:blank',
      '',
      'about:srcdoc',
      'blob:https://shop.example/a',
      'https://shop.example/b',
    ])
      assert.equal(await counted(own), 2, own)
    for (const foreign of ['https://ads.example/', 'blob:https://ads.example/a', 'http://shop.example/'])
      assert.equal(await counted(foreign), 1, foreign)
  })

  test('that is an error counts as an error of a script, unless the driver reports that the document is gone', async () => {
    const gone = [
      "Attempted to use detached Frame 'A'.",
      'Execution context is not available in detached frame or worker "https://shop.example/" (are you trying to evaluate?)',
      'Execution context was destroyed, most likely because of a navigation.',
      'JSHandle is disposed!',
      'JSHandles can be evaluated only in the context they were created!',
      'Protocol error (Runtime.callFunctionOn): Argument should belong to the same JavaScript world as target object',
      'Protocol error (Runtime.callFunctionOn): Session closed. Most likely the page has been closed.',
      'Target closed',
      'frame.evaluate: Frame was detached',
      'frame.frameElement: Frame has been detached.',
      'jsHandle.evaluate: Target page, context or browser has been closed',
      'jsHandle.evaluate: Target crashed',
      'elementHandle.evaluate: Unable to adopt element handle from a different document',
    ]
    for (const message of gone) {
      assert.equal(isGoneError(new Error(message)), true, message)
      const reject = () => Promise.reject(new Error(message))
      assert.equal(await evaluate(reject, String), undefined)
      assert.equal(await isAlive({ evaluate: reject }), false)
    }
    const thrown = [
      'frame.evaluate: TypeError: a.map is not a function\n    at closed.js:1:1',
      'Illegal invocation',
    ]
    for (const cause of [...thrown.map(message => new Error(message)), 'a text', { message: { a: 1 } }]) {
      assert.equal(isGoneError(cause), false, String(cause))
      const reject = () => Promise.reject(cause)
      await assert.rejects(evaluate(reject, String), { name: 'Error', cause })
      assert.equal(await isAlive({ evaluate: reject }), true)
    }
    for (const cause of [undefined, null]) {
      const error = await evaluate(() => Promise.reject(cause), String).catch(error => error)
      assert.equal(error.cause.message, `a script of the page threw ${cause}`)
    }
  })
})

test('the iframe of a widget comes from Cloudflare, or from loopback if the page does', () => {
  /** @type {[challenge: string, page: string, is: boolean][]} */
  const cases = [
    ['https://challenges.cloudflare.com/a', 'https://shop.example/', true],
    ['https://challenges.cloudflare.com/a', 'http://127.0.0.1:8080/', true],
    ['http://challenges.cloudflare.com/a', 'https://shop.example/', false],
    ['https://challenges.cloudflare.com:444/a', 'https://shop.example/', false],
    ['https://challenges.cloudflare.com.ads.example/a', 'https://shop.example/', false],
    ['https://ads.example/a', 'https://shop.example/', false],
    ['https://shop.example/a', 'https://shop.example/', false],
    ['http://127.0.0.1:8080/a', 'https://shop.example/', false],
    ['http://localhost:8080/a', 'http://127.0.0.1:8080/', true],
    ['http://[::1]:8080/a', 'http://localhost/', true],
    ['https://ads.example/a', 'http://localhost/', false],
    ['http://127.0.0.1.ads.example/a', 'http://localhost/', false],
    ['http://localhost.ads.example/a', 'http://localhost/', false],
    ['http://127.0.0.1/a', 'http://localhost.ads.example/', false],
  ]
  for (const [challenge, page, is] of cases)
    assert.equal(isChallengeHost(new URL(challenge), new URL(page)), is, `${challenge} in ${page}`)
  assert.equal(isChallengeHost(new URL('http://127.0.0.1/a'), undefined), false)
})
