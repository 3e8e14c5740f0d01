/** The result of a run: the jobs of the queue, and the tasks that the sandbox created and charged. */

import assert from 'node:assert/strict'

/**
 * @param {any} queue of BullMQ
 * @param {import('../../lib/sandbox/index.mjs').Sandbox} sandbox
 */
export async function readReport(queue, sandbox) {
  /** @type {[completed: any[], failed: any[], unfinished: number]} */
  const [completed, failed, unfinished] = await Promise.all([
    queue.getJobs(['completed']),
    queue.getJobs(['failed']),
    queue.getJobCountByTypes('waiting', 'active', 'delayed', 'prioritized'),
  ])
  const tasks = sandbox.tasks()
  const stats = sandbox.stats()
  const inDoubt = failed.filter(job => job.failedReason?.startsWith('IN DOUBT'))
  const known = new Set([...completed, ...failed].map(job => job.data.taskId))
  return {
    jobs: {
      completed: completed.length,
      inDoubt: inDoubt.length,
      failed: failed.length - inDoubt.length,
      unfinished,
    },
    provider: {
      created: stats.tasks.created,
      delivered: stats.tasks.delivered,
      pointsCharged: stats.pointsCharged,
      bans: stats.bans,
      balanceRequests: stats.requests['/getBalance'] ?? 0,
      /** Jobs for which more than one task was created. */
      createdTwice: tasks.length - new Set(tasks.map(({ task }) => task.websiteURL)).size,
    },
    /** Jobs that one worker started and another one completed. */
    resumed: completed.filter(job => job.stalledCounter > 0).length,
    mostAttempts: Math.max(0, ...completed.map(job => job.attemptsMade)),
    distinctTokens: new Set(completed.map(job => job.returnvalue?.token)).size,
    withProgress: completed.filter(job => job.progress?.taskId).length,
    /** Tasks whose id is in no job. */
    orphans: tasks.filter(({ taskId }) => !known.has(taskId)).length,
    reasons: [...new Set(failed.map(job => job.failedReason))],
  }
}

/** @typedef {Awaited<ReturnType<typeof readReport>>} Report */

/**
 * Asserts what holds after every run: every job completed or is in doubt, no job was paid for twice, and the provider charged for the tasks of
 * the jobs and for the orphans, of which there are at most as many as jobs in doubt.
 *
 * @param {Report} report
 * @param {number} jobs
 */
export function assertConsistent(report, jobs) {
  const { completed, inDoubt, failed, unfinished } = report.jobs
  assert.deepEqual([completed + inDoubt, failed, unfinished], [jobs, 0, 0], JSON.stringify(report))
  assert.equal(report.provider.createdTwice, 0)
  assert.equal(report.distinctTokens, completed)
  assert.equal(report.provider.created, completed + report.orphans)
  assert.ok(report.orphans <= inDoubt)
  assert.equal(report.provider.pointsCharged, 15 * report.provider.created)
  assert.ok(report.provider.delivered >= completed)
  assert.equal(report.provider.bans, 0)
}
