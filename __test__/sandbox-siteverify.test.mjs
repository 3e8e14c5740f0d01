import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { exchange, open, SITEKEY, solve } from './support/sandbox-client.mjs'

const DUMMY = 'XXXX.DUMMY.TOKEN.XXXX'
const PASSES = '1x0000000000000000000000000000000AA'
const FAILS = '2x0000000000000000000000000000000AA'
const SPENT = '3x0000000000000000000000000000000AA'
const TEST_SITEKEYS = [
  ...['1x00000000000000000000AA', '1x00000000000000000000BB', '2x00000000000000000000AB'],
  ...['2x00000000000000000000BB', '3x00000000000000000000FF'],
]
const FORM = { 'content-type': 'application/x-www-form-urlencoded' }

/** @param {import('./support/sandbox-client.mjs').Answer} answer */
const verdict = ({ json }) => (json.success ? 'success' : json['error-codes'].join(' '))

describe('siteverify', () => {
  test('a token of the sandbox is verified once, with the host, action and cdata it was made for', async t => {
    const setup = await open(t, { provider: 'ezcaptcha' })
    const { sandbox, verify, clock } = setup
    const readyAt = clock.now() + 3000
    const rqData = { metadataAction: 'login', metadataCdata: 'session-1' }
    const response = await solve(setup, { rqData })
    const { status, json } = await verify({ secret: sandbox.secret, response, remoteip: '203.0.113.7' })
    assert.equal(status, 200)
    assert.deepEqual(json, {
      success: true,
      'error-codes': [],
      challenge_ts: new Date(readyAt).toISOString(),
      hostname: 'shop.example',
      action: 'login',
      cdata: 'session-1',
    })
    assert.equal(verdict(await verify({ secret: sandbox.secret, response })), 'timeout-or-duplicate')
    assert.deepEqual(sandbox.stats().verifications, { success: 1, failure: 1 })
  })

  test('a token lives 300 seconds from ready, however late it was fetched', async t => {
    const setup = await open(t)
    const { sandbox, verify, clock } = setup
    const first = await solve(setup)
    clock.advance(299_999)
    assert.equal(verdict(await verify({ secret: sandbox.secret, response: first })), 'success')
    const second = await solve(setup)
    clock.advance(300_000)
    assert.equal(verdict(await verify({ secret: sandbox.secret, response: second })), 'timeout-or-duplicate')
    clock.advance(3_600_000)
    await setup.create()
    assert.equal(
      verdict(await verify({ secret: sandbox.secret, response: second })),
      'timeout-or-duplicate',
      'also when the task was removed',
    )
  })

  test('the same idempotency key gets the same reply again, another key does not', async t => {
    const setup = await open(t)
    const { sandbox, verify } = setup
    const fields = { secret: sandbox.secret, response: await solve(setup) }
    const key = '0b9a3e0e-7a51-4d0f-8f6d-3f0a5a9d1c11'
    const first = await verify({ ...fields, idempotency_key: key })
    assert.equal(verdict(first), 'success')
    assert.deepEqual((await verify({ ...fields, idempotency_key: key })).json, first.json)
    const other = '0b9a3e0e-7a51-4d0f-8f6d-3f0a5a9d1c12'
    assert.equal(verdict(await verify({ ...fields, idempotency_key: other })), 'timeout-or-duplicate')
    assert.equal(verdict(await verify({ ...fields, idempotency_key: 'again' })), 'bad-request')
  })

  test('every wrong request has its documented code', async t => {
    const setup = await open(t)
    const { sandbox, verify } = setup
    const { secret } = sandbox
    const token = await solve(setup)
    /** @type {[Record<string, unknown>, string][]} */
    const rows = [
      [{}, 'missing-input-secret missing-input-response'],
      [{ response: token }, 'missing-input-secret'],
      [{ secret }, 'missing-input-response'],
      [{ secret: '0x4AAAAAAAnobody', response: token }, 'invalid-input-secret'],
      [{ secret, response: 'nonsense' }, 'invalid-input-response'],
      [
        { secret, response: `${token.slice(0, -1)}${token.endsWith('0') ? '1' : '0'}` },
        'invalid-input-response',
      ],
      [{ secret, response: 'x'.repeat(2049) }, 'invalid-input-response'],
      [{ secret, response: DUMMY }, 'invalid-input-response'],
      [{ secret: PASSES, response: token }, 'invalid-input-response'],
      [{ secret: PASSES, response: DUMMY }, 'success'],
      [{ secret: PASSES, response: DUMMY }, 'success'],
      [{ secret: FAILS, response: DUMMY }, 'invalid-input-response'],
      [{ secret: SPENT, response: DUMMY }, 'timeout-or-duplicate'],
      [{ secret, response: token }, 'success'],
    ]
    for (const [fields, expected] of rows)
      assert.equal(verdict(await verify(fields)), expected, JSON.stringify(fields))
  })

  test('a token of another sandbox is not valid', async t => {
    const other = await solve(await open(t, { seed: 2 }))
    const setup = await open(t)
    await solve(setup)
    assert.equal(
      verdict(await setup.verify({ secret: setup.sandbox.secret, response: other })),
      'invalid-input-response',
    )
  })

  test('a task without a website has a token without a host', async t => {
    const setup = await open(t, { provider: 'custom' })
    const response = await solve(setup, { websiteURL: undefined, websiteKey: undefined, action: 'a-1' })
    const { json } = await setup.verify({ secret: setup.sandbox.secret, response })
    assert.deepEqual([json.success, json.hostname, json.action], [true, '', 'a-1'])
  })

  test('values that cannot be converted to text are read as empty, in a task and in a verification', async t => {
    const setup = await open(t, { provider: 'custom' })
    const { secret } = setup.sandbox
    const none = { toString: 1 }
    const response = await solve(setup, { websiteURL: none, action: [none], cData: none })
    const reply = await setup.verify({ secret, response, idempotency_key: none })
    assert.deepEqual([reply.status, verdict(reply)], [400, 'bad-request'])
    const { json } = await setup.verify({ secret, response })
    assert.deepEqual([json.success, json.hostname, json.action, json.cdata], [true, '', '', ''])
  })

  test('it reads JSON, forms and multipart forms, and refuses the rest', async t => {
    const { sandbox, verify } = await open(t)
    const fields = { secret: PASSES, response: DUMMY }
    const url = sandbox.siteverifyURL
    assert.equal(verdict(await verify(fields)), 'success')
    assert.equal(
      verdict(await exchange(url, { body: `${new URLSearchParams(fields)}`, headers: FORM })),
      'success',
    )
    const form = new FormData()
    for (const [name, value] of Object.entries(fields)) form.set(name, value)
    assert.equal((await (await fetch(url, { method: 'POST', body: form })).json()).success, true)

    const bad = [
      await exchange(url, { body: '{', headers: { 'content-type': 'application/json' } }),
      await exchange(url, { body: '[]', headers: { 'content-type': 'application/json' } }),
      await exchange(url, { body: 'secret', headers: { 'content-type': 'text/plain' } }),
    ]
    for (const answer of bad) assert.deepEqual([answer.status, verdict(answer)], [400, 'bad-request'])
    assert.equal((await exchange(url, { method: 'GET' })).status, 405)
  })

  test("a task for one of Cloudflare's test sitekeys yields the dummy token", async t => {
    const setup = await open(t)
    for (const websiteKey of TEST_SITEKEYS) assert.equal(await solve(setup, { websiteKey }), DUMMY)
  })
})

describe('the page', () => {
  /** @param {string} html @param {string} id */
  const textOf = (html, id) => new RegExp(`id="${id}"[^>]*>([^<]*)<`).exec(html)?.[1]

  test('has a widget in a form, and a policy that allows nothing from another origin', async t => {
    const { sandbox } = await open(t)
    const url = sandbox.pageURL({ sitekey: SITEKEY, action: 'login', cdata: 'c-1', fieldName: 'proof' })
    const { status, headers, text } = await exchange(url, { method: 'GET' })
    assert.equal(status, 200)
    assert.match(String(headers['content-security-policy']), /^default-src 'none'; script-src 'self'/)
    for (const part of [
      'class="cf-turnstile"',
      `data-sitekey="${SITEKEY}"`,
      ...['data-action="login"', 'data-cdata="c-1"', 'data-callback="onTurnstileToken"'],
      'data-response-field-name="proof"',
    ]) {
      assert.ok(text.includes(part), part)
    }
    const links = [...text.matchAll(/ (?:src|href|action)="([^"]+)"/g)].map(([, link]) => link)
    assert.ok(links.length >= 4)
    for (const link of links) {
      assert.match(link, /^\//, 'no external request')
      if (!link.startsWith('/login')) {
        assert.equal(
          (await exchange(`${sandbox.baseURL}${link.replaceAll('&amp;', '&')}`, { method: 'GET' })).status,
          200,
        )
      }
    }
    assert.doesNotMatch(text, /<script>|<style|\son\w+=|style=/, 'nothing inline')
  })

  test('with explicit rendering has no .cf-turnstile element', async t => {
    const { sandbox } = await open(t)
    const { text } = await exchange(sandbox.pageURL({ render: 'explicit', sitekey: SITEKEY }), {
      method: 'GET',
    })
    assert.doesNotMatch(text, /cf-turnstile"|data-sitekey/)
    assert.match(text, /api\.js\?render=explicit&amp;onload=onTurnstileReady/)
  })

  test('escapes what is in its address', async t => {
    const { sandbox } = await open(t)
    const { text } = await exchange(sandbox.pageURL({ action: '"><script>alert(1)</script>' }), {
      method: 'GET',
    })
    assert.doesNotMatch(text, /<script>alert/)
  })

  test('verifies a token of the sandbox once, in a form field of the given name', async t => {
    const setup = await open(t, { provider: 'ezcaptcha' })
    const { sandbox } = setup
    const websiteURL = sandbox.pageURL({ action: 'login', fieldName: 'proof' })
    const token = await solve(setup, { websiteURL, rqData: { metadataAction: 'login' } })
    const { text: page } = await exchange(websiteURL, { method: 'GET' })
    const action = /action="([^"]+)"/.exec(page)?.[1].replaceAll('&#38;', '&')
    const body = `${new URLSearchParams({ username: 'me', proof: token })}`
    const login = () => exchange(`${sandbox.baseURL}${action}`, { body, headers: FORM })
    const first = await login()
    assert.equal(first.status, 200)
    assert.equal(textOf(first.text, 'result'), 'verified')
    assert.match(first.text, /data-verified="true"/)
    assert.deepEqual([textOf(first.text, 'hostname'), textOf(first.text, 'action')], ['127.0.0.1', 'login'])
    const second = await login()
    assert.deepEqual([second.status, textOf(second.text, 'result')], [403, 'not verified'])
    assert.equal(textOf(second.text, 'error-codes'), 'timeout-or-duplicate')
  })

  test('accepts the dummy token with a sitekey that always passes, and not with one that always fails', async t => {
    const { sandbox } = await open(t)
    /** @param {string} sitekey @param {string} token */
    const login = async (sitekey, token) => {
      const query = new URLSearchParams({ sitekey })
      const body = `${new URLSearchParams({ 'cf-turnstile-response': token })}`
      const { text } = await exchange(`${sandbox.baseURL}/login?${query}`, { body, headers: FORM })
      return [textOf(text, 'result'), textOf(text, 'error-codes')]
    }
    assert.deepEqual(await login('1x00000000000000000000AA', DUMMY), ['verified', ''])
    assert.deepEqual(await login('3x00000000000000000000FF', DUMMY), ['verified', ''])
    assert.deepEqual(await login('2x00000000000000000000AB', DUMMY), [
      'not verified',
      'invalid-input-response',
    ])
    assert.deepEqual(await login(SITEKEY, DUMMY), ['not verified', 'invalid-input-response'])
    assert.deepEqual(await login(SITEKEY, ''), ['not verified', 'missing-input-response'])
  })

  test('refuses other methods, and has an empty icon', async t => {
    const { sandbox } = await open(t)
    assert.equal((await exchange(`${sandbox.baseURL}/widget`)).status, 405)
    assert.equal((await exchange(`${sandbox.baseURL}/login`, { method: 'GET' })).status, 405)
    assert.equal((await exchange(`${sandbox.baseURL}/favicon.ico`, { method: 'GET' })).status, 204)
  })
})
