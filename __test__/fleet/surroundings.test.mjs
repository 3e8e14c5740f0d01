/** What may happen around the workers of examples/bullmq: to the vendor, to Redis, to the account's limit. */

import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { prepareFleet } from '../../scripts/fleet.mjs'
import { runFleet, settled } from '../support/fleet.mjs'

before(prepareFleet)

const small = ['--jobs', '20', '--workers', '2', '--kills', '0']

/** Nobody is killed here: a worker that a busy machine holds up for a second is not to be taken for dead. */
const calm = { FLEET_LOCK_MS: '30000' }

// Most of a run is waiting, so two go side by side.
describe('around the workers of examples/bullmq', { concurrency: 2 }, () => {
  test('a vendor that refuses everything for a while costs no job, no attempt and no point', async t => {
    const books = await runFleet(t, [...small, '--outage', 'refuse'], calm)
    settled(books, 20)
    assert.deepEqual([books.jobs.completed, books.orphans, books.mostAttempts], [20, 0, 1])
    assert.ok(books.vendor.requests['/getBalance'] > 8, 'the outage was not waited out')
  })

  test('an account that is refused for a while costs no job and no attempt, and is not banned for asking', async t => {
    const books = await runFleet(t, [...small, '--outage', 'account', '--provider', 'ezcaptcha'], calm)
    settled(books, 20)
    assert.deepEqual([books.jobs.completed, books.orphans, books.mostAttempts], [20, 0, 1])
    assert.ok(books.vendor.requests['/getBalance'] > 8, 'the refusal was not waited out')
  })

  test('a vendor that charges and loses its replies gets one purchase from each worker', async t => {
    const books = await runFleet(t, [...small, '--outage', 'lose'], calm)
    settled(books, 20)
    assert.ok(books.jobs.inDoubt >= 1 && books.jobs.inDoubt <= 2, JSON.stringify(books.jobs))
    assert.equal(books.orphans, books.jobs.inDoubt)
  })

  test('a Redis that restarts while a task is bought loses no job, no id and no claim', async t => {
    const books = await runFleet(t, [...small, '--restart', '5', '--provider', 'ezcaptcha'], calm)
    settled(books, 20)
    assert.deepEqual([books.jobs.completed, books.vendor.creates, books.orphans], [20, 20, 0])
  })

  test('the limit of the account holds for all workers together', async t => {
    const books = await runFleet(t, ['--jobs', '40', '--workers', '3', '--kills', '0'], {
      ...calm,
      FLEET_LIMIT: '5',
    })
    settled(books, 40)
    assert.equal(books.jobs.completed, 40)
    // Eight windows of a second, the last of which begins after seven; a limit for each worker by itself would take three, and so two.
    assert.ok(books.buyingMs >= 5000, `${books.buyingMs} ms`)
  })
})
