import assert from 'node:assert/strict'
import { test } from 'node:test'
import { calls, failure, replies, required, scripted, TASK, TOKEN } from './support/calls.mjs'

/** A year that no solve takes place in. */
const now = Date.UTC(1999, 0, 1)

test('a solve polls and succeeds while setTimeout, setInterval and Date are faked, and its times are real', async t => {
  const server = await scripted(t, [replies.created, replies.processing, replies.ready])
  const options = required('solveTurnstile', server.baseURL, { pollIntervalMs: 10 })
  t.mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'setImmediate', 'Date'], now })
  const solution = await calls.solveTurnstile(options)
  t.mock.timers.reset()
  assert.equal(solution.token, TOKEN)
  assert.equal(solution.expiresAt, solution.readyAt + 120_000)
  assert.ok(solution.readyAt > Date.UTC(2025, 0, 1), `${solution.readyAt}`)
})

test('a deadline passes while setTimeout and Date are faked', async t => {
  const unanswered = { handler: () => {} }
  const server = await scripted(t, [replies.created, unanswered], { loose: true })
  const options = required('solveTurnstile', server.baseURL, { pollIntervalMs: 10, timeoutMs: 1000 })
  t.mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'setImmediate', 'Date'], now })
  const error = await failure(calls.solveTurnstile(options))
  t.mock.timers.reset()
  assert.deepEqual([error.code, error.taskId], ['TIMEOUT', TASK])
})
