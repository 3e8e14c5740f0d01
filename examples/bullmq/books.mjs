/** The queue's books beside the vendor's: what was asked for, what was paid, and what nobody can account for. */

/**
 * @param {import('bullmq').Queue} queue
 * @param {import('turnstile-solver/sandbox').Sandbox} sandbox
 */
export async function readBooks(queue, sandbox) {
  const [completed, failed, unfinished] = await Promise.all([
    queue.getJobs(['completed']),
    queue.getJobs(['failed']),
    queue.getJobCountByTypes('waiting', 'active', 'delayed', 'prioritized'),
  ])

  /** @type {Map<string, number>} */
  const bought = new Map()
  for (const { task } of sandbox.tasks()) {
    const page = String(task.websiteURL)
    bought.set(page, (bought.get(page) ?? 0) + 1)
  }
  const doubtful = failed.filter(job => job.failedReason?.startsWith('IN DOUBT'))
  const known = new Set([...completed, ...failed].map(job => job.data.taskId).filter(Boolean))
  const { tasks, pointsCharged, bans, requests } = sandbox.stats()
  return {
    jobs: {
      completed: completed.length,
      inDoubt: doubtful.length,
      failed: failed.length - doubtful.length,
      unfinished,
    },
    vendor: {
      creates: tasks.created,
      deliveries: tasks.delivered,
      pointsCharged,
      bans,
      requests,
      boughtTwice: [...bought.values()].filter(times => times > 1).length,
    },
    resumed: completed.filter(job => job.stalledCounter > 0).length,
    mostAttempts: Math.max(0, ...completed.map(job => job.attemptsMade)),
    distinctTokens: new Set(completed.map(job => job.returnvalue?.token)).size,
    withProgress: completed.filter(job => typeof job.progress === 'object' && 'taskId' in job.progress)
      .length,
    orphans: sandbox.tasks().filter(({ taskId }) => !known.has(taskId)).length,
    reasons: [...new Set(failed.map(job => job.failedReason))],
  }
}
