import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { startSandbox } from '../lib/sandbox/index.mjs'
import { KEY, patient, replies, required, SITEKEY, WEBSITE } from './support/calls.mjs'
import { authorityFile, callsUnder, callsWith, certificate, fixture } from './support/child-calls.mjs'
import { reply, startRawServer } from './support/raw-server.mjs'

/** @typedef {import('node:test').TestContext} TestContext */
/** @typedef {import('../lib/sandbox/index.mjs').SandboxOptions} SandboxOptions */

// Read once, before the first call.
process.env.NODE_EXTRA_CA_CERTS = authorityFile
const { calls, failure } = await import('./support/calls.mjs')

const together = { concurrency: 32 }
/** Processes of their own, each of which needs a core to start. */
const inProcesses = { concurrency: 4 }
const page = { websiteURL: WEBSITE, websiteKey: SITEKEY }
const quick = { ...page, ...patient, pollIntervalMs: 10 }
const trusting = { NODE_EXTRA_CA_CERTS: authorityFile }

/**
 * A sandbox that the test's end closes, and the HTTP versions that it was spoken to in.
 * @param {TestContext} t
 * @param {SandboxOptions} [options]
 */
async function provider(t, options) {
  const sandbox = await startSandbox({ clientKey: KEY, solveTimeMs: 0, ...options })
  t.after(() => sandbox.close())
  /** @type {Set<string>} */
  const versions = new Set()
  sandbox.events.on('*', event => event.type === 'request' && versions.add(event.httpVersion))
  return { sandbox, versions, account: sandbox.account }
}

/** @param {Awaited<ReturnType<typeof provider>>} mock */
function assertNothingArrived({ sandbox, versions }) {
  assert.deepEqual([sandbox.stats().tasks.created, [...versions]], [0, []])
}

describe('a server whose certificate a private authority signed', inProcesses, () => {
  for (const http2 of [true, false]) {
    const version = http2 ? '2.0' : '1.1'
    test(`a server whose certificate a private authority signed is trusted with NODE_EXTRA_CA_CERTS, and used with HTTP/${version}`, async t => {
      const { sandbox, versions, account } = await provider(t, { tls: certificate('localhost'), http2 })
      const { outcomes } = await callsUnder(trusting, ['solveTurnstile', { ...account, ...quick }])
      assert.ok(outcomes[0].value?.token, JSON.stringify(outcomes[0]))
      assert.deepEqual([...versions], [version])
      assert.equal(sandbox.stats().tasks.created, 1)
    })
  }

  test('a server whose certificate a private authority signed is trusted by the name localhost too', async t => {
    const { sandbox, account } = await provider(t, { tls: certificate('localhost') })
    const baseURL = `https://localhost:${sandbox.port}`
    const { outcomes } = await callsUnder(trusting, ['solveTurnstile', { ...account, ...quick, baseURL }])
    assert.ok(outcomes[0].value?.token, JSON.stringify(outcomes[0]))
  })

  test('a server whose certificate a private authority signed is trusted with NODE_USE_SYSTEM_CA where the system trusts the authority', async t => {
    const { account } = await provider(t, { tls: certificate('localhost') })
    const system = { NODE_USE_SYSTEM_CA: '1', SSL_CERT_FILE: authorityFile }
    const { outcomes } = await callsUnder(system, ['solveTurnstile', { ...account, ...quick }])
    assert.ok(outcomes[0].value?.token, JSON.stringify(outcomes[0]))
  })

  for (const [
    where,
    settings,
  ] of /** @type {[string, { env?: NodeJS.ProcessEnv, execArgv?: string[] }][]} */ ([
    ['on the command line', { execArgv: ['--use-openssl-ca'] }],
    ['in NODE_OPTIONS', { env: { NODE_OPTIONS: '--no-warnings --use-openssl-ca' } }],
  ])) {
    test(`is trusted with --use-openssl-ca ${where} where that store has the authority`, async t => {
      const { account } = await provider(t, { tls: certificate('localhost') })
      const env = { SSL_CERT_FILE: authorityFile, ...settings.env }
      const call = /** @type {const} */ (['solveTurnstile', { ...account, ...quick }])
      const { outcomes } = await callsWith({ env, execArgv: settings.execArgv ?? [] }, [...call])
      assert.ok(outcomes[0].value?.token, JSON.stringify(outcomes[0]))
    })
  }

  for (const [what, env] of /** @type {[string, NodeJS.ProcessEnv][]} */ ([
    ['without NODE_EXTRA_CA_CERTS', {}],
    ['whose file does not exist', { NODE_EXTRA_CA_CERTS: '/nowhere/ca.pem' }],
    ['whose file holds no certificate', { NODE_EXTRA_CA_CERTS: new URL(import.meta.url).pathname }],
    ['without NODE_USE_SYSTEM_CA', { SSL_CERT_FILE: authorityFile }],
    ['with NODE_USE_SYSTEM_CA=0', { NODE_USE_SYSTEM_CA: '0', SSL_CERT_FILE: authorityFile }],
    ['though NODE_TLS_REJECT_UNAUTHORIZED=0', { NODE_TLS_REJECT_UNAUTHORIZED: '0' }],
  ])) {
    test(`a server whose certificate a private authority signed is refused at once and gets no request ${what}`, t =>
      assertRefused(t, 'localhost', env, /certificate/i))
  }
})

describe('a self-signed certificate', inProcesses, () => {
  for (const name of /** @type {const} */ (['self-signed', 'self-signed-leaf'])) {
    test(`is trusted if NODE_EXTRA_CA_CERTS names it: ${name}`, async t => {
      const { account } = await provider(t, { tls: certificate(name) })
      const env = { NODE_EXTRA_CA_CERTS: fixture(`${name}.cert`) }
      const { outcomes } = await callsUnder(env, ['solveTurnstile', { ...account, ...quick }])
      assert.ok(outcomes[0].value?.token, JSON.stringify(outcomes[0]))
    })
  }

  test('is refused if NODE_EXTRA_CA_CERTS names another one', t =>
    assertRefused(t, 'self-signed', { NODE_EXTRA_CA_CERTS: fixture('self-signed-leaf.cert') }, /not trusted/))
})

describe('a certificate of a trusted authority', inProcesses, () => {
  test('a certificate of a trusted authority that has expired is refused at once', t =>
    assertRefused(t, 'expired', trusting, /expired/i))
  test('a certificate of a trusted authority that is for another host is refused at once', t =>
    assertRefused(t, 'wrong-host', trusting, /not valid for|name/i))
})

/**
 * @param {TestContext} t
 * @param {'localhost' | 'expired' | 'wrong-host' | 'self-signed'} name
 * @param {NodeJS.ProcessEnv} env
 * @param {RegExp} cause
 */
async function assertRefused(t, name, env, cause) {
  const mock = await provider(t, { tls: certificate(name) })
  const { sandbox } = mock
  const account = { ...mock.account }
  const { outcomes } = await callsUnder(
    env,
    ['createTask', { ...account, ...page }],
    ['solveTurnstile', { ...account, ...quick }],
    ['getBalance', account],
    ['waitForTask', { ...account, taskId: 'a', pollIntervalMs: 10 }],
  )
  for (const { error } of outcomes) {
    assert.equal(error?.code, 'CONNECTION_FAILED')
    assert.match(error.message, /certificate/)
    assert.match(error.cause ?? '', cause)
    assert.equal(error.mayBeCharged, error.taskId !== undefined)
  }
  assertNothingArrived(mock)
  assert.ok(sandbox.stats().connections.opened <= outcomes.length, 'it tried again')
}

describe('IPv6 loopback', together, () => {
  for (const tls of [undefined, certificate('localhost')]) {
    test(`IPv6 loopback is reached ${tls ? 'over TLS' : 'in the clear'}`, async t => {
      const { sandbox, account } = await provider(t, { host: '::1', tls })
      assert.match(sandbox.baseURL, /\/\/\[::1\]:/)
      const { token } = await calls.solveTurnstile({ ...account, ...quick })
      assert.ok(token)
    })
  }
})

describe('over HTTP/2', together, () => {
  const tls = certificate('localhost')
  for (const [what, fault] of /** @type {const} */ ([
    ['a GOAWAY', { fault: 'goaway' }],
    ['a stream that ends with INTERNAL_ERROR', { fault: 'stream-reset' }],
    ['a stream that is refused', { fault: 'stream-reset', http2Code: 7 }],
    ['a stream that is cancelled', { fault: 'stream-reset', http2Code: 8 }],
    ['a stream that ends with ENHANCE_YOUR_CALM', { fault: 'stream-reset', http2Code: 11 }],
    ['a connection that closes after the reply', { fault: 'close-after' }],
    ['a reset connection', { fault: 'connection-reset' }],
  ])) {
    test(`over HTTP/2, ${what} during polls ends no call, and the task is created once`, async t => {
      const faults = [{ ...fault, method: /** @type {const} */ ('getTaskResult'), times: 2 }]
      const { sandbox, versions, account } = await provider(t, { tls, faults })
      const solves = Array.from({ length: 5 }, () => calls.solveTurnstile({ ...account, ...quick }))
      for (const { token } of await Promise.all(solves)) assert.ok(token)
      assert.deepEqual([...versions], ['2.0'])
      assert.equal(sandbox.stats().tasks.created, 5)
      assert.equal(sandbox.stats().faults[fault.fault], 2)
    })
  }

  for (const [what, fault] of /** @type {const} */ ([
    ['a GOAWAY that says it was not seen', { fault: 'goaway' }],
    ['a refused stream', { fault: 'stream-reset', http2Code: 7 }],
  ])) {
    test(`over HTTP/2, a createTask that meets ${what} is sent again, and the task is created once`, async t => {
      const faults = [{ ...fault, method: /** @type {const} */ ('createTask') }]
      const { sandbox, account } = await provider(t, { tls, faults })
      const { token } = await calls.solveTurnstile({ ...account, ...quick })
      assert.ok(token)
      assert.equal(sandbox.stats().faults[fault.fault], 1)
      assert.equal(sandbox.stats().tasks.created, 1)
    })
  }

  test('over HTTP/2, a createTask whose stream breaks is not sent again, and reports that the task may be charged', async t => {
    const faults = [
      { fault: /** @type {const} */ ('stream-reset'), method: /** @type {const} */ ('createTask') },
    ]
    const { sandbox, account } = await provider(t, { tls, faults })
    const error = await failure(calls.createTask({ ...account, ...page, ...patient }))
    assert.deepEqual([error.code, error.mayBeCharged], ['CONNECTION_FAILED', true])
    assert.equal(sandbox.stats().requests['/createTask'], 1)
  })
})

describe('a server that closes idle connections', together, () => {
  for (const tls of [undefined, certificate('localhost')]) {
    const where = tls ? 'over HTTP/2' : 'over HTTP/1.1'
    test(`a server that closes idle connections after every reply to a poll ${where} affects no call, and each task is created once`, async t => {
      const faults = /** @type {const} */ ([
        { fault: 'close-after', method: 'getTaskResult', times: Infinity },
      ])
      // The tasks are ready once so many connections were closed, however long that takes.
      let [time, closed] = [1_700_000_000_000, 0]
      const options = { tls, faults, solveTimeMs: 1000, now: () => time }
      const { sandbox, account } = await provider(t, options)
      sandbox.events.on('*', ({ type }) => {
        if (type === 'fault' && ++closed === 100) time += 1000
      })
      const solves = Array.from({ length: 50 }, () => calls.solveTurnstile({ ...account, ...quick }))
      for (const { token } of await Promise.all(solves)) assert.ok(token)
      assert.equal(sandbox.stats().tasks.created, 50)
    })

    test(`a server that closes idle connections after every reply to createTask ${where}, just as the next goes out, loses only the requests in flight`, async t => {
      const faults = /** @type {const} */ ([{ fault: 'close-after', method: 'createTask', times: Infinity }])
      const { sandbox, account } = await provider(t, { tls, faults })
      /** @type {Error[]} */
      const errors = []
      const buyInARow = async () => {
        for (let i = 0; i < 20; i++) {
          await calls.createTask({ ...account, ...page, ...patient }).catch(error => errors.push(error))
        }
      }
      await Promise.all(Array.from({ length: 4 }, buyInARow))
      // What cannot be sent again says so, and from then on each createTask has a connection of its own.
      assert.ok(errors.length <= 4, `${errors.length} of 80 failed`)
      for (const error of errors) assert.equal(/** @type {any} */ (error).mayBeCharged, true)
      assert.ok(sandbox.stats().tasks.created >= 80 - errors.length)
    })
  }

  for (const how of /** @type {const} */ (['end', 'resetAndDestroy'])) {
    test(`a server that closes idle connections at the very moment that a poll arrives (${how}) causes a retry and no second task`, async t => {
      let closed = 0
      const server = await startRawServer(t, ({ path, onConnection }, socket) => {
        if (path === '/createTask') return socket.write(reply(replies.created.body))
        if (onConnection === 1) return socket.write(reply(replies.processing.body))
        if (closed++ < 1) return socket[how]()
        socket.write(reply(replies.ready.body))
      })
      const options = required('solveTurnstile', server.baseURL, { pollIntervalMs: 10 })
      const solution = await calls.solveTurnstile(options)
      assert.ok(solution.token)
      assert.ok(closed >= 1)
      assert.equal(server.requests.filter(({ path }) => path === '/createTask').length, 1)
    })
  }
})
