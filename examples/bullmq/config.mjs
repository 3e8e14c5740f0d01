/** Settings that the producer and the workers share, read from the environment. */

const { env } = process

export const QUEUE = env.SOLVER_QUEUE ?? 'turnstile'

/** BullMQ requires `maxRetriesPerRequest: null` of a worker: while Redis is away, commands wait instead of failing. */
export const connection = {
  host: env.REDIS_HOST ?? '127.0.0.1',
  port: Number(env.REDIS_PORT ?? 6379),
  maxRetriesPerRequest: null,
}

export const account = {
  provider: /** @type {'yescaptcha' | 'ezcaptcha'} */ (env.SOLVER_PROVIDER ?? 'yescaptcha'),
  clientKey: env.SOLVER_API_KEY ?? '',
  baseURL: env.SOLVER_BASE_URL,
}

/** The account's limit, for all workers together: at most `max` jobs started in `duration` milliseconds. */
export const limiter = { max: Number(env.SOLVER_JOBS_PER_SECOND ?? 10), duration: 1000 }

/** A waiting job needs a timer and no thread, so one process can hold many. */
export const concurrency = Number(env.SOLVER_CONCURRENCY ?? 50)

/** A job whose worker has not renewed its lock for this long goes to another worker. */
export const lockMs = Number(env.SOLVER_LOCK_MS ?? 30_000)

/** How long the queue is paused when the provider is unavailable or refuses the account. */
export const pauseMs = Number(env.SOLVER_PAUSE_MS ?? 15_000)

export const pollIntervalMs = Number(env.SOLVER_POLL_INTERVAL_MS ?? 3000)

/** The timeout of one attempt to create a task. Short: a job without a task is safer in the queue than in a process. */
export const createTimeoutMs = Number(env.SOLVER_CREATE_TIMEOUT_MS ?? 20_000)

/**
 * @typedef {object} JobData
 * @property {string} websiteURL
 * @property {string} websiteKey
 * @property {string} [taskId] the task that is paid for; from then on the job only waits for it
 * @property {number} [createdAt]
 */

/** @typedef {{ token: string, taskId: string, expiresAt: number }} JobResult */
