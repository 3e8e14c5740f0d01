/** examples/express-verify runs: its demo, and its backend against a sandbox that plays siteverify. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { join } from 'node:path'
import { before, describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { solveTurnstile } from '../index.js'
import { startSandbox } from '../lib/sandbox/index.mjs'
import { KEY, SITEKEY, scripted, WEBSITE } from './support/calls.mjs'
import { run } from './support/child.mjs'
import { blocksOf, read } from './support/documents.mjs'
import { compiled, prepared } from './support/example.mjs'

describe('examples/express-verify', { concurrency: 4 }, () => {
  let folder = ''
  before(async () => {
    folder = await prepared('express-verify')
  })

  /**
   * @param {import('node:test').TestContext} t
   * @param {Record<string, unknown>} settings
   */
  async function backend(t, settings) {
    const { createApp } = await import(pathToFileURL(join(folder, 'app.mjs')).href)
    const server = createApp({ hostnames: ['shop.example'], ...settings }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    // Where a test fails and its end is skipped, the file ends all the same.
    server.unref()
    t.after(() => {
      server.closeAllConnections()
      server.close()
    })
    return async (/** @type {string | undefined} */ token) => {
      const body = JSON.stringify({ username: 'Ada', 'cf-turnstile-response': token })
      const headers = { 'content-type': 'application/json' }
      const answer = await fetch(`http://127.0.0.1:${server.address().port}/login`, {
        method: 'POST',
        headers,
        body,
      })
      return [answer.status, await answer.json()]
    }
  }

  /**
   * @param {import('node:test').TestContext} t
   * @param {import('../lib/sandbox/index.mjs').SandboxOptions} [options]
   */
  async function vendor(t, options) {
    const sandbox = await startSandbox({ provider: 'ezcaptcha', clientKey: KEY, solveTimeMs: 0, ...options })
    t.after(() => sandbox.close())
    const task = { ...sandbox.account, websiteURL: WEBSITE, websiteKey: SITEKEY, pollIntervalMs: 10 }
    const token = async (/** @type {Record<string, unknown>} */ more = {}) =>
      (await solveTurnstile(/** @type {any} */ ({ ...task, ...more }))).token
    return { sandbox, token, settings: { secret: sandbox.secret, siteverifyURL: sandbox.siteverifyURL } }
  }

  test('prints in its demo what its README shows', async () => {
    const { code, stdout, stderr } = await run(process.execPath, ['demo.mjs'], { cwd: folder })
    assert.equal(code, 0, stderr)
    const shown = blocksOf(read('examples/express-verify/README.md')).find(
      ({ language }) => language === 'text',
    )
    assert.equal(stdout, shown?.code)
  })

  test('has no type that is wrong', async () => {
    assert.deepEqual(await compiled(folder), { code: 0, stdout: '' })
  })

  test('lets a token through once, and nothing without one', async t => {
    const { token, settings, sandbox } = await vendor(t)
    const signIn = await backend(t, settings)
    const good = await token()
    assert.deepEqual(await signIn(good), [200, { welcome: 'Ada' }])
    assert.deepEqual(await signIn(good), [403, { errors: ['timeout-or-duplicate'] }])
    assert.deepEqual(await signIn('made up'), [403, { errors: ['invalid-input-response'] }])
    const asked = sandbox.stats().verifications
    for (const none of [undefined, '', 'x'.repeat(2049)]) {
      assert.deepEqual(await signIn(none), [403, { errors: ['missing-input-response'] }])
    }
    assert.deepEqual(sandbox.stats().verifications, asked, 'and nobody was asked about those')
  })

  test('refuses a good token of another site or of another form', async t => {
    const { token, settings } = await vendor(t)
    const signIn = await backend(t, { ...settings, action: 'login' })
    const [elsewhere, signUp, login] = await Promise.all([
      token({ websiteURL: 'https://other.example/', action: 'login' }),
      token({ action: 'signup' }),
      token({ action: 'login' }),
    ])
    assert.deepEqual(await signIn(elsewhere), [403, { errors: ['wrong-hostname'] }])
    assert.deepEqual(await signIn(signUp), [403, { errors: ['wrong-action'] }])
    assert.deepEqual(await signIn(login), [200, { welcome: 'Ada' }])
  })

  test('asks again when the answer got lost, without using the token up', async t => {
    const faults = [
      {
        method: /** @type {const} */ ('siteverify'),
        fault: /** @type {const} */ ('connection-reset-after-processing'),
      },
    ]
    const { token, settings } = await vendor(t, { faults })
    const signIn = await backend(t, settings)
    assert.deepEqual(await signIn(await token()), [200, { welcome: 'Ada' }])
  })

  test('refuses when siteverify cannot be asked', async t => {
    const { mock } = t.mock.method(console, 'error', () => {})
    const broken = { status: 503, body: 'down' }
    const server = await scripted(t, [broken, broken])
    const signIn = await backend(t, { secret: 'secret', siteverifyURL: server.baseURL })
    assert.deepEqual(await signIn('a token'), [503, { errors: ['unavailable'] }])
    const [first, second] = server.requests.map(({ body }) => body.idempotency_key)
    assert.equal(first, second)
    assert.deepEqual(
      mock.calls.map(call => call.arguments),
      [['siteverify does not answer: HTTP 503']],
    )
  })

  test('does not start without a secret', async () => {
    const env = { TURNSTILE_SECRET: '' }
    const { code, stderr } = await run(process.execPath, ['server.mjs'], { cwd: folder, env })
    assert.deepEqual([code, stderr], [2, 'TURNSTILE_SECRET is missing.\n'])
  })
})
