/** Hundreds at once, few descriptors, a tenth of all exchanges in trouble: nothing that was paid for gets lost. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { patient, SITEKEY, WEBSITE } from './support/calls.mjs'
import { runCrowd } from './support/crowd.mjs'

/** @typedef {import('../lib/sandbox/index.mjs').FaultName} FaultName */
/** @typedef {import('../lib/sandbox/index.mjs').FaultRule} FaultRule */

const COUNT = 300
/** Far fewer than there are solves. */
const DESCRIPTORS = 200
/** Which requests of which task meet a fault depends on it alone. */
const SEED = 29

/** Every one of them is outlived. @type {Partial<FaultRule>[]} */
const ofPolls = [
  { fault: 'connection-reset' },
  { fault: 'connection-reset-after-processing' },
  { fault: 'close-after' },
  { fault: 'truncated-body' },
  { fault: 'truncated-json' },
  { fault: 'html' },
  { fault: '429' },
  { fault: '502' },
  { fault: '503' },
  { fault: 'error' },
  { fault: 'oversized' },
  { fault: 'redirect' },
]

/** After these nothing was created, and it goes out again. @type {Partial<FaultRule>[]} */
const refused = [{ fault: '429' }, { fault: 'error' }, { fault: 'error', errorCode: 'ERROR_REQUEST_LIMIT' }]

/** After these a task exists and its id never came: all that a client can do is to say so. @type {Partial<FaultRule>[]} */
const lost = [
  { fault: 'connection-reset-after-processing' },
  { fault: 'truncated-body' },
  { fault: '502', processed: true },
]

/** @param {'createTask' | 'getTaskResult'} on @param {Partial<FaultRule>[]} faults */
const aTenth = (on, faults) =>
  faults.map(fault => /** @type {FaultRule} */ ({ method: on, probability: 0.1 / faults.length, ...fault }))

test('300 solves at once, a tenth of their requests in trouble, with 200 descriptors: none is lost, each is bought once', {
  skip: process.platform === 'win32' && 'there is no ulimit',
}, async t => {
  const faults = [...aTenth('createTask', [...refused, ...lost]), ...aTenth('getTaskResult', ofPolls)]
  const provider = /** @type {const} */ ('ezcaptcha')
  const sandboxOptions = { provider, balance: 1e6, seed: SEED, solveTimeMs: 0, faults }
  const options = { websiteURL: WEBSITE, websiteKey: SITEKEY, ...patient, pollIntervalMs: 10 }
  const { outcomes, stats, tasks, descriptors } = await runCrowd(
    t,
    COUNT,
    sandboxOptions,
    options,
    DESCRIPTORS,
  )
  const solved = outcomes.filter(({ token }) => token !== undefined)
  const failed = outcomes.filter(({ token }) => token === undefined)
  const strikes = Object.values(stats.faults).reduce((sum, n) => sum + n, 0)
  t.diagnostic(
    `${strikes} faults, ${descriptors} descriptors, ${solved.length} tokens, ${failed.length} errors`,
  )

  assert.equal(outcomes.length, COUNT)
  assert.ok(descriptors < DESCRIPTORS, `${descriptors} descriptors`)

  // A token each: the one of the task that it says it is of.
  const tokens = new Map(tasks.map(({ taskId, token }) => [taskId, token]))
  for (const { taskId = '', token } of solved) assert.equal(token, tokens.get(taskId))
  assert.equal(new Set(solved.map(({ token }) => token)).size, solved.length)
  assert.equal(stats.tasks.delivered, solved.length)

  // Whoever has no token met one of the faults that hide a purchase, and was told.
  assert.ok(failed.length > 0)
  for (const { code, mayBeCharged, taskId, message } of failed) {
    assert.ok(code === 'CONNECTION_FAILED' || code === 'HTTP_ERROR', message)
    assert.deepEqual([mayBeCharged, taskId], [true, undefined], message)
  }

  assert.equal(stats.tasks.created, COUNT, 'each was bought once')
  assert.equal(stats.pointsCharged, COUNT * 15)
})
