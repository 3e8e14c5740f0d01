/** The workers of examples/bullmq while the provider, the account or Redis is unavailable. */

import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { prepareRedis } from '../../tools/dev/redis.mjs'
import { prepared } from '../support/example.mjs'
import { outage, restartRedisInTheGap } from './chaos.mjs'
import { longLock, runWorkers } from './harness.mjs'
import { assertConsistent } from './report.mjs'

before(async () => {
  await prepareRedis()
  await prepared('bullmq')
})

const plan = { jobs: 20, workers: 2, env: longLock }

// A run mostly waits, so two run at a time.
describe('the workers of examples/bullmq', { concurrency: 2 }, () => {
  test('a provider that is unavailable for a while costs no job, no attempt and no points', async t => {
    const report = await runWorkers(t, { ...plan, chaos: outage('busy', 6) })
    assertConsistent(report, 20)
    assert.deepEqual([report.jobs.completed, report.orphans, report.mostAttempts], [20, 0, 1])
    assert.ok(report.provider.balanceRequests > 8, 'the workers did not wait for the end of the outage')
  })

  test('an account that is refused for a while costs no job and no attempt, and is not banned', async t => {
    const report = await runWorkers(t, { ...plan, chaos: outage('account', 6), provider: 'ezcaptcha' })
    assertConsistent(report, 20)
    assert.deepEqual([report.jobs.completed, report.orphans, report.mostAttempts], [20, 0, 1])
    assert.ok(report.provider.balanceRequests > 8, 'the workers did not wait until the account was accepted')
  })

  test('if the provider charges and its replies are lost, each worker creates at most one task', async t => {
    const report = await runWorkers(t, { ...plan, chaos: outage('lost-replies', 6) })
    assertConsistent(report, 20)
    assert.ok(report.jobs.inDoubt >= 1 && report.jobs.inDoubt <= 2, JSON.stringify(report.jobs))
    assert.equal(report.orphans, report.jobs.inDoubt)
  })

  test('if Redis restarts while a task is created, no job, id or claim is lost', async t => {
    const report = await runWorkers(t, { ...plan, chaos: restartRedisInTheGap(5), provider: 'ezcaptcha' })
    assertConsistent(report, 20)
    assert.deepEqual([report.jobs.completed, report.provider.created, report.orphans], [20, 20, 0])
  })
})
