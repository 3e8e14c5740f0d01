import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { isTurnstileError } from '../index.js'
import { errorCodes, faults, startSandbox } from '../lib/sandbox/index.mjs'
import { calls, failure, patient, providers, SITEKEY, taskTypes, WEBSITE } from './support/calls.mjs'
import { columns, rows } from './support/matrix.mjs'
import { codesByReason, NOT_READY } from './support/matrix-codes.mjs'
import { fetchToken, keyFoundIn, play, trustTestAuthority } from './support/matrix-run.mjs'

/** @typedef {import('./support/matrix.mjs').Row} Row */
/** @typedef {import('./support/matrix.mjs').Column} Column */
/** @typedef {import('./support/matrix.mjs').Cell} Cell */
/** @typedef {Awaited<ReturnType<typeof play>>} Played */

trustTestAuthority()

const PRICE = 15

test('the matrix has every fault of the sandbox with a reply, on every call that it applies to', () => {
  for (const { name, calls } of faults.filter(({ name }) => !name.startsWith('no-response'))) {
    for (const on of calls.filter(call => call !== 'siteverify')) {
      const met = rows.some(
        ({ fault, cells }) => fault === name && columns.some((column, i) => column.method === on && cells[i]),
      )
      assert.ok(met, `${name} on ${on}`)
    }
  }
  for (const { name, cells } of rows) assert.equal(cells.length, columns.length, name)
})

/** @type {Record<import('./support/matrix.mjs').Word, (cell: Cell) => string>} */
const sentences = {
  ok: () => 'the call succeeds',
  waits: () => 'the task is polled on',
  again: () => 'the request is sent again, and the call succeeds',
  'charge-unknown': ({ seen }) => `${seen?.code} at once, and the task may be charged`,
  free: ({ seen }) => `${seen?.code} at once, and nothing is charged`,
  resumable: ({ seen }) => `${seen?.code} at once, with the id of the paid task`,
}

/**
 * What JavaScript shows of the matrix: every fault once, in one request that creates and in one that asks, the calls taking turns. All
 * cells, also of faults without end, are played in Rust with the instants of their requests.
 * @type {{ row: Row, column: Column, cell: Cell, accepted: boolean }[]}
 */
const samples = rows.flatMap((row, turn) => {
  const cells = row.cells.flatMap((cell, index) => (cell ? [{ row, column: columns[index], cell }] : []))
  const creates = cells.filter(({ column }) => column.method === 'createTask')
  const asks = cells.filter(({ column }) => column.method !== 'createTask')
  return [creates[turn % creates.length], asks[turn % asks.length]]
    .filter(sample => sample !== undefined)
    .flatMap(sample => row.accepted.map(accepted => ({ ...sample, accepted })))
})

/** @param {typeof samples[number]} sample */
const titleOf = ({ row, column, accepted }) => {
  const moment = row.accepted.length > 1 ? (accepted ? ', processed' : ', not processed') : ''
  return `${row.name}${moment}, in ${column.title}:`
}

/** @param {typeof samples[number]} sample */
function playOnce(sample) {
  const { row, column, cell, accepted } = sample
  test(`${titleOf(sample)} ${sentences[cell.word](cell)}`, async t => {
    const played = await play(t, row, column, accepted)
    assertOutcome(played, column, cell)
    await assertCreatedOnce(played, column, cell, accepted)
  })
}

describe('a fault', { concurrency: 16 }, () => {
  for (const sample of samples) playOnce(sample)
})

/** @param {Cell} cell */
const isFailure = ({ word }) => word === 'charge-unknown' || word === 'free' || word === 'resumable'

describe('the error codes', { concurrency: 8 }, () => {
  test('the shared table has every error code of the sandbox', () => {
    const known = Object.values(codesByReason).flat()
    for (const provider of providers) {
      for (const errorCode of errorCodes[provider])
        assert.ok(errorCode === NOT_READY || known.includes(errorCode), `${errorCode} of ${provider}`)
    }
  })

  const sent = providers.flatMap(provider => errorCodes[provider])
  const classes = Object.entries(codesByReason).filter(([, codes]) => codes.some(code => sent.includes(code)))
  for (const [turn, [reason, codes]] of classes.entries()) {
    const [errorCode, provider] = codes.flatMap(code => {
      const ours = providers.filter(provider => errorCodes[provider].includes(code))
      return ours.length > 0 ? [[code, ours[turn % ours.length]]] : []
    })[0]
    test(`${errorCode} of ${provider} has the reason ${reason} on every call`, async t => {
      for (const call of /** @type {const} */ (['createTask', 'getTaskResult', 'getBalance'])) {
        await assertReason(t, /** @type {any} */ (provider), call, errorCode, reason)
      }
    })
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
    ...{ ...sandbox.account, ...patient, websiteURL: WEBSITE, websiteKey: SITEKEY },
    ...(provider === 'custom' ? { taskType: taskTypes.custom } : {}),
  }
  const own = call === 'createTask' ? task : { ...sandbox.account, ...patient }
  const { taskId } = call === 'getTaskResult' ? await calls.createTask(task) : { taskId: undefined }
  sandbox.addFault({ method: call, fault: 'error', errorCode })
  const outcome = calls[call]({ ...own, ...(taskId ? { taskId } : {}) })
  const asked = () => sandbox.stats().requests[`/${call}`]
  if (reason === 'busy' || (reason === 'banned' && call === 'getTaskResult')) {
    await outcome
    return assert.equal(asked(), 2)
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
function assertOutcome(played, { call, method: on }, cell) {
  const { value, error, events, requests, struck } = played
  assert.equal(keyFoundIn(error ?? value, events), undefined)
  assert.equal(played.redirectsFollowed, 0, 'a redirect was followed')
  const asked = cell.word === 'again' || (cell.word === 'waits' && call !== 'getTaskResult') ? 2 : 1
  assert.deepEqual({ struck, [on]: requests[on] }, { struck: 1, [on]: asked }, 'requests')

  if (isFailure(cell)) {
    assertFields(error, cell, played)
    if (cell.word === 'resumable') assert.ok(error?.message.includes(String(error.taskId)), error?.message)
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
  else if (call === 'createTask') assert.equal(value.taskId, cell.taskId ?? played.taskId)
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
function assertFields(error, { word, seen, taskId }, played) {
  assert.ok(isTurnstileError(error), `no error, but ${JSON.stringify(played.value)}`)
  const { errorDescription, retryAfterMs, elapsedMs, polls, requestId, fieldErrors, raw, ...fields } = {
    ...error,
  }
  const { retryAfterMs: pause, ...expected } = /** @type {import('./support/matrix.mjs').Seen} */ (seen)
  assert.deepEqual(fields, {
    ...expected,
    provider: 'ezcaptcha',
    mayBeCharged: word !== 'free',
    ...(word === 'resumable' ? { taskId: taskId ?? played.taskId } : {}),
  })
  assert.equal(typeof errorDescription, expected.code === 'PROVIDER_ERROR' ? 'string' : 'undefined')
  // The sandbox has a request id and fields in some refusals, and a solution in some results.
  if (expected.code !== 'PROVIDER_ERROR') assert.deepEqual([requestId, fieldErrors], [undefined, undefined])
  if (expected.code !== 'INVALID_RESPONSE') assert.equal(raw, undefined)
  if (pause === undefined) assert.equal(retryAfterMs, undefined)
  else
    assert.ok(retryAfterMs !== undefined && retryAfterMs > 0 && retryAfterMs <= pause, `${retryAfterMs} ms`)
  assert.deepEqual([elapsedMs, polls], [undefined, undefined])
  if (expected.code === 'CONNECTION_FAILED') assert.ok(error.cause instanceof Error && error.cause.message)
}

/**
 * No fault creates a second task, and every created task can be fetched.
 * @param {Played} played
 * @param {Column} column
 * @param {Cell} cell
 * @param {boolean} accepted
 */
async function assertCreatedOnce(played, { call, method: on }, cell, accepted) {
  const { created, charged, error, sandbox } = played
  const creates = call === 'createTask' || call === 'solveTurnstile'
  const succeeded = error === undefined && cell.taskId === undefined
  const expected = creates && (on === 'createTask' ? accepted || succeeded : true) ? 1 : 0
  assert.deepEqual({ created, charged }, { created: expected, charged: expected * PRICE })
  const gone = error?.reason === 'unsolvable' || cell.taskId !== undefined
  if (error?.taskId !== undefined && !gone) {
    const token = await fetchToken(sandbox, error.taskId)
    assert.ok(token, 'the task of the error has no token')
  }
}
