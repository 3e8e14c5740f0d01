/** Hundreds of solves at once, few descriptors, and faults in a tenth of all requests: no paid task is lost. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { patient, SITEKEY, WEBSITE } from './support/calls.mjs'
import { runUnderLoad } from './support/under-load.mjs'

/** @typedef {import('../lib/sandbox/index.mjs').FaultName} FaultName */
/** @typedef {import('../lib/sandbox/index.mjs').FaultRule} FaultRule */

const COUNT = 300
/** Far fewer than there are solves. */
const DESCRIPTORS = 200
/** Which requests of which task meet a fault depends on it alone. */
const SEED = 29

/** Polls are repeated after these. @type {Partial<FaultRule>[]} */
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

/** After these no task was created, and createTask is sent again. @type {Partial<FaultRule>[]} */
const refused = [{ fault: '429' }, { fault: 'error' }, { fault: 'error', errorCode: 'ERROR_REQUEST_LIMIT' }]

/** After these a task exists, and its id is unknown: a client can only report that. @type {Partial<FaultRule>[]} */
const lost = [
  { fault: 'connection-reset-after-processing' },
  { fault: 'truncated-body' },
  { fault: '502', processed: true },
]

/** @param {'createTask' | 'getTaskResult'} on @param {Partial<FaultRule>[]} faults */
const aTenth = (on, faults) =>
  faults.map(fault => /** @type {FaultRule} */ ({ method: on, probability: 0.1 / faults.length, ...fault }))

test('300 solves at once with 200 descriptors and faults in a tenth of the requests lose no task and create each once', {
  skip: process.platform === 'win32' && 'there is no ulimit',
}, async t => {
  const faults = [...aTenth('createTask', [...refused, ...lost]), ...aTenth('getTaskResult', ofPolls)]
  const provider = /** @type {const} */ ('ezcaptcha')
  const sandboxOptions = { provider, balance: 1e6, seed: SEED, solveTimeMs: 0, faults }
  const options = { websiteURL: WEBSITE, websiteKey: SITEKEY, ...patient, pollIntervalMs: 10 }
  const { outcomes, stats, tasks, descriptors } = await runUnderLoad(
    t,
    COUNT,
    sandboxOptions,
    options,
    DESCRIPTORS,
  )
  const solved = outcomes.filter(({ token }) => token !== undefined)
  const failed = outcomes.filter(({ token }) => token === undefined)
  const applied = Object.values(stats.faults).reduce((sum, n) => sum + n, 0)
  t.diagnostic(
    `${applied} faults, ${descriptors} descriptors, ${solved.length} tokens, ${failed.length} errors`,
  )

  assert.equal(outcomes.length, COUNT)
  assert.ok(descriptors < DESCRIPTORS, `${descriptors} descriptors`)

  // Each has the token of its own task.
  const tokens = new Map(tasks.map(({ taskId, token }) => [taskId, token]))
  for (const { taskId = '', token } of solved) assert.equal(token, tokens.get(taskId))
  assert.equal(new Set(solved.map(({ token }) => token)).size, solved.length)
  assert.equal(stats.tasks.delivered, solved.length)

  // A solve without a token met one of the faults that hide the id, and its error says that it may be charged.
  assert.ok(failed.length > 0)
  for (const { code, mayBeCharged, taskId, message } of failed) {
    assert.ok(code === 'CONNECTION_FAILED' || code === 'HTTP_ERROR', message)
    assert.deepEqual([mayBeCharged, taskId], [true, undefined], message)
  }

  assert.equal(stats.tasks.created, COUNT, 'each task was created once')
  assert.equal(stats.pointsCharged, COUNT * 15)
})
