/** What may happen to the workers of examples/bullmq, and what their books say afterwards. */

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { join } from 'node:path'
import { before, describe, test } from 'node:test'
import { startSandbox } from '../../sandbox/index.mjs'
import { prepareFleet } from '../../scripts/fleet.mjs'
import { KEY } from '../support/calls.mjs'
import { root, run } from '../support/child.mjs'
import { compiled } from '../support/example.mjs'
import { runFleet, settled } from '../support/fleet.mjs'

before(prepareFleet)

describe('the workers of examples/bullmq', () => {
  test('killed at random, they lose none of 200 jobs and buy no task twice', async t => {
    const books = await runFleet(t, ['--jobs', '200', '--workers', '3', '--kills', '8', '--seed', '1'])
    settled(books, 200)
    assert.equal(books.kills, 8)
    assert.ok(books.resumed > 0, 'no job outlived its worker')
    // A kill can strike while a purchase is under way: that is one job a kill, and never more.
    assert.ok(books.jobs.inDoubt <= books.kills, JSON.stringify(books.jobs))
    assert.equal(books.withProgress, books.jobs.completed)
  })

  test('killed between the charge and the reply, they leave one job in doubt, and the books show the task', async t => {
    const books = await runFleet(t, ['--jobs', '20', '--workers', '1', '--kills', '0', '--gap', '5'])
    settled(books, 20)
    assert.deepEqual([books.jobs.completed, books.jobs.inDoubt, books.orphans, books.kills], [19, 1, 1, 1])
    assert.match(books.reasons[0], /^IN DOUBT, not bought again: A worker ended/)
  })

  test('frozen between the charge and the reply, they find the task when they wake, and no other buys it meanwhile', async t => {
    const books = await runFleet(t, ['--jobs', '20', '--workers', '1', '--kills', '0', '--freeze', '5'])
    settled(books, 20)
    assert.deepEqual([books.jobs.completed, books.vendor.creates, books.orphans], [20, 20, 0])
    assert.ok(books.resumed > 0, 'nobody took the jobs of the frozen worker over')
  })
})

describe('a worker of examples/bullmq', { concurrency: 3 }, () => {
  const folder = join(root, 'examples/bullmq')

  for (const signal of /** @type {const} */ (['SIGTERM', 'SIGINT'])) {
    test(`finishes on ${signal} what it has bought, and ends`, async t => {
      const { startRedis } = await import('../../examples/bullmq/redis.mjs')
      const redis = await startRedis()
      t.after(() => redis.close())
      const sandbox = await startSandbox({ clientKey: KEY, solveTimeMs: 500 })
      t.after(() => sandbox.close())
      const env = {
        ...process.env,
        NODE_OPTIONS: '',
        REDIS_PORT: String(redis.port),
        SOLVER_API_KEY: KEY,
        SOLVER_BASE_URL: sandbox.baseURL,
        FLEET_POLL_MS: '1000',
      }
      const { code } = await run(process.execPath, ['producer.mjs', '1'], { cwd: folder, env })
      assert.equal(code, 0)
      const worker = spawn(process.execPath, ['worker.mjs'], { cwd: folder, env, stdio: 'ignore' })
      t.after(() => worker.kill('SIGKILL'))
      sandbox.events.on('event', ({ type }) => type === 'created' && worker.kill(signal))
      assert.deepEqual(await once(worker, 'close'), [0, null])
      assert.equal(sandbox.stats().tasks.delivered, 1)
    })
  }

  test('does not start without a key, and so fails no job', async () => {
    const env = { SOLVER_API_KEY: '' }
    const { code, stderr } = await run(process.execPath, ['worker.mjs'], {
      cwd: folder,
      env,
      limitMs: 20_000,
    })
    assert.deepEqual([code, stderr], [2, 'SOLVER_API_KEY is missing.\n'])
  })
})

test('a run that ends by an error leaves no Redis behind', async () => {
  const script = `
    import { startRedis } from './examples/bullmq/redis.mjs'
    const { port } = await startRedis()
    console.log(port)
    throw new Error('on purpose')`
  const { stdout, stderr } = await run(process.execPath, ['--input-type=module', '-e', script])
  assert.match(stderr, /on purpose/)
  const gone = once(connect(Number(stdout), '127.0.0.1'), 'connect')
  await assert.rejects(gone, { code: 'ECONNREFUSED' })
})

test('examples/bullmq is sound to the type checker, with the types of its own packages', async () => {
  assert.deepEqual(await compiled('examples/bullmq'), { code: 0, stdout: '' })
})
