/** Runs examples/express-verify: its demo, and its backend with the siteverify of a sandbox. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { join } from 'node:path'
import { before, describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { solveTurnstile } from '../index.js'
import { startSandbox } from '../lib/sandbox/index.mjs'
import { KEY, patient, SITEKEY, scripted, WEBSITE } from './support/calls.mjs'
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
    // If a test fails before it closes the server, the process still ends.
    server.unref()
    t.after(() => {
      server.closeAllConnections()
      server.close()
    })
    return async (/** @type {string | undefined} */ token) => {
      const body = JSON.stringify({ username: 'Ada', 'cf-turnstile-response': token })
      const headers = { 'content-type': 'application/json' }
      const response = await fetch(`http://127.0.0.1:${server.address().port}/login`, {
        method: 'POST',
        headers,
        body,
      })
      return [response.status, await response.json()]
    }
  }

  /**
   * @param {import('node:test').TestContext} t
   * @param {import('../lib/sandbox/index.mjs').SandboxOptions} [options]
   */
  async function provider(t, options) {
    const sandbox = await startSandbox({ provider: 'ezcaptcha', clientKey: KEY, solveTimeMs: 0, ...options })
    t.after(() => sandbox.close())
    const task = {
      ...sandbox.account,
      ...patient,
      websiteURL: WEBSITE,
      websiteKey: SITEKEY,
      pollIntervalMs: 10,
    }
    const token = async (/** @type {Record<string, unknown>} */ more = {}) =>
      (await solveTurnstile(/** @type {any} */ ({ ...task, ...more }))).token
    return { sandbox, token, settings: { secret: sandbox.secret, siteverifyURL: sandbox.siteverifyURL } }
  }

  test('the demo prints what the README shows', async () => {
    const { code, stdout, stderr } = await run(process.execPath, ['demo.mjs'], { cwd: folder })
    assert.equal(code, 0, stderr)
    const shown = blocksOf(read('examples/express-verify/README.md')).find(
      ({ language }) => language === 'text',
    )
    assert.equal(stdout, shown?.code)
  })

  test('the type checker accepts the example', async () => {
    assert.deepEqual(await compiled(folder), { code: 0, stdout: '' })
  })

  test('a token is accepted once, and a request without one is refused', async t => {
    const { token, settings, sandbox } = await provider(t)
    const signIn = await backend(t, settings)
    const good = await token()
    assert.deepEqual(await signIn(good), [200, { welcome: 'Ada' }])
    assert.deepEqual(await signIn(good), [403, { errors: ['timeout-or-duplicate'] }])
    assert.deepEqual(await signIn('made up'), [403, { errors: ['invalid-input-response'] }])
    const { verifications } = sandbox.stats()
    for (const none of [undefined, '', 'x'.repeat(2049)]) {
      assert.deepEqual(await signIn(none), [403, { errors: ['missing-input-response'] }])
    }
    assert.deepEqual(sandbox.stats().verifications, verifications, 'a request was sent to siteverify')
  })

  test('a valid token of another site or of another form is refused', async t => {
    const { token, settings } = await provider(t)
    const signIn = await backend(t, { ...settings, action: 'login' })
    const [otherSite, signUp, login] = await Promise.all([
      token({ websiteURL: 'https://other.example/', action: 'login' }),
      token({ action: 'signup' }),
      token({ action: 'login' }),
    ])
    assert.deepEqual(await signIn(otherSite), [403, { errors: ['wrong-hostname'] }])
    assert.deepEqual(await signIn(signUp), [403, { errors: ['wrong-action'] }])
    assert.deepEqual(await signIn(login), [200, { welcome: 'Ada' }])
  })

  test('a lost reply of siteverify is requested again without a second use of the token', async t => {
    const faults = [
      {
        method: /** @type {const} */ ('siteverify'),
        fault: /** @type {const} */ ('connection-reset-after-processing'),
      },
    ]
    const { token, settings } = await provider(t, { faults })
    const signIn = await backend(t, settings)
    assert.deepEqual(await signIn(await token()), [200, { welcome: 'Ada' }])
  })

  test('the form is refused with 503 if siteverify fails', async t => {
    const { mock } = t.mock.method(console, 'error', () => {})
    const broken = { status: 503, body: 'down' }
    const server = await scripted(t, [broken, broken])
    const signIn = await backend(t, { secret: 'secret', siteverifyURL: server.baseURL })
    assert.deepEqual(await signIn('a token'), [503, { errors: ['unavailable'] }])
    const [first, second] = server.requests.map(({ body }) => body.idempotency_key)
    assert.equal(first, second)
    assert.deepEqual(
      mock.calls.map(call => call.arguments),
      [['siteverify failed: HTTP 503']],
    )
  })

  test('the backend does not start without a secret', async () => {
    const env = { TURNSTILE_SECRET: '' }
    const { code, stderr } = await run(process.execPath, ['server.mjs'], { cwd: folder, env })
    assert.deepEqual([code, stderr], [2, 'TURNSTILE_SECRET is missing.\n'])
  })
})
