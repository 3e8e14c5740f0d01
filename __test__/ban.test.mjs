/** A runaway loop must not get its key banned, and a ban must be left alone: samples. Their rules are proven in Rust. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { startSandbox } from '../lib/sandbox/index.mjs'
import {
  callNames,
  calls,
  creating,
  failure,
  KEY,
  patient,
  polling,
  resuming,
  SITEKEY,
  WEBSITE,
} from './support/calls.mjs'

/** @typedef {import('../lib/sandbox/index.mjs').SandboxOptions} SandboxOptions */
/** @typedef {import('../index.js').TurnstileError} TurnstileError */
/** @typedef {import('./support/calls.mjs').CallName} CallName */

const OTHER_KEY = 'test-key-of-another-account'
const UNKNOWN_KEY = 'test-key-that-is-unknown'
const page = { websiteURL: WEBSITE, websiteKey: SITEKEY }
const MINUTE = 60_000

/** EZ-Captcha, which bans for 30 refusals within a minute. @param {import('node:test').TestContext} t @param {SandboxOptions} [options] */
async function open(t, options) {
  const sandbox = await startSandbox({ provider: 'ezcaptcha', clientKey: KEY, solveTimeMs: 0, ...options })
  t.after(() => sandbox.close())
  const requests = () => Object.values(sandbox.stats().requests).reduce((sum, count) => sum + count, 0)
  return { sandbox, account: { ...sandbox.account, ...patient }, requests }
}

/** @param {TurnstileError[]} errors @param {string} errorCode */
function assertStopped(errors, errorCode) {
  for (const { code, reason, errorCode: given, message } of errors) {
    assert.deepEqual([code, reason, given], ['PROVIDER_ERROR', 'account', errorCode], message)
  }
  // Not on those that came back before there were too many.
  const waits = errors.map(({ retryAfterMs = 0 }) => retryAfterMs)
  const longest = Math.max(...waits)
  assert.ok(longest > 0 && longest <= MINUTE, `${longest} ms`)
}

describe('a runaway loop', { concurrency: 16 }, () => {
  test('a runaway loop of createTask with an empty balance, one after another, is stopped well before the key is banned', async t => {
    const { sandbox, account, requests } = await open(t, { balance: 0 })
    const options = { ...account, ...page }
    const errors = []
    for (let i = 0; i < 40; i++) errors.push(await failure(calls.createTask(options)))
    assertStopped(errors, 'ERROR_ZERO_BALANCE')
    for (const error of errors) assert.deepEqual([error.mayBeCharged, error.taskId], [false, undefined])
    assert.equal(sandbox.stats().bans, 0)
    const sent = requests()
    assert.ok(sent < 30, `${sent} requests`)
    assertStopped([await failure(calls.createTask(options))], 'ERROR_ZERO_BALANCE')
    assert.equal(requests(), sent, 'nothing more is sent')
  })

  test('a runaway loop of solveTurnstile with a bad key, all at once, is stopped well before the key is banned', async t => {
    const { sandbox, account, requests } = await open(t)
    const options = { ...account, clientKey: UNKNOWN_KEY, ...page }
    const errors = await Promise.all(
      Array.from({ length: 200 }, () => failure(calls.solveTurnstile(options))),
    )
    assertStopped(errors, 'ERROR_KEY_DOES_NOT_EXIST')
    assert.equal(sandbox.stats().bans, 0)
    assert.ok(requests() < 30, `${requests()} requests`)
  })

  test('a runaway loop of waitForTask with a bad key, all at once, is stopped well before the key is banned', async t => {
    const { sandbox, account } = await open(t)
    const options = { ...account, clientKey: UNKNOWN_KEY, taskId: 'a-task', pollIntervalMs: 10 }
    const errors = await Promise.all(Array.from({ length: 200 }, () => failure(calls.waitForTask(options))))
    assertStopped(errors, 'ERROR_KEY_DOES_NOT_EXIST')
    for (const error of errors) assert.deepEqual([error.mayBeCharged, error.taskId], [true, 'a-task'])
    assert.equal(sandbox.stats().bans, 0)
  })

  test('a runaway loop with an empty balance leaves paid tasks to be fetched, and other keys alone', async t => {
    const accounts = { [KEY]: 30, [OTHER_KEY]: 100 }
    const { sandbox, account } = await open(t, { accounts })
    const first = await calls.createTask({ ...account, ...page })
    const second = await calls.createTask({ ...account, ...page })
    const errors = await Promise.all(
      Array.from({ length: 200 }, () => failure(calls.createTask({ ...account, ...page }))),
    )
    assertStopped(errors, 'ERROR_ZERO_BALANCE')

    const { status } = await calls.getTaskResult({ ...account, taskId: first.taskId })
    const waited = await calls.waitForTask({ ...account, taskId: second.taskId, pollIntervalMs: 10 })
    const { balance } = await calls.getBalance(account)
    assert.deepEqual([status, waited.taskId, balance], ['ready', second.taskId, 0])
    const other = { ...account, clientKey: OTHER_KEY, ...page, pollIntervalMs: 10 }
    assert.ok((await calls.solveTurnstile(other)).token)
    const { bans, tasks } = sandbox.stats()
    assert.deepEqual([bans, tasks.created, tasks.delivered], [0, 3, 3])
    // Successful polls and solves do not make createTask possible again.
    assertStopped([await failure(calls.createTask({ ...account, ...page }))], 'ERROR_ZERO_BALANCE')
  })
})

describe('a ban', { concurrency: 16 }, () => {
  /** @param {CallName} name @param {import('../lib/sandbox/index.mjs').SandboxAccount} account */
  const optionsOf = (name, account) => ({
    ...account,
    ...(creating.includes(name) ? page : {}),
    ...(resuming.includes(name) ? { taskId: 'a-task' } : {}),
    ...(polling.includes(name) ? { pollIntervalMs: 10 } : {}),
  })

  for (const [errorCode, first] of /** @type {const} */ ([
    ['ERROR_REQUEST_BANNED', 'createTask'],
    ['ERROR_IP_BANNED', 'getBalance'],
  ])) {
    test(`${errorCode} in ${first} stops every call of that key but polls at once, and no other key`, async t => {
      const accounts = { [KEY]: 100, [OTHER_KEY]: 100 }
      const { sandbox, account, requests } = await open(t, { accounts })
      sandbox.addFault({ fault: 'error', errorCode })
      assertBanned(await failure(calls[first](optionsOf(first, account))), errorCode)
      assert.equal(requests(), 1)

      for (const name of callNames.filter(name => !resuming.includes(name))) {
        assertBanned(await failure(calls[name](optionsOf(name, account))), errorCode)
      }
      assert.equal(requests(), 1, 'nothing more is sent')
      assert.equal((await calls.getBalance({ ...account, clientKey: OTHER_KEY })).balance, 100)
    })
  }
})

/** @param {TurnstileError} error @param {string} errorCode */
function assertBanned({ code, reason, errorCode: given, retryAfterMs, message }, errorCode) {
  assert.deepEqual([code, reason, given], ['PROVIDER_ERROR', 'banned', errorCode], message)
  assert.ok(retryAfterMs !== undefined && retryAfterMs > 0 && retryAfterMs <= MINUTE, `${retryAfterMs} ms`)
}
