/**
 * The fleet on this machine alone: a Redis, a sandbox, a producer, and workers to which things happen as they work. Prints the books.
 *
 *     node run.mjs [--jobs 200] [--workers 3] [--kills 8] [--seed 1] [--provider yescaptcha] [--json]
 *                  [--gap 50] [--freeze 50] [--restart 50] [--outage refuse|account|lose [--away 60]] [--patience 600]
 */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Queue, QueueEvents } from 'bullmq'
import { startSandbox } from 'turnstile-solver/sandbox'
import { createCrew } from './crew.mjs'
import { startRedis } from './redis.mjs'
import { freezeInTheGap, killAtRandom, killInTheGap, restartInTheGap, takeVendorAway } from './trouble.mjs'

const { values } = parseArgs({
  options: {
    jobs: { type: 'string', default: '200' },
    workers: { type: 'string', default: '3' },
    kills: { type: 'string', default: '8' },
    seed: { type: 'string', default: '1' },
    provider: { type: 'string', default: 'yescaptcha' },
    gap: { type: 'string' },
    freeze: { type: 'string' },
    restart: { type: 'string' },
    outage: { type: 'string' },
    away: { type: 'string' },
    patience: { type: 'string', default: '600' },
    json: { type: 'boolean', default: false },
  },
})
const jobs = Number(values.jobs)
const seed = Number(values.seed)

const sandbox = await startSandbox({
  provider: /** @type {'yescaptcha' | 'ezcaptcha'} */ (values.provider),
  solveTimeMs: [0, 2500],
  seed,
  balance: 100_000,
})
const redis = await startRedis()
// In a hurry, where nothing else is asked for: a run is there to be watched.
const pace = {
  FLEET_LIMIT: '40',
  FLEET_POLL_MS: '1000',
  FLEET_LOCK_MS: '1000',
  FLEET_REST_MS: '500',
  // A frozen worker's purchase is to outlive the frost.
  FLEET_BUY_MS: values.freeze ? '15000' : '2000',
}
Object.assign(process.env, {
  ...pace,
  ...process.env,
  REDIS_HOST: '127.0.0.1',
  REDIS_PORT: String(redis.port),
  SOLVER_PROVIDER: sandbox.account.provider,
  SOLVER_API_KEY: sandbox.account.clientKey,
  SOLVER_BASE_URL: sandbox.baseURL,
})
// Only now: these read the environment as they are loaded.
const { connection, QUEUE } = await import('./fleet.mjs')
const { readBooks } = await import('./books.mjs')
const { retryKnown } = await import('./doubts.mjs')

const queue = new Queue(QUEUE, { connection })
const events = new QueueEvents(QUEUE, { connection })
// Where Redis is taken away on purpose, that it is away is no news.
const ignore = () => {}
queue.on('error', ignore)
events.on('error', ignore)
await events.waitUntilReady()

const crew = createCrew()
/** @type {number[]} */
const createdAt = []
sandbox.events.on('event', ({ type, at }) => {
  if (type === 'created') createdAt.push(at)
})
killAtRandom(sandbox, crew, { kills: Number(values.kills), jobs, seed })
if (values.gap) killInTheGap(sandbox, crew, Number(values.gap))
const mended = Promise.all([
  values.freeze && freezeInTheGap(sandbox, crew, events, Number(values.freeze)),
  values.restart && restartInTheGap(sandbox, redis, Number(values.restart)),
])
mended.catch(() => {})
if (values.outage) {
  const seconds = values.away ? Number(values.away) : undefined
  takeVendorAway(sandbox, { kind: values.outage, from: Math.ceil(jobs * 0.3), seconds })
}

/** @type {NodeJS.Timeout | undefined} */
let watch
/** @type {Promise<never>} */
const stopped = new Promise((_, reject) => {
  const stop = (/** @type {string} */ why) => reject(new Error(why))
  watch = setTimeout(stop, Number(values.patience) * 1000, 'Patience ran out before the jobs did.')
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, stop)
})

const started = performance.now()
try {
  await Promise.race([work(), crew.broken, stopped])
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
} finally {
  clearTimeout(watch)
  crew.close()
  await report().catch(error => {
    console.error(error)
    process.exitCode = 1
  })
  await Promise.all([queue.close(), events.close()])
  await sandbox.close()
  await redis.close()
}

async function work() {
  const settled = allSettled()
  const producer = fileURLToPath(new URL('producer.mjs', import.meta.url))
  const [code] = await once(spawn(process.execPath, [producer, values.jobs], { stdio: 'ignore' }), 'close')
  if (code !== 0) throw new Error('The producer failed.')
  for (let count = 0; count < Number(values.workers); count++) crew.start()
  await settled
  await mended
  const retried = await retryKnown(queue)
  await Promise.all(retried.map(job => job.waitUntilFinished(events)))
}

function allSettled() {
  const settled = new Set()
  return new Promise(resolve => {
    const count = (/** @type {{ jobId: string }} */ { jobId }) =>
      settled.add(jobId).size === jobs && resolve(true)
    events.on('completed', count)
    events.on('failed', count)
  })
}

async function report() {
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  const books = {
    ...(await readBooks(queue, sandbox)),
    kills: crew.kills(),
    busiestSecond: busiest(createdAt),
    buyingMs: createdAt.length > 0 ? Math.max(...createdAt) - Math.min(...createdAt) : 0,
  }
  if (values.json) return console.log(JSON.stringify(books))
  console.log(
    `${jobs} jobs, ${values.workers} workers, ${crew.kills()} killed with SIGKILL, seed ${seed}, in ${seconds} s`,
  )
  console.dir(books, { depth: 5 })
}

/** The most creates that began within one second of each other. @param {number[]} instants */
function busiest(instants) {
  return Math.max(
    0,
    ...instants.map((from, index) => instants.slice(index).filter(at => at < from + 1000).length),
  )
}
