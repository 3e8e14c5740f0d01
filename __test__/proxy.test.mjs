import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { startSandbox } from '../lib/sandbox/index.mjs'
import { KEY, SITEKEY, WEBSITE } from './support/calls.mjs'
import { authorityFile, callsUnder, certificate } from './support/child-calls.mjs'
import { startProxy } from './support/proxy.mjs'

/** @typedef {import('node:test').TestContext} TestContext */
/** @typedef {import('./support/proxy.mjs').ProxyOptions} ProxyOptions */

/** Each is a process of its own, which needs a core to start. */
const together = { concurrency: 4 }
/** A name that only the proxy can resolve. */
const HOST = 'api.example.test'
const PASSWORD = 'proxy-secret-0123456789'
const trusting = { NODE_EXTRA_CA_CERTS: authorityFile }
const page = { websiteURL: WEBSITE, websiteKey: SITEKEY }
const account = { provider: 'yescaptcha', clientKey: KEY, baseURL: `https://${HOST}` }
/** Ends with the first failure where there is no way to the provider. */
const once = /** @type {const} */ (['solveTurnstile', { ...account, ...page, untilRetry: true }])

/** @param {string} baseURL @returns {[import('./support/calls.mjs').CallName, Record<string, unknown>]} */
const callTo = baseURL => ['createTask', { ...account, ...page, baseURL }]

const buy = callTo(account.baseURL)

/** @param {string} url @param {string} credentials */
const withCredentials = (url, credentials) => url.replace('//', `//${credentials}@`)

/**
 * A provider that answers to its name over TLS, and a proxy that knows the way there.
 * @param {TestContext} t
 * @param {ProxyOptions & { as?: 'provider' | 'wrong-host', http2?: boolean }} [options]
 */
async function behindProxy(t, { as = 'provider', http2, ...options } = {}) {
  const sandbox = await startSandbox({
    clientKey: KEY,
    solveTimeMs: 0,
    tls: certificate(as),
    http2,
    allowedHosts: [HOST],
  })
  t.after(() => sandbox.close())
  const proxy = await startProxy(t, { routes: { [`${HOST}:443`]: sandbox.port }, ...options })
  return { sandbox, proxy }
}

/** @param {import('./support/child-calls.mjs').Outcome} outcome */
function assertBought(outcome) {
  assert.ok(outcome.value?.taskId, JSON.stringify(outcome))
}

describe('a proxy in the environment', together, () => {
  for (const [name, http2] of /** @type {const} */ ([
    ['HTTPS_PROXY', true],
    ['https_proxy', false],
  ])) {
    test(`a proxy in the environment as ${name} is used for a provider with HTTP/${http2 ? 2 : 1.1}`, async t => {
      const { proxy, sandbox } = await behindProxy(t, { http2 })
      const { outcomes } = await callsUnder({ ...trusting, [name]: proxy.url }, buy)
      assertBought(outcomes[0])
      assert.ok(proxy.connects.length > 0)
      assert.deepEqual(new Set(proxy.connects.map(({ target }) => target)), new Set([`${HOST}:443`]))
      assert.deepEqual(proxy.forwarded, [])
      assert.equal(sandbox.stats().tasks.created, 1)
    })
  }

  test('a proxy in the environment gets no password if there is none, and never the key', async t => {
    const { proxy } = await behindProxy(t)
    const { outcomes } = await callsUnder({ ...trusting, HTTPS_PROXY: proxy.url }, buy)
    assertBought(outcomes[0])
    assert.ok(proxy.tunnelled().length > 0)
    for (const { headers } of proxy.connects) assert.equal(headers['proxy-authorization'], undefined)
    assert.ok(!JSON.stringify(proxy.connects).includes(KEY))
    assert.ok(!proxy.tunnelled().includes(KEY), 'the tunnel is encrypted')
  })

  test('a proxy in the environment gets the user and the password of its URL, percent-decoded', async t => {
    const { proxy } = await behindProxy(t)
    const url = withCredentials(proxy.url, `us%40er:${PASSWORD}%3A%2F`)
    const { outcomes } = await callsUnder({ ...trusting, HTTPS_PROXY: url }, buy)
    assertBought(outcomes[0])
    const expected = `Basic ${Buffer.from(`us@er:${PASSWORD}:/`).toString('base64')}`
    for (const { headers } of proxy.connects) assert.equal(headers['proxy-authorization'], expected)
  })

  test('a proxy in the environment may itself use TLS', async t => {
    const { proxy } = await behindProxy(t, { tls: certificate('localhost') })
    const url = withCredentials(proxy.url, `user:${PASSWORD}`)
    const { outcomes } = await callsUnder({ ...trusting, HTTPS_PROXY: url }, buy)
    assertBought(outcomes[0])
    assert.ok(proxy.connects.length > 0)
  })

  test('a proxy in the environment whose own certificate is wrong gets nothing, and the provider is not reached directly', async t => {
    const { proxy, sandbox } = await behindProxy(t, { tls: certificate('wrong-host') })
    const { outcomes } = await callsUnder({ ...trusting, HTTPS_PROXY: proxy.url }, [...once])
    const { error, codes } = outcomes[0]
    assert.deepEqual([...codes, error?.code].slice(0, 1), ['CONNECTION_FAILED'])
    assert.equal(error?.mayBeCharged, false)
    assert.deepEqual(proxy.connects, [])
    assert.equal(sandbox.stats().tasks.created, 0)
  })

  test('a proxy in the environment does not weaken TLS: a wrong certificate of the provider is refused at once', async t => {
    const { proxy, sandbox } = await behindProxy(t, { as: 'wrong-host' })
    const { outcomes } = await callsUnder({ ...trusting, HTTPS_PROXY: proxy.url }, buy)
    const { error } = outcomes[0]
    assert.deepEqual([error?.code, error?.mayBeCharged], ['CONNECTION_FAILED', false])
    assert.match(error?.message ?? '', /certificate/)
    assert.equal(proxy.connects.length, 1, 'it tried again')
    assert.equal(sandbox.stats().tasks.created, 0)
  })

  test('a proxy in the environment for plain http alone (HTTP_PROXY) is not used: nothing but loopback goes in the clear', async t => {
    const { proxy } = await behindProxy(t)
    const env = { ...trusting, HTTP_PROXY: proxy.url, http_proxy: proxy.url }
    const { outcomes } = await callsUnder(env, [...once])
    assert.deepEqual(outcomes[0].codes, ['CONNECTION_FAILED'])
    assert.deepEqual([proxy.connects, proxy.forwarded], [[], []])
  })

  test('a proxy in the environment in lower case takes precedence over upper case, as in Node.js', async t => {
    const { proxy } = await behindProxy(t)
    const other = await startProxy(t)
    const env = { ...trusting, https_proxy: proxy.url, HTTPS_PROXY: other.url }
    const { outcomes } = await callsUnder(env, buy)
    assert.deepEqual(other.connects, [])
    assertBought(outcomes[0])
  })
})

test('what goes to this machine never goes through a proxy', async t => {
  const proxy = await startProxy(t)
  const tls = certificate('localhost')
  const sandboxes = await Promise.all(
    [{}, { host: '::1' }, { tls }, { host: '::1', tls }].map(options =>
      startSandbox({ clientKey: KEY, solveTimeMs: 0, ...options }),
    ),
  )
  t.after(() => Promise.all(sandboxes.map(sandbox => sandbox.close())))
  const [plain, plain6, secure, secure6] = sandboxes
  const named = [plain, secure].map(({ baseURL }) => baseURL.replace('127.0.0.1', 'localhost'))
  const addresses = [plain, plain6, secure, secure6].map(({ baseURL }) => baseURL)
  const both = { HTTPS_PROXY: proxy.url, HTTP_PROXY: proxy.url, https_proxy: proxy.url }
  const { outcomes } = await callsUnder(
    { ...trusting, ...both, http_proxy: proxy.url },
    ...[...addresses, ...named].map(baseURL => callTo(baseURL)),
  )
  for (const outcome of outcomes) assertBought(outcome)
  assert.deepEqual([proxy.connects, proxy.forwarded], [[], []])
})

// Which settings are usable is proven in Rust.
describe('a proxy setting that cannot work', together, () => {
  for (const [name, value] of [
    ['HTTPS_PROXY', `socks5://user:${PASSWORD}@127.0.0.1:1`],
    ['https_proxy', `user:${PASSWORD}@127.0.0.1:1`],
  ]) {
    test(`a proxy setting that cannot work ends every call at once and names the variable: ${name}=${value.replace(PASSWORD, '…')}`, async () => {
      const { outcomes, stderr } = await callsUnder(
        { ...trusting, [name]: value },
        buy,
        ['solveTurnstile', { ...account, ...page }],
        ['waitForTask', { ...account, taskId: '7' }],
        ['getTaskResult', { ...account, taskId: '7' }],
        ['getBalance', account],
      )
      for (const { error } of outcomes) {
        assert.equal(error?.code, 'CONNECTION_FAILED')
        assert.ok(
          error.message.includes(`the environment variable ${name} names no usable proxy`),
          error.message,
        )
        assert.equal(error.mayBeCharged, error.taskId !== undefined)
      }
      assert.ok(!`${JSON.stringify(outcomes)}${stderr}`.includes(PASSWORD))
    })
  }
})

// How the list is read is proven in Rust.
describe('NO_PROXY', together, () => {
  for (const [name, value] of [
    ['NO_PROXY', `other.test, ${HOST} ,127.0.0.1`],
    ['no_proxy', '.example.test'],
  ]) {
    test(`NO_PROXY makes requests to the provider direct: ${name}="${value}"`, async t => {
      const { proxy } = await behindProxy(t)
      const env = { ...trusting, HTTPS_PROXY: proxy.url, [name]: value }
      const { outcomes } = await callsUnder(env, [...once])
      assert.deepEqual(proxy.connects, [])
      assert.deepEqual(outcomes[0].codes, ['CONNECTION_FAILED'], 'nothing else knows the way there')
    })
  }

  test(`NO_PROXY that names others does not affect the provider: "x${HOST}"`, async t => {
    const { proxy } = await behindProxy(t)
    const env = { ...trusting, HTTPS_PROXY: proxy.url, NO_PROXY: `x${HOST}` }
    const { outcomes } = await callsUnder(env, buy)
    assertBought(outcomes[0])
    assert.ok(proxy.connects.length > 0)
  })
})

test('a proxy that refuses and repeats the password wherever it can causes no charge and reveals no password', async t => {
  const { proxy, sandbox } = await behindProxy(t, {
    refuse: ({ headers }, client) => {
      const basic = String(headers['proxy-authorization'])
      const plain = Buffer.from(basic.replace('Basic ', ''), 'base64')
      const echo = `${basic} ${plain} ${encodeURIComponent(PASSWORD)}`
      const head = `HTTP/1.1 403 No ${echo}\r\nx-echo: ${echo}\r\ncontent-length: ${echo.length}`
      return !!client.end(`${head}\r\n\r\n${echo}`)
    },
  })
  const url = withCredentials(proxy.url, `user:${PASSWORD}`)
  const noisy = { RUST_BACKTRACE: 'full', RUST_LOG: 'trace' }
  const { outcomes, stderr } = await callsUnder({ ...trusting, ...noisy, HTTPS_PROXY: url }, [...once])
  assert.ok(proxy.connects.length > 0)
  const { error, codes } = outcomes[0]
  assert.deepEqual([codes, error?.mayBeCharged], [['CONNECTION_FAILED'], false])
  const said = `the proxy ${new URL(proxy.url).host} answered with status 403`
  assert.ok(error?.shown.includes(said), error?.shown)
  const output = `${JSON.stringify(outcomes)}${stderr}`
  for (const secret of [PASSWORD, Buffer.from(`user:${PASSWORD}`).toString('base64'), KEY]) {
    assert.ok(!output.includes(secret), output)
  }
  assert.equal(sandbox.stats().tasks.created, 0)
})
