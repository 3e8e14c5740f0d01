/** examples/bullmq as it is run: a real Redis, real processes, real kills; the vendor's books are the sandbox's. */

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { root, run } from './child.mjs'

/**
 * The books of a run that came to its end.
 *
 * @param {import('node:test').TestContext} t
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} [env]
 */
export async function runFleet(t, args, env = {}) {
  const script = join(root, 'examples/bullmq/run.mjs')
  const { stdout, stderr, code } = await run(
    process.execPath,
    [script, '--json', '--patience', '75', ...args],
    { env: { ...env, NODE_TEST_CONTEXT: undefined }, limitMs: 90_000 },
  )
  t.diagnostic(stdout.trim())
  assert.equal(code, 0, stderr)
  return JSON.parse(stdout)
}

/**
 * What holds in every run, whatever happened to its workers: every job is accounted for, none was paid for twice, and what was charged is
 * what the jobs know plus the orphans, of which there are no more than jobs in doubt.
 *
 * @param {any} books
 * @param {number} jobs
 */
export function settled(books, jobs) {
  const { completed, inDoubt, failed, unfinished } = books.jobs
  assert.deepEqual([completed + inDoubt, failed, unfinished], [jobs, 0, 0])
  assert.equal(books.vendor.boughtTwice, 0)
  assert.equal(books.distinctTokens, completed)
  assert.equal(books.vendor.creates, completed + books.orphans)
  assert.ok(books.orphans <= inDoubt)
  assert.equal(books.vendor.pointsCharged, 15 * books.vendor.creates)
  assert.ok(books.vendor.deliveries >= completed)
  assert.equal(books.vendor.bans, 0)
}
