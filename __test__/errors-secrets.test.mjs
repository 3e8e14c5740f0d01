import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { inspect } from 'node:util'
import { startSandbox } from '../lib/sandbox/index.mjs'
import {
  calls,
  failure,
  KEY,
  patient,
  replies,
  required,
  SITEKEY,
  scripted,
  WEBSITE,
} from './support/calls.mjs'

/** @typedef {import('./support/scripted-server.mjs').Answer} Answer */

describe('the key', { concurrency: 32 }, () => {
  const proxySecret = 'secret-of-the-proxy'
  const proxy = `http://proxy-user-77:${proxySecret}@proxy.example:8080`
  for (const encoding of /** @type {const} */ (['plain', 'percent', 'base64'])) {
    for (const call of /** @type {const} */ (['createTask', 'getBalance'])) {
      test(`no part of the error of ${call} has the key if the provider echoes it (${encoding})`, async t => {
        const faults = [{ fault: /** @type {const} */ ('echo-key'), encoding, times: 99 }]
        const clientKey = `${KEY}+/=&%`
        const sandbox = await startSandbox({ provider: 'ezcaptcha', clientKey, faults })
        t.after(() => sandbox.close())
        const task = call === 'createTask' ? { websiteURL: WEBSITE, websiteKey: SITEKEY, proxy } : {}
        const error = await failure(calls[call]({ ...sandbox.account, ...task, ...patient }))
        assert.equal(error.code, 'PROVIDER_ERROR')
        assert.equal(sandbox.stats().faults['echo-key'], 1)
        const encodings = [
          clientKey,
          encodeURIComponent(clientKey),
          Buffer.from(clientKey).toString('base64'),
        ]
        for (const secret of [...encodings, KEY, proxySecret]) assertAbsent(error, secret)
      })
    }
  }

  test('the key and the proxy are in no part of any error that repeats the request', async t => {
    const echo = (/** @type {any} */ { text }, /** @type {any} */ response) =>
      response.writeHead(404).end(text)
    const server = await scripted(t, [{ handler: echo }])
    const error = await failure(calls.createTask(required('createTask', server.baseURL, { proxy })))
    assert.equal(error.code, 'HTTP_ERROR')
    for (const secret of [KEY, proxySecret, proxy]) assertAbsent(error, secret)
  })

  test('the key stays out of what inspect and JSON.stringify show of every error', async t => {
    /** @type {Answer[]} */
    const answers = [{ reset: true }, { status: 404 }, { body: '{' }, replies.refused]
    for (const answer of answers) {
      const server = await scripted(t, [answer])
      assertAbsent(await failure(calls.createTask(required('createTask', server.baseURL))), KEY)
    }
  })
})

/** @param {Error} error @param {string} secret */
function assertAbsent(error, secret) {
  const shown = [
    inspect(error, { depth: null, showHidden: true, getters: true }),
    JSON.stringify(error),
    JSON.stringify(error, Object.getOwnPropertyNames(error)),
    String(error),
    error.stack ?? '',
    error.message,
  ].join('\n')
  assert.ok(!shown.includes(secret), shown)
}
