/** Runs the workers of examples/bullmq: real processes with their own Redis and sandbox, and injected failures. */

import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { startSandbox } from '../../lib/sandbox/index.mjs'
import { run as runProcess } from '../support/child.mjs'
import { prepared } from '../support/example.mjs'
import { startRedis } from './redis.mjs'
import { readReport } from './report.mjs'
import { createWorkerPool } from './worker-pool.mjs'

/** A run that takes longer has stopped making progress, on a busy machine too. */
const LIMIT_MS = 300_000

/** Faster than the defaults, since the sandbox is faster than a provider. */
const fastSettings = {
  SOLVER_JOBS_PER_SECOND: '40',
  SOLVER_POLL_INTERVAL_MS: '1000',
  SOLVER_LOCK_MS: '3000',
  SOLVER_PAUSE_MS: '500',
  SOLVER_CREATE_TIMEOUT_MS: '2000',
}

/** For runs in which no worker is killed: a worker that a busy machine delays for a second must keep its jobs. */
export const longLock = { SOLVER_LOCK_MS: '30000' }

/**
 * @typedef {object} Plan
 * @property {number} jobs
 * @property {number} workers
 * @property {import('./chaos.mjs').Chaos} [chaos]
 * @property {'yescaptcha' | 'ezcaptcha'} [provider]
 * @property {NodeJS.ProcessEnv} [env] settings of config.mjs
 */

/**
 * The environment of a producer and of workers.
 *
 * @param {{ port: number }} redis
 * @param {import('../../lib/sandbox/index.mjs').Sandbox} sandbox
 * @param {NodeJS.ProcessEnv} [env]
 */
export const environment = (redis, sandbox, env) => ({
  ...process.env,
  NODE_OPTIONS: '',
  REDIS_PORT: `${redis.port}`,
  SOLVER_PROVIDER: sandbox.account.provider,
  SOLVER_API_KEY: sandbox.account.clientKey,
  SOLVER_BASE_URL: sandbox.baseURL,
  ...fastSettings,
  ...env,
})

/**
 * Runs workers until every job has completed or failed, retries what is in doubt without need, and returns the report.
 *
 * @param {import('node:test').TestContext} t
 * @param {Plan} plan
 */
export async function runWorkers(t, { jobs, workers, chaos, provider = 'yescaptcha', env }) {
  const folder = await prepared('bullmq')
  const { Queue, QueueEvents } = createRequire(join(folder, 'package.json'))('bullmq')
  const { retryKnown } = await import(pathToFileURL(join(folder, 'in-doubt.mjs')).href)

  const sandbox = await startSandbox({ provider, solveTimeMs: [0, 2500], balance: 100_000 })
  const redis = await startRedis()
  const connection = { host: '127.0.0.1', port: redis.port, maxRetriesPerRequest: null }
  const queue = new Queue('turnstile', { connection })
  const events = new QueueEvents('turnstile', { connection })
  // Redis is stopped on purpose.
  for (const emitter of [queue, events]) emitter.on('error', () => {})
  const processEnv = environment(redis, sandbox, env)
  const pool = createWorkerPool({ folder, env: processEnv })
  /** @type {number[]} */
  const createdAt = []
  sandbox.events.on('*', ({ type, at }) => {
    if (type === 'task:created') createdAt.push(at)
  })

  async function work() {
    await events.waitUntilReady()
    const ended = allEnded(events, jobs)
    const chaosEnded = Promise.resolve(chaos?.({ sandbox, pool, redis, events }))
    const producer = await runProcess(process.execPath, ['producer.mjs', `${jobs}`], {
      cwd: folder,
      env: processEnv,
    })
    if (producer.code !== 0) throw new Error(`The producer failed: ${producer.stderr}`)
    for (let count = 0; count < workers; count++) pool.start()
    await Promise.all([ended, chaosEnded])
    /** @type {any[]} */
    const retried = await retryKnown(queue)
    await Promise.all(retried.map(job => job.waitUntilFinished(events)))
  }

  const timeout = AbortSignal.timeout(LIMIT_MS)
  /** @type {Promise<never>} */
  const timedOut = new Promise((_, reject) => {
    timeout.addEventListener('abort', () => reject(new Error('Not all jobs ended.')))
  })
  try {
    await Promise.race([work(), pool.failed, timedOut])
    return { ...(await readReport(queue, sandbox)), kills: pool.kills(), createdAt }
  } finally {
    const { requests, tasks, faults } = sandbox.stats()
    t.diagnostic(JSON.stringify({ kills: pool.kills(), requests, tasks, faults }))
    pool.close()
    await Promise.all([queue.close(), events.close()])
    await sandbox.close()
    await redis.close()
  }
}

/** Resolves when this many jobs have completed or failed. @param {any} events @param {number} jobs */
function allEnded(events, jobs) {
  const ended = new Set()
  return new Promise(resolve => {
    const count = (/** @type {{ jobId: string }} */ { jobId }) =>
      ended.add(jobId).size === jobs && resolve(undefined)
    events.on('completed', count)
    events.on('failed', count)
  })
}
