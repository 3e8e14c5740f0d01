/** What the producer, the workers and the books agree on. All of it comes from the environment. */

const { env } = process

export const QUEUE = env.FLEET_QUEUE ?? 'turnstile'

/** BullMQ wants `maxRetriesPerRequest: null` of a worker: while Redis is away, commands wait instead of failing. */
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

/** What one account may do, whatever the number of workers: at most `max` jobs started in `duration` milliseconds. */
export const limiter = { max: Number(env.FLEET_LIMIT ?? 10), duration: 1000 }

/** A job that waits costs a timer and no thread, so one process holds many. */
export const concurrency = Number(env.FLEET_CONCURRENCY ?? 50)

/** After so many milliseconds without a sign of life from its worker, a job is another worker's. */
export const lockMs = Number(env.FLEET_LOCK_MS ?? 30_000)

/** How long the whole queue rests when the vendor does not answer. */
export const restMs = Number(env.FLEET_REST_MS ?? 15_000)

export const pollIntervalMs = Number(env.FLEET_POLL_MS ?? 3000)

/** One attempt to buy. Short, since what is not bought yet is better off in the queue than in a process. */
export const buyMs = Number(env.FLEET_BUY_MS ?? 20_000)

/**
 * @typedef {object} JobData
 * @property {string} websiteURL
 * @property {string} websiteKey
 * @property {string} [taskId] the task that is paid for; from then on the job only waits for it
 * @property {number} [createdAt]
 */

/** @typedef {{ token: string, taskId: string, expiresAt: number }} JobResult */
