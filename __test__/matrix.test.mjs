import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { isTurnstileError } from '../index.js'
import { errorCodes, faultTable, startSandbox } from '../sandbox/index.mjs'
import { calls, failure, providers, SITEKEY, taskTypes, WEBSITE } from './support/calls.mjs'
import { columns, rows } from './support/matrix.mjs'
import { codesByReason, NOT_READY } from './support/matrix-codes.mjs'
import { fetchToken, keyFoundIn, play, timesOf, trustTestAuthority } from './support/matrix-run.mjs'

/** @typedef {import('./support/matrix.mjs').Row} Row */
/** @typedef {import('./support/matrix.mjs').Column} Column */
/** @typedef {import('./support/matrix.mjs').Cell} Cell */
/** @typedef {Awaited<ReturnType<typeof play>>} Played */

trustTestAuthority()

/** What a busy machine may add to a time. That a deadline holds to the millisecond is shown in Rust, where time is paused. */
const SLACK_MS = 10_000
/** The last request goes out so long before the deadline that it can be answered. */
const RESERVE_MS = 1000
const PRICE = 15

test('the matrix has every fault of the sandbox, on every call that it applies to', () => {
  for (const { name, calls } of faultTable) {
    for (const on of calls.filter(call => call !== 'siteverify')) {
      const met = rows.some(
        ({ fault, cells }) => fault === name && columns.some((column, i) => column.on === on && cells[i]),
      )
      assert.ok(met, `${name} on ${on}`)
    }
  }
  for (const { name, cells } of rows) assert.equal(cells.length, columns.length, name)
})

/** @type {Record<import('./support/matrix.mjs').Word, (cell: Cell) => string>} */
const sentences = {
  fine: () => 'as if nothing had happened',
  waits: () => 'the task is not ready yet, and nothing is lost',
  again: () => 'it goes out again, and the call succeeds',
  'paid?': ({ seen }) => `${seen?.code} at once, and it says that a task may have been charged`,
  free: ({ seen }) => `${seen?.code} at once, and no money is gone`,
  kept: ({ seen }) => `${seen?.code} at once, and the paid task's id is in it`,
}

describe('the matrix', { concurrency: 96 }, () => {
  for (const row of rows) {
    for (const [index, cell] of row.cells.entries()) {
      if (!cell) continue
      const column = columns[index]
      for (const accepted of row.accepted) {
        const moment = row.accepted.length > 1 ? (accepted ? ', acted on' : ', not acted on') : ''
        const title = `${row.name}${moment}, in ${column.title}:`
        test(`${title} ${sentences[cell.word](cell)}`, async t => {
          const played = await play(t, row, column, accepted, 'once')
          assertTold(played, column, cell)
          assertInTime(played, row, column, cell)
          await assertBoughtOnce(played, column, cell, accepted)
        })
        if (cell.word !== 'again') continue
        test(`${title} if it never ends, TIMEOUT with ${cell.seen?.code} as its cause`, async t => {
          const played = await play(t, row, column, accepted, 'always')
          assertTimeout(played, row, column, cell)
          await assertBoughtOnce(played, column, cell, accepted)
        })
      }
    }
  }
})

/** @param {Cell} cell */
const isFailure = ({ word }) => word === 'paid?' || word === 'free' || word === 'kept'

describe('the error codes', { concurrency: 32 }, () => {
  for (const provider of providers) {
    for (const errorCode of errorCodes[provider]) {
      const reason = Object.entries(codesByReason).find(([, codes]) => codes.includes(errorCode))?.[0]
      const what = errorCode === NOT_READY ? 'is an error of all but a poll' : `is of the class ${reason}`
      test(`${errorCode} of ${provider} ${what}, on every call`, async t => {
        for (const call of /** @type {const} */ (['createTask', 'getTaskResult', 'getBalance'])) {
          await assertReason(t, provider, call, errorCode, reason ?? 'unknown')
        }
      })
    }
  }
})

/**
 * @param {import('node:test').TestContext} t
 * @param {import('./support/calls.mjs').Provider} provider
 * @param {'createTask' | 'getTaskResult' | 'getBalance'} call
 * @param {string} errorCode
 * @param {string} reason
 */
async function assertReason(t, provider, call, errorCode, reason) {
  const sandbox = await startSandbox({ provider, solveTimeMs: 0 })
  t.after(() => sandbox.close())
  const task = {
    ...{ ...sandbox.account, websiteURL: WEBSITE, websiteKey: SITEKEY },
    ...(provider === 'custom' ? { taskType: taskTypes.custom } : {}),
  }
  const own = call === 'createTask' ? task : sandbox.account
  const { taskId } = call === 'getTaskResult' ? await calls.createTask(task) : { taskId: undefined }
  sandbox.addFault({ on: call, fault: 'error', errorCode })
  const outcome = calls[call]({ ...own, ...(taskId ? { taskId } : {}) })
  const asked = () => sandbox.stats().requests[`/${call}`]
  if (reason === 'busy') {
    await outcome
    return assert.equal(asked(), 2)
  }
  if (errorCode === NOT_READY && call === 'getTaskResult') {
    return assert.deepEqual(await outcome, { status: 'processing' })
  }
  const error = await failure(outcome)
  assert.deepEqual([error.code, error.errorCode, error.reason], ['PROVIDER_ERROR', errorCode, reason])
  assert.deepEqual([error.taskId, error.mayBeCharged], [taskId, call === 'getTaskResult'])
  assert.equal(asked(), 1)
}

/**
 * The outcome, to the last field.
 * @param {Played} played
 * @param {Column} column
 * @param {Cell} cell
 */
function assertTold(played, { call, on }, cell) {
  const { value, error, events, requests, struck } = played
  assert.equal(keyFoundIn(error ?? value, events), undefined)
  assert.equal(played.followed, 0, 'a redirect was followed')
  const asked = cell.word === 'again' || (cell.word === 'waits' && call !== 'getTaskResult') ? 2 : 1
  assert.deepEqual({ struck, [on]: requests[on] }, { struck: 1, [on]: asked }, 'requests')

  if (isFailure(cell)) {
    assertFields(error, cell, played)
    if (cell.word === 'kept') assert.ok(error?.message.includes(String(error.taskId)), error?.message)
    return
  }
  assert.equal(error, undefined)
  const retries = cell.word === 'again' ? 1 : 0
  const repeated = events.filter(({ phase }) => phase === 'retrying')
  assert.deepEqual(
    repeated.map(({ code }) => code),
    call === 'solveTurnstile' || call === 'waitForTask' ? Array(retries).fill(cell.seen?.code) : [],
  )
  if (call === 'getBalance') assert.equal(typeof value.balance, 'number')
  else if (call === 'createTask') assert.equal(value.taskId, cell.told ?? played.taskId)
  else if (call === 'getTaskResult' && cell.word === 'waits')
    assert.deepEqual(value, { status: 'processing' })
  else {
    const solution = call === 'getTaskResult' ? value.solution : value
    assert.ok(solution.token.length > 0)
    assert.equal(solution.taskId, played.taskId)
    assert.equal(solution.retries, retries)
    assert.equal(solution.polls, requests.getTaskResult)
  }
}

/**
 * @param {Played['error']} error
 * @param {Cell} cell
 * @param {Played} played
 */
function assertFields(error, { word, seen, told }, played) {
  assert.ok(isTurnstileError(error), `no error, but ${JSON.stringify(played.value)}`)
  const { errorDescription, retryAfterMs, elapsedMs, polls, ...fields } = { ...error }
  const { retryAfterMs: pause, ...expected } = /** @type {import('./support/matrix.mjs').Seen} */ (seen)
  assert.deepEqual(fields, {
    ...expected,
    provider: 'ezcaptcha',
    mayBeCharged: word !== 'free',
    ...(word === 'kept' ? { taskId: told ?? played.taskId } : {}),
  })
  assert.equal(typeof errorDescription, expected.code === 'PROVIDER_ERROR' ? 'string' : 'undefined')
  if (pause === undefined) assert.equal(retryAfterMs, undefined)
  else
    assert.ok(retryAfterMs !== undefined && retryAfterMs > 0 && retryAfterMs <= pause, `${retryAfterMs} ms`)
  if (expected.code === 'TIMEOUT') {
    const asked = played.requests.getTaskResult
    // The deadline may cut off a last request that has not arrived yet.
    const all = polls === asked || polls === asked + 1
    assert.ok(all, `${polls} polls, ${asked} requests`)
    assert.ok(elapsedMs !== undefined && Math.abs(elapsedMs - played.elapsedMs) < SLACK_MS, `${elapsedMs} ms`)
  } else assert.deepEqual([elapsedMs, polls], [undefined, undefined])
  if (expected.code === 'CONNECTION_FAILED') assert.ok(error.cause instanceof Error && error.cause.message)
}

/**
 * A fault that never ends: asked as often as patience allows and no oftener, and over when the time is.
 * @param {Played} played
 * @param {Row} row
 * @param {Column} column
 * @param {Cell} cell
 */
function assertTimeout(played, row, { call, on }, cell) {
  const { error, events, requests, struck } = played
  assert.equal(keyFoundIn(error, events), undefined)
  assert.equal(played.followed, 0, 'a redirect was followed')
  const paid = on === 'getTaskResult'
  // Cut off by the deadline after all, a createTask leaves its caller in doubt.
  const doubt = on === 'createTask' && played.sinceStruckMs < RESERVE_MS
  const word = paid ? 'kept' : doubt && error?.mayBeCharged ? 'paid?' : 'free'
  assertFields(error, { word, seen: { code: 'TIMEOUT' } }, played)
  assert.ok(!paid || error?.message.includes(String(error.taskId)), error?.message)

  const cause = /** @type {Record<string, unknown>} */ (/** @type {unknown} */ (error?.cause))
  assert.ok(isTurnstileError(cause), 'the cause is the last fault')
  assertFields(/** @type {any} */ (cause), { word, seen: cell.seen }, played)

  const { timeoutMs, pollIntervalMs } = timesOf(row, 'always')
  assert.ok(played.elapsedMs >= timeoutMs - 5, `too early: ${played.elapsedMs} ms`)
  assert.ok(played.elapsedMs <= timeoutMs + SLACK_MS, `too late: ${played.elapsedMs} ms`)
  const polls = call === 'solveTurnstile' || call === 'waitForTask'
  // Half a second is the least back-off of the calls that do not poll.
  const least = row.pauseMs ?? (on === 'getTaskResult' && polls ? pollIntervalMs : 500)
  const most = Math.max(2, timeoutMs / least)
  assert.equal(struck, requests[on])
  assert.ok(requests[on] >= 2 && requests[on] <= most, `${requests[on]} requests`)
}

/**
 * @param {Played} played
 * @param {Row} row
 * @param {Column} column
 * @param {Cell} cell
 */
function assertInTime({ elapsedMs }, row, { call, on }, cell) {
  const { timeoutMs, pollIntervalMs } = timesOf(row, 'once')
  assert.ok(elapsedMs <= timeoutMs + SLACK_MS, `past the deadline: ${elapsedMs} ms`)
  if (row.pauseMs && cell.word === 'again') {
    const first = on === 'getTaskResult' && call !== 'getTaskResult' ? pollIntervalMs : 0
    const latest = Math.min(row.pauseMs, timeoutMs / 2)
    assert.ok(elapsedMs >= first + latest - 100, `no pause: ${elapsedMs} ms`)
  }
  if (isFailure(cell) && !row.deadline) assert.ok(elapsedMs <= timeoutMs / 2, `not at once: ${elapsedMs} ms`)
}

/**
 * Money: no fault buys twice, and what was bought can be had.
 * @param {Played} played
 * @param {Column} column
 * @param {Cell} cell
 * @param {boolean} accepted
 */
async function assertBoughtOnce(played, { call, on }, cell, accepted) {
  const { created, charged, error, sandbox } = played
  const creates = call === 'createTask' || call === 'solveTurnstile'
  const succeeded = error === undefined && cell.told === undefined
  const expected = creates && (on === 'createTask' ? accepted || succeeded : true) ? 1 : 0
  assert.deepEqual({ created, charged }, { created: expected, charged: expected * PRICE })
  const gone = error?.reason === 'unsolvable' || cell.told !== undefined
  if (error?.taskId !== undefined && !gone) {
    const token = await fetchToken(sandbox, error.taskId)
    assert.ok(token, 'the task of the error has no token')
  }
}
