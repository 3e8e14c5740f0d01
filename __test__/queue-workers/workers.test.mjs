/** The workers of examples/bullmq when they are killed, frozen or ended. */

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { before, describe, test } from 'node:test'
import { startSandbox } from '../../lib/sandbox/index.mjs'
import { prepareRedis } from '../../tools/dev/redis.mjs'
import { KEY } from '../support/calls.mjs'
import { run } from '../support/child.mjs'
import { compiled, prepared } from '../support/example.mjs'
import { freezeInTheGap, killAtRandom, killInTheGap } from './chaos.mjs'
import { environment, longLock, runWorkers } from './harness.mjs'
import { startRedis } from './redis.mjs'
import { assertConsistent } from './report.mjs'

/** @type {string} */
let folder

before(async () => {
  await prepareRedis()
  folder = await prepared('bullmq')
})

describe('the workers of examples/bullmq', () => {
  test('workers of examples/bullmq that are killed at random lose none of 200 jobs and create no second task for any', async t => {
    const chaos = killAtRandom({ kills: 8, jobs: 200, seed: 1 })
    const report = await runWorkers(t, { jobs: 200, workers: 3, chaos })
    assertConsistent(report, 200)
    assert.equal(report.kills, 8)
    assert.ok(report.resumed > 0, 'no job was resumed by another worker')
    // A worker that is killed while it creates a task leaves at most one job in doubt.
    assert.ok(report.jobs.inDoubt <= report.kills, JSON.stringify(report.jobs))
    assert.equal(report.withProgress, report.jobs.completed)
  })

  test('workers of examples/bullmq that are killed between the charge and the reply leave one job in doubt and one orphaned task', async t => {
    const report = await runWorkers(t, { jobs: 20, workers: 1, chaos: killInTheGap(5) })
    assertConsistent(report, 20)
    const { jobs, orphans, kills } = report
    assert.deepEqual([jobs.completed, jobs.inDoubt, orphans, kills], [19, 1, 1, 1])
    assert.match(report.reasons[0], /^IN DOUBT, no second task is created: A worker ended/)
  })

  test('workers of examples/bullmq that are frozen between the charge and the reply store the task when they resume, and no other worker creates one', async t => {
    // The request of the frozen worker must not time out before it resumes.
    const env = { SOLVER_CREATE_TIMEOUT_MS: '15000' }
    const report = await runWorkers(t, { jobs: 20, workers: 1, chaos: freezeInTheGap(5), env })
    assertConsistent(report, 20)
    assert.deepEqual([report.jobs.completed, report.provider.created, report.orphans], [20, 20, 0])
    assert.ok(report.resumed > 0, 'no other worker took over the jobs of the frozen one')
  })

  test('the workers of examples/bullmq together stay within the limit of the account', async t => {
    const env = { ...longLock, SOLVER_JOBS_PER_SECOND: '5' }
    const report = await runWorkers(t, { jobs: 40, workers: 3, env })
    assertConsistent(report, 40)
    assert.equal(report.jobs.completed, 40)
    // 40 jobs at 5 a second are eight windows of a second, so the last one starts after seven. With a limit for each worker it would be two.
    const elapsed = Math.max(...report.createdAt) - Math.min(...report.createdAt)
    assert.ok(elapsed >= 5000, `${elapsed} ms`)
  })
})

describe('a worker of examples/bullmq', { concurrency: 3 }, () => {
  for (const signal of /** @type {const} */ (['SIGTERM', 'SIGINT'])) {
    test(`a worker of examples/bullmq on ${signal} finishes its job and ends`, async t => {
      const redis = await startRedis()
      t.after(() => redis.close())
      const sandbox = await startSandbox({ clientKey: KEY, solveTimeMs: 500 })
      t.after(() => sandbox.close())
      const env = environment(redis, sandbox)
      const { code } = await run(process.execPath, ['producer.mjs', '1'], { cwd: folder, env })
      assert.equal(code, 0)
      const worker = spawn(process.execPath, ['worker.mjs'], { cwd: folder, env, stdio: 'ignore' })
      t.after(() => worker.kill('SIGKILL'))
      sandbox.events.on('*', ({ type }) => type === 'task:created' && worker.kill(signal))
      assert.deepEqual(await once(worker, 'close'), [0, null])
      assert.equal(sandbox.stats().tasks.delivered, 1)
    })
  }

  test('a worker of examples/bullmq without a key does not start', async () => {
    const env = { SOLVER_API_KEY: '' }
    const { code, stderr } = await run(process.execPath, ['worker.mjs'], {
      cwd: folder,
      env,
    })
    assert.deepEqual([code, stderr], [2, 'SOLVER_API_KEY is missing.\n'])
  })
})

test('a process that ends with an error leaves no Redis behind', async () => {
  const script = `
    import { startRedis } from './__test__/queue-workers/redis.mjs'
    const { port } = await startRedis()
    console.log(port)
    throw new Error('on purpose')`
  const { stdout, stderr } = await run(process.execPath, ['--input-type=module', '-e', script])
  assert.match(stderr, /on purpose/)
  const gone = once(connect(Number(stdout), '127.0.0.1'), 'connect')
  await assert.rejects(gone, { code: 'ECONNREFUSED' })
})

test('the type checker accepts examples/bullmq, with the types of its own packages', async () => {
  assert.deepEqual(await compiled('examples/bullmq'), { code: 0, stdout: '' })
})
