/** What a run left behind: the queue's jobs beside the tasks that the provider created and charged. */

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
      boughtTwice: tasks.length - new Set(tasks.map(({ task }) => task.websiteURL)).size,
    },
    /** Jobs that one worker began and another completed. */
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
 * What holds after every run: every job is accounted for, none was paid for twice, and what was charged is the tasks of the jobs plus the
 * orphans, of which there are no more than jobs in doubt.
 *
 * @param {Report} report
 * @param {number} jobs
 */
export function assertConsistent(report, jobs) {
  const { completed, inDoubt, failed, unfinished } = report.jobs
  assert.deepEqual([completed + inDoubt, failed, unfinished], [jobs, 0, 0], JSON.stringify(report))
  assert.equal(report.provider.boughtTwice, 0)
  assert.equal(report.distinctTokens, completed)
  assert.equal(report.provider.created, completed + report.orphans)
  assert.ok(report.orphans <= inDoubt)
  assert.equal(report.provider.pointsCharged, 15 * report.provider.created)
  assert.ok(report.provider.delivered >= completed)
  assert.equal(report.provider.bans, 0)
}
