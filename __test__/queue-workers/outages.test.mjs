/** The workers of examples/bullmq while the provider, the account or Redis is out of order. */

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

// Most of a run is waiting, so that two run at a time.
describe('the workers of examples/bullmq', { concurrency: 2 }, () => {
  test('a provider that refuses everything for a while costs no job, no attempt and no point', async t => {
    const report = await runWorkers(t, { ...plan, chaos: outage('busy', 6) })
    assertConsistent(report, 20)
    assert.deepEqual([report.jobs.completed, report.orphans, report.mostAttempts], [20, 0, 1])
    assert.ok(report.provider.balanceRequests > 8, 'the outage was not waited out')
  })

  test('an account that is refused for a while costs no job and no attempt, and is not banned for asking', async t => {
    const report = await runWorkers(t, { ...plan, chaos: outage('account', 6), provider: 'ezcaptcha' })
    assertConsistent(report, 20)
    assert.deepEqual([report.jobs.completed, report.orphans, report.mostAttempts], [20, 0, 1])
    assert.ok(report.provider.balanceRequests > 8, 'the refusal was not waited out')
  })

  test('a provider that charges and loses its replies gets one purchase from each worker', async t => {
    const report = await runWorkers(t, { ...plan, chaos: outage('lost-replies', 6) })
    assertConsistent(report, 20)
    assert.ok(report.jobs.inDoubt >= 1 && report.jobs.inDoubt <= 2, JSON.stringify(report.jobs))
    assert.equal(report.orphans, report.jobs.inDoubt)
  })

  test('a Redis that restarts while a task is created loses no job, no id and no claim', async t => {
    const report = await runWorkers(t, { ...plan, chaos: restartRedisInTheGap(5), provider: 'ezcaptcha' })
    assertConsistent(report, 20)
    assert.deepEqual([report.jobs.completed, report.provider.created, report.orphans], [20, 20, 0])
  })
})
