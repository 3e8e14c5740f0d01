// Run by a Node.js of the target's platform: `node smoke.mjs <binary> <file for the result>`. What
// depends on the platform: loading, sockets, TLS, timers, threads, callbacks into JavaScript, and the end of the process.
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { startSandbox } from '../../lib/sandbox/index.mjs'

const require = createRequire(import.meta.url)
const [binary, result] = isMainThread ? process.argv.slice(2) : [workerData.binary]

// smoke-test.mjs names the file in NAPI_RS_NATIVE_LIBRARY_PATH.
const addon = require(binary)
const loaded = require('../../lib/loader.js')
assert.equal(loaded.solveTurnstile, addon.solveTurnstile, 'the loader loaded another binary')
/** @type {typeof import('../../index.js')} */
const { createTask, getBalance, isTurnstileError, solveTurnstile, TurnstileError } = require('../../index.js')

const widget = { websiteURL: 'https://shop.example/login', websiteKey: '0x4AAAAAAAExampleSitekey' }
const patient = { timeoutMs: 300_000, requestTimeoutMs: 300_000 }
const prompt = { pollIntervalMs: 50, ...patient }

/** @type {Record<string, () => Promise<void>>} */
const checks = {
  async 'solves, and returns the token'() {
    // The task is ready once a poll has found that it is not.
    let now = Date.now()
    const sandbox = await startSandbox({ provider: 'yescaptcha', solveTimeMs: 1500, now: () => now })
    sandbox.events.on('task:polled', () => setImmediate(() => (now += 1500)))
    const account = /** @type {import('../../index.js').AccountOptions} */ (sandbox.account)
    /** @type {string[]} */
    const phases = []
    const onProgress = (/** @type {{ phase: string }} */ { phase }) => {
      phases.push(phase)
    }
    const { token, polls } = await solveTurnstile({ ...account, ...widget, ...prompt, onProgress })
    assert.deepEqual([phases.join(), polls], ['created,processing,ready', 2])
    // Not by siteverify: in Wine, Node.js cannot connect to itself.
    assert.equal(token, sandbox.tasks()[0].token)
    await sandbox.close()
  },

  async 'solves over TLS and HTTP/2'() {
    const sandbox = await secured()
    const versions = new Set()
    sandbox.events.on('*', event => event.type === 'request' && versions.add(event.httpVersion))
    const account = /** @type {import('../../index.js').AccountOptions} */ (sandbox.account)
    assert.match((await solveTurnstile({ ...account, ...widget, ...prompt })).token, /./)
    assert.equal((await getBalance({ ...account, ...patient })).balance, 9985)
    assert.deepEqual([...versions], ['2.0'])
    await sandbox.close()
  },

  async 'aborts with the reason, and names the task'() {
    const sandbox = await startSandbox({ provider: 'ezcaptcha', solveTimeMs: Number.POSITIVE_INFINITY })
    const account = /** @type {import('../../index.js').AccountOptions} */ (sandbox.account)
    const controller = new AbortController()
    const reason = new Error('enough')
    const pending = solveTurnstile({
      ...account,
      ...widget,
      ...patient,
      signal: controller.signal,
      onProgress: () => controller.abort(reason),
    })
    const error = await failure(pending)
    assert.equal(error.cause, reason)
    assert.deepEqual([error.code, error.name, error.mayBeCharged], ['ABORT_ERR', 'AbortError', true])
    assert.equal(error.taskId, String(sandbox.tasks()[0].taskId))
    await sandbox.close()
  },

  async 'fails with the error of the provider, and with the caller in the stack'() {
    const sandbox = await startSandbox({ provider: 'yescaptcha' })
    const account = /** @type {import('../../index.js').AccountOptions} */ (sandbox.account)
    const clientKey = 'another-key-0123456789abcdef'
    const error = await failure(createTask({ ...account, ...widget, ...patient, clientKey }))
    assert.deepEqual([error.code, error.reason, error.provider], ['PROVIDER_ERROR', 'account', 'yescaptcha'])
    assert.match(`${error.errorCode} ${error.errorDescription}`, /^ERROR_\w+ ./)
    assert.match(error.stack ?? '', /smoke\.mjs/)
    assert.ok(error instanceof TurnstileError && !`${error.stack}${error.message}`.includes(clientKey))
    await sandbox.close()
    const refused = await failure(getBalance({ ...account, timeoutMs: Number.NaN }))
    assert.deepEqual([refused.code, refused.option], ['INVALID_OPTIONS', 'timeoutMs'])
    const late = await failure(getBalance({ ...account, timeoutMs: 500 }))
    assert.deepEqual([late.code, late.mayBeCharged], ['TIMEOUT', false])
    const controller = new AbortController()
    const onProgress = (/** @type {{ code?: string }} */ { code }) => controller.abort(code)
    const lost = await failure(
      solveTurnstile({ ...account, ...widget, ...prompt, signal: controller.signal, onProgress }),
    )
    assert.deepEqual([lost.cause, lost.mayBeCharged], ['CONNECTION_FAILED', false])
  },

  async 'refuses a certificate that is not trusted'() {
    const pair = certificate('expired')
    const sandbox = await startSandbox({ provider: 'ezcaptcha', tls: pair })
    const account = /** @type {import('../../index.js').AccountOptions} */ (sandbox.account)
    const error = await failure(createTask({ ...account, ...widget, ...patient }))
    assert.match(`${error.stack} ${String(/** @type {any} */ (error.cause)?.stack)}`, /certificate/i)
    assert.equal(sandbox.stats().tasks.created, 0)
    await sandbox.close()
  },

  async 'solves in a worker thread, which ends by itself'() {
    const sandbox = await startSandbox({ provider: 'yescaptcha', solveTimeMs: 0 })
    const worker = new Worker(new URL(import.meta.url), { workerData: { binary, account: sandbox.account } })
    /** @type {string[]} */
    const tokens = []
    worker.on('message', token => tokens.push(token))
    const code = await new Promise((resolve, reject) => worker.on('exit', resolve).on('error', reject))
    assert.deepEqual([code, tokens.length], [0, 1])
    await sandbox.close()
  },
}

/**
 * @param {Promise<unknown>} pending
 * @returns {Promise<import('../../index.js').TurnstileError>}
 */
async function failure(pending) {
  const error = await pending.then(
    () => assert.fail('no error'),
    (/** @type {unknown} */ error) => error,
  )
  assert.ok(isTurnstileError(error), String(error))
  return error
}

/** @param {string} name */
function certificate(name) {
  const read = (/** @type {string} */ kind) =>
    readFileSync(new URL(`../../__test__/fixtures/tls/${name}.${kind}.pem`, import.meta.url), 'utf8')
  return { key: read('key'), cert: read('cert') }
}

/** Trusted through NODE_EXTRA_CA_CERTS. */
function secured() {
  return startSandbox({ provider: 'ezcaptcha', solveTimeMs: 0, tls: certificate('localhost') })
}

/** @returns {{ version: string, libc?: string }} */
function runtime() {
  const { node: version } = process.versions
  if (process.platform !== 'linux') return { version }
  const { header } = /** @type {any} */ (process.report.getReport())
  return { version, libc: header.glibcVersionRuntime ? `glibc ${header.glibcVersionRuntime}` : 'musl' }
}

if (isMainThread) {
  /** @type {string[]} */
  const passed = []
  for (const [name, check] of Object.entries(checks)) {
    await check().catch(error => {
      throw new Error(`${name}: failed`, { cause: error })
    })
    passed.push(name)
  }
  const about = runtime()
  // The result is written only if the process ends by itself.
  process.on('exit', code => {
    if (code === 0) writeFileSync(result, JSON.stringify({ ...about, passed }))
  })
} else {
  const { token } = await solveTurnstile({ ...workerData.account, ...widget, ...prompt })
  parentPort?.postMessage(token)
}
