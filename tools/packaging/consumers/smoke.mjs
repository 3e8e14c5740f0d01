/** What has to work in every runtime: one line of output for each check that passed. Uses no API of a single runtime. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { Worker } from 'node:worker_threads'
import * as imported from 'turnstile-solver'
import { startSandbox } from 'turnstile-solver/sandbox'

const { quick, slow } = JSON.parse(process.argv[2])
const { solveTurnstile, TurnstileError, isTurnstileError } = imported
const all = { ...imported }
const names = [
  'TurnstileError',
  'createTask',
  'getBalance',
  'getTaskResult',
  'isTurnstileError',
  'providers',
  'solveTurnstile',
  'waitForTask',
]

const checks = {
  import() {
    const own = Object.keys(all).filter(name => name !== 'default' && name !== 'module.exports')
    assert.deepEqual(own.sort(), names)
  },

  same() {
    const required = createRequire(import.meta.url)('turnstile-solver')
    assert.deepEqual(Object.keys(required).sort(), names)
    assert.ok(names.every(name => required[name] === all[name]))
  },

  async solve() {
    const phases = []
    const solution = await solveTurnstile({ ...quick, onProgress: ({ phase }) => phases.push(phase) })
    assert.match(solution.token, /^0\.\S{100,}$/)
    assert.equal(solution.provider, quick.provider)
    assert.deepEqual(phases, ['created', 'ready'])
  },

  async abort() {
    const stop = new AbortController()
    const reason = new Error('enough')
    const onProgress = () => stop.abort(reason)
    const error = await failure(solveTurnstile({ ...slow, signal: stop.signal, onProgress }))
    assert.deepEqual([error.name, error.code, error.mayBeCharged], ['AbortError', 'ABORT_ERR', true])
    assert.equal(error.cause, reason)
    assert.match(error.taskId, /^[0-9a-f-]{36}$/)
  },

  async errors() {
    const wrong = await failure(solveTurnstile({ ...quick, timeoutMs: -1 }))
    assert.deepEqual([wrong.code, wrong.option, wrong.mayBeCharged], ['INVALID_OPTIONS', 'timeoutMs', false])
    const refused = await failure(solveTurnstile({ ...quick, clientKey: 'test-key-unknown' }))
    assert.deepEqual([refused.code, refused.reason, refused.errorId], ['PROVIDER_ERROR', 'account', 1])
    assert.equal(refused.errorCode, 'ERROR_KEY_DOES_NOT_EXIST')
    for (const error of [wrong, refused]) {
      assert.ok(error instanceof TurnstileError && error instanceof Error && isTurnstileError(error))
      assert.equal(error.name, 'TurnstileError')
      assert.match(error.stack, /smoke\.mjs/, 'the stack has the line of the caller')
    }
  },

  async worker() {
    const worker = new Worker(new URL('./worker.mjs', import.meta.url), { workerData: quick })
    const [[token], [code]] = await Promise.all([once(worker, 'message'), once(worker, 'exit')])
    assert.match(token, /^0\./)
    assert.equal(code, 0)
  },

  async sandbox() {
    const sandbox = await startSandbox({ provider: 'ezcaptcha', solveTimeMs: 0 })
    const { websiteURL, websiteKey, pollIntervalMs } = quick
    const { token } = await solveTurnstile({ ...sandbox.account, websiteURL, websiteKey, pollIntervalMs })
    const body = new URLSearchParams({ secret: sandbox.secret, response: token })
    const reply = await fetch(sandbox.siteverifyURL, { method: 'POST', body })
    assert.equal((await reply.json()).success, true)
    await sandbox.close()
  },
}

for (const [name, check] of Object.entries(checks)) {
  await check()
  console.log(name)
}

// Only this call keeps the process alive. When it is done, the process ends by itself.
solveTurnstile(quick).then(() => console.log('exit'))

/** @param {Promise<unknown>} promise @returns {Promise<any>} what it fails with */
async function failure(promise) {
  try {
    await promise
  } catch (error) {
    return error
  }
  throw new Error('It did not fail.')
}
