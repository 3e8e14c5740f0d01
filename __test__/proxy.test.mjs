import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { startSandbox } from '../sandbox/index.mjs'
import { KEY, SITEKEY, TASK, WEBSITE } from './support/calls.mjs'
import { authorityFile, callsUnder, certificate } from './support/child-calls.mjs'
import { startProxy } from './support/proxy.mjs'

/** @typedef {import('node:test').TestContext} TestContext */
/** @typedef {import('./support/proxy.mjs').ProxyOptions} ProxyOptions */

const together = { concurrency: 16 }
/** A name that only the proxy can resolve. */
const HOST = 'api.example.test'
const PASSWORD = 'proxy-secret-0123456789'
const trusting = { NODE_EXTRA_CA_CERTS: authorityFile }
const page = { websiteURL: WEBSITE, websiteKey: SITEKEY }
const account = { provider: 'yescaptcha', clientKey: KEY, baseURL: `https://${HOST}` }
const solve = /** @type {const} */ (['solveTurnstile', { ...account, ...page, pollIntervalMs: 1000 }])
/** Ends soon where there is no way to the provider. */
const hasty = /** @type {const} */ (['createTask', { ...account, ...page, timeoutMs: 1500 }])

/** @param {string} url @param {string} credentials */
const withCredentials = (url, credentials) => url.replace('//', `//${credentials}@`)

/**
 * A provider that answers to its name over TLS, and a proxy that knows the way there.
 * @param {TestContext} t
 * @param {ProxyOptions & { as?: 'provider' | 'wrong-host', http2?: boolean }} [options]
 */
async function behindProxy(t, { as = 'provider', http2, ...options } = {}) {
  const sandbox = await startSandbox({ clientKey: KEY, solveTimeMs: 0, tls: certificate(as), http2 })
  t.after(() => sandbox.close())
  const proxy = await startProxy(t, { routes: { [`${HOST}:443`]: sandbox.port }, ...options })
  return { sandbox, proxy }
}

/** @param {import('./support/child-calls.mjs').Outcome} outcome */
function assertSolved(outcome) {
  assert.ok(outcome.value?.token, JSON.stringify(outcome))
}

describe('a proxy in the environment', together, () => {
  for (const name of ['HTTPS_PROXY', 'https_proxy']) {
    for (const http2 of [true, false]) {
      test(`as ${name} is the way to a provider that speaks HTTP/${http2 ? 2 : 1.1}`, async t => {
        const { proxy, sandbox } = await behindProxy(t, { http2 })
        const { outcomes } = await callsUnder({ ...trusting, [name]: proxy.url }, [...solve])
        assertSolved(outcomes[0])
        assert.ok(proxy.connects.length > 0)
        assert.deepEqual(new Set(proxy.connects.map(({ target }) => target)), new Set([`${HOST}:443`]))
        assert.deepEqual(proxy.forwarded, [])
        assert.equal(sandbox.stats().tasks.created, 1)
      })
    }
  }

  test('is told no password where none was given, and never the key', async t => {
    const { proxy } = await behindProxy(t)
    const { outcomes } = await callsUnder({ ...trusting, HTTPS_PROXY: proxy.url }, [...solve])
    assertSolved(outcomes[0])
    assert.ok(proxy.tunnelled().length > 0)
    for (const { headers } of proxy.connects) assert.equal(headers['proxy-authorization'], undefined)
    assert.ok(!JSON.stringify(proxy.connects).includes(KEY))
    assert.ok(!proxy.tunnelled().includes(KEY), 'the tunnel is encrypted')
  })

  test('is told the user and the password that its URL carries, percent-decoded', async t => {
    const { proxy } = await behindProxy(t)
    const url = withCredentials(proxy.url, `us%40er:${PASSWORD}%3A%2F`)
    const { outcomes } = await callsUnder({ ...trusting, HTTPS_PROXY: url }, [...solve])
    assertSolved(outcomes[0])
    const expected = `Basic ${Buffer.from(`us@er:${PASSWORD}:/`).toString('base64')}`
    for (const { headers } of proxy.connects) assert.equal(headers['proxy-authorization'], expected)
  })

  test('may itself be spoken to over TLS', async t => {
    const { proxy } = await behindProxy(t, { tls: certificate('localhost') })
    const url = withCredentials(proxy.url, `user:${PASSWORD}`)
    const { outcomes } = await callsUnder({ ...trusting, HTTPS_PROXY: url }, [...solve])
    assertSolved(outcomes[0])
    assert.ok(proxy.connects.length > 0)
  })

  test('whose own certificate is wrong is told nothing, and no provider is reached another way', async t => {
    const { proxy, sandbox } = await behindProxy(t, { tls: certificate('wrong-host') })
    const { outcomes } = await callsUnder({ ...trusting, HTTPS_PROXY: proxy.url }, [...hasty])
    assert.match(outcomes[0].error?.code ?? '', /CONNECTION_FAILED|TIMEOUT/)
    assert.deepEqual(proxy.connects, [])
    assert.equal(sandbox.stats().tasks.created, 0)
  })

  test('does not vouch for the provider: a wrong certificate at the end of the tunnel is refused at once', async t => {
    const { proxy, sandbox } = await behindProxy(t, { as: 'wrong-host' })
    const { outcomes } = await callsUnder({ ...trusting, HTTPS_PROXY: proxy.url }, [
      'createTask',
      { ...account, ...page },
    ])
    const { error } = outcomes[0]
    assert.deepEqual([error?.code, error?.mayBeCharged], ['CONNECTION_FAILED', false])
    assert.match(error?.message ?? '', /certificate/)
    assert.equal(proxy.connects.length, 1, 'it tried again')
    assert.equal(sandbox.stats().tasks.created, 0)
  })

  test('for plain http alone (HTTP_PROXY) is not used: nothing but loopback goes in the clear', async t => {
    const { proxy } = await behindProxy(t)
    const env = { ...trusting, HTTP_PROXY: proxy.url, http_proxy: proxy.url }
    const { outcomes } = await callsUnder(env, [...hasty])
    assert.ok(outcomes[0].error)
    assert.deepEqual([proxy.connects, proxy.forwarded], [[], []])
  })

  test('in lower case goes before one in upper case, as in Node.js', async t => {
    const { proxy } = await behindProxy(t)
    const other = await startProxy(t)
    const env = { ...trusting, https_proxy: proxy.url, HTTPS_PROXY: other.url }
    const { outcomes } = await callsUnder(env, [...solve])
    assert.deepEqual(other.connects, [])
    assertSolved(outcomes[0])
  })

  test('that breaks a tunnel and refuses the next costs repetitions and no second task', async t => {
    const { proxy, sandbox } = await behindProxy(t, {
      // The first tunnel is for createTask, the next for the polls.
      refuse: ({ nth }, client) => nth === 2 && !!client.end('HTTP/1.1 503 Service Unavailable\r\n\r\n'),
    })
    const { outcomes } = await callsUnder({ ...trusting, HTTPS_PROXY: proxy.url }, [...solve])
    assertSolved(outcomes[0])
    assert.ok(outcomes[0].value.retries >= 1 && proxy.connects.length >= 3)
    assert.equal(sandbox.stats().tasks.created, 1)
  })
})

describe('what goes to this machine', together, () => {
  for (const host of ['127.0.0.1', 'localhost', '[::1]']) {
    for (const scheme of ['http', 'https']) {
      test(`never goes through a proxy: ${scheme}://${host}`, async t => {
        const proxy = await startProxy(t)
        const sandbox = await startSandbox({
          clientKey: KEY,
          solveTimeMs: 0,
          host: host === '[::1]' ? '::1' : '127.0.0.1',
          ...(scheme === 'https' ? { tls: certificate('localhost') } : {}),
        })
        t.after(() => sandbox.close())
        const both = { HTTPS_PROXY: proxy.url, HTTP_PROXY: proxy.url, https_proxy: proxy.url }
        const baseURL = `${scheme}://${host}:${sandbox.port}`
        const env = { ...trusting, ...both, http_proxy: proxy.url }
        const { outcomes } = await callsUnder(env, ['solveTurnstile', { ...solve[1], baseURL }])
        assertSolved(outcomes[0])
        assert.deepEqual([proxy.connects, proxy.forwarded], [[], []])
      })
    }
  }
})

describe('NO_PROXY', together, () => {
  for (const [name, value] of [
    ['NO_PROXY', HOST],
    ['no_proxy', HOST],
    ['NO_PROXY', `other.test, ${HOST} ,127.0.0.1`],
    ['NO_PROXY', '.example.test'],
    ['NO_PROXY', '*'],
    ['NO_PROXY', 'API.Example.TEST'],
    ['NO_PROXY', `${HOST}:443`],
    ['NO_PROXY', '*.example.test'],
  ]) {
    test(`keeps a provider from the proxy: ${name}="${value}"`, async t => {
      const { proxy } = await behindProxy(t)
      const { outcomes } = await callsUnder({ ...trusting, HTTPS_PROXY: proxy.url, [name]: value }, [
        ...hasty,
      ])
      assert.deepEqual(proxy.connects, [])
      assert.ok(outcomes[0].error, 'nothing else knows the way there')
    })
  }

  for (const value of [
    '',
    'other.test',
    'api.example',
    'xample.test',
    'ample.test',
    `x${HOST}`,
    `${HOST}:8443`,
  ]) {
    test(`that names others leaves the provider to the proxy: "${value}"`, async t => {
      const { proxy } = await behindProxy(t)
      const { outcomes } = await callsUnder({ ...trusting, HTTPS_PROXY: proxy.url, NO_PROXY: value }, [
        ...solve,
      ])
      assertSolved(outcomes[0])
      assert.ok(proxy.connects.length > 0)
    })
  }
})

describe('a proxy that refuses', together, () => {
  /** What a careless proxy may say of whom it refuses. @param {import('./support/proxy.mjs').Connect} connect */
  const echo = ({ headers }) => {
    const basic = String(headers['proxy-authorization'])
    return `${basic} ${Buffer.from(basic.replace('Basic ', ''), 'base64')} ${encodeURIComponent(PASSWORD)}`
  }
  const answers = /** @type {Record<string, NonNullable<ProxyOptions['refuse']>>} */ ({
    'with 407': (_, client) =>
      !!client.end('HTTP/1.1 407 Proxy Authentication Required\r\nproxy-authenticate: Basic\r\n\r\n'),
    'with 502': (_, client) => !!client.end('HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n'),
    'with 403 and repeats the password wherever it can': (connect, client) =>
      !!client.end(
        `HTTP/1.1 403 No ${echo(connect)}\r\nx-echo: ${echo(connect)}\r\ncontent-length: ${echo(connect).length}\r\n\r\n${echo(connect)}`,
      ),
    'with the password instead of HTTP': (connect, client) => !!client.end(`${echo(connect)}\r\n\r\n`),
    'with a redirect': (_, client) =>
      !!client.end(`HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\n\r\n`),
    'with nothing': (_, client) => !!client.end(),
    'with a reset': (_, client) => !!(/** @type {import('node:net').Socket} */ (client).resetAndDestroy()),
    'with garbage for TLS': (_, client) => !!client.end(`HTTP/1.1 200 OK\r\n\r\n${PASSWORD} `.repeat(100)),
  })
  for (const [how, refuse] of Object.entries(answers)) {
    test(`${how} is a CONNECTION_FAILED that costs no money and tells no password`, async t => {
      const { proxy, sandbox } = await behindProxy(t, { refuse })
      const url = withCredentials(proxy.url, `user:${PASSWORD}`)
      const noisy = { RUST_BACKTRACE: 'full', RUST_LOG: 'trace' }
      const { outcomes, stderr } = await callsUnder(
        { ...trusting, ...noisy, HTTPS_PROXY: url },
        ['createTask', { ...account, ...page }],
        ['waitForTask', { ...account, taskId: TASK, pollIntervalMs: 1000, timeoutMs: 3000 }],
      )
      assert.ok(proxy.connects.length > 1)
      const [bought, waited] = outcomes.map(({ error }) => error)
      assert.deepEqual([bought?.code, bought?.mayBeCharged], ['CONNECTION_FAILED', false])
      assert.deepEqual([waited?.code, waited?.taskId], ['TIMEOUT', TASK])
      const told = `${JSON.stringify(outcomes)}${stderr}`
      for (const secret of [PASSWORD, Buffer.from(`user:${PASSWORD}`).toString('base64'), KEY]) {
        assert.ok(!told.includes(secret), told)
      }
      assert.equal(sandbox.stats().tasks.created, 0)
    })
  }

  test('by never answering is given up within requestTimeoutMs, and no money is gone', async t => {
    const { proxy } = await behindProxy(t, { refuse: () => true })
    const patient = { ...account, ...page, requestTimeoutMs: 1000 }
    const { outcomes } = await callsUnder({ ...trusting, HTTPS_PROXY: proxy.url }, ['createTask', patient])
    const { error, ms } = outcomes[0]
    assert.deepEqual([error?.code, error?.mayBeCharged], ['CONNECTION_FAILED', false])
    assert.ok(ms < 20_000)
  })
})
