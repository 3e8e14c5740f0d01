// Fuzzing of the sandbox's HTTP surface: random requests, from a seed, written as bytes to its port.
//
//   node tools/fuzz/sandbox.mjs [--executions N | --seconds N] [--seed S]
//
// Without an argument it is the short seeded run. An execution is one connection; its bytes are a function of the seed and its number.
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import net from 'node:net'
import { parseArgs } from 'node:util'
import { errorCodes, faults, startSandbox } from '../../lib/sandbox/index.mjs'
import { main } from '../dev/run.mjs'
import { createRequests } from './sandbox-requests.mjs'

export const SHORT = 2000
const CONCURRENCY = 128
const KEY = 'test-key-0123456789abcdef'
/** A connection that is open for so long has no reply and no end: that is a finding. */
const HANG_MS = 30_000
/** They end only when the client leaves. */
const ENDLESS = new Set(['no-response', 'no-response-after-processing', 'whitespace', 'slow-body', 'latency'])

/** Random numbers for one execution. @param {string} purpose */
export function createRandom(purpose) {
  let block = 0
  let values = new Uint32Array(0)
  let at = 0
  const next = () => {
    if (at === values.length) {
      values = new Uint32Array(
        createHash('sha512').update(`${purpose} ${block++}`).digest().buffer.slice(0, 64),
      )
      at = 0
    }
    return values[at++] / 2 ** 32
  }
  const below = (/** @type {number} */ limit) => Math.floor(next() * limit)
  return {
    next,
    below,
    chance: (/** @type {number} */ probability) => next() < probability,
    /** @template T @param {readonly T[]} list @returns {T} */
    pick: list => list[below(list.length)],
  }
}

/**
 * @param {{ seed: string, executions?: number, seconds?: number }} options
 * @returns {Promise<{ executions: number, replies: Record<string, number>, findings: string[] }>}
 */
export async function fuzzSandbox({ seed, executions = Number.POSITIVE_INFINITY, seconds }) {
  const end = seconds === undefined ? Number.POSITIVE_INFINITY : Date.now() + seconds * 1000
  /** @type {string[]} */
  const findings = []
  const onUncaught = (/** @type {unknown} */ error) =>
    findings.push(`uncaught: ${error instanceof Error ? error.stack : error}`)
  process.on('uncaughtException', onUncaught)
  process.on('unhandledRejection', onUncaught)
  /** @type {Record<string, number>} */
  const replies = {}
  /** @type {Awaited<ReturnType<typeof createTarget>>[]} */
  const targets = []
  for (const provider of /** @type {(keyof typeof errorCodes)[]} */ (Object.keys(errorCodes))) {
    targets.push(await createTarget(provider, seed, false))
    targets.push(await createTarget(provider, seed, true))
  }
  let started = 0
  const work = async () => {
    while (started < executions && Date.now() < end && findings.length < 20) {
      const number = started++
      const target = targets[number % targets.length]
      const status = await target.execute(number, findings)
      replies[status] = (replies[status] ?? 0) + 1
    }
  }
  await Promise.all(Array.from({ length: CONCURRENCY }, work))
  for (const target of targets) await target.finish(findings)
  // What was thrown late comes before this.
  await new Promise(resolve => setImmediate(resolve))
  process.off('uncaughtException', onUncaught)
  process.off('unhandledRejection', onUncaught)
  return { executions: started, replies, findings }
}

/**
 * A sandbox, and what must hold of it.
 * @param {keyof typeof errorCodes} provider
 * @param {string} seed
 * @param {boolean} faulty whether fault rules are random, too
 */
async function createTarget(provider, seed, faulty) {
  let time = 1_700_000_000_000
  const balance = 1e9
  const sandbox = await startSandbox({
    ...{ provider, balance, clientKey: KEY, dashboard: true, now: () => time, seed: 7 },
    solveTimeMs: task => JSON.stringify(task).length % 4000,
  })
  /** @type {(string | number)[]} */
  const taskIds = []
  let points = 0
  sandbox.events.on('task:created', event => {
    points += event.points
    taskIds.push(event.taskId)
    if (taskIds.length > 50) taskIds.shift()
  })
  let rules = 0

  /** @param {ReturnType<typeof createRandom>} random */
  const addRule = random => {
    if (++rules % 20 === 0) sandbox.clearFaults()
    try {
      sandbox.addFault(/** @type {any} */ (randomRule(random)))
    } catch (error) {
      if (!(error instanceof TypeError)) throw error
    }
  }

  return {
    /** @param {number} number @param {string[]} findings */
    async execute(number, findings) {
      const random = createRandom(`${seed} ${number}`)
      if (random.chance(0.1)) time += random.below(30_000)
      if (faulty && random.chance(0.3)) addRule(random)
      const requests = createRequests({ random, port: sandbox.port, key: KEY, taskIds, provider })
      const { bytes, foreign, alone } = requests.connection()
      const exchanged = await exchange(sandbox.port, bytes)
      const statuses = [...exchanged.reply.matchAll(/^HTTP\/1\.1 (\d{3})/gm)].map(([, status]) => status)
      const status = statuses[0] ?? (exchanged.hung ? 'hung' : 'closed')
      const report = (/** @type {string} */ what) =>
        findings.push(
          `${provider}${faulty ? ' with faults' : ''}, execution ${number}: ${what}\n${bytes.toString('latin1').slice(0, 600)}`,
        )
      if (exchanged.hung && !faulty) report('no end')
      if (statuses.includes('500') && /The sandbox failed/.test(exchanged.reply) && !faulty)
        report(exchanged.reply.slice(0, 300))
      if (foreign && alone && !['400', '403', '413', '431', 'closed'].includes(status))
        report(`a foreign request got ${status}`)
      if (
        !faulty &&
        /node:internal|file:\/\/|\/lib\/sandbox\//.test(exchanged.reply.replace(bytes.toString('latin1'), ''))
      )
        report('shows a path')
      return status
    },

    /** @param {string[]} findings */
    async finish(findings) {
      const report = (/** @type {string} */ what) =>
        findings.push(`${provider}${faulty ? ' with faults' : ''}, at the end: ${what}`)
      sandbox.clearFaults()
      sandbox.setSolveTime(0)
      // Past every ban.
      time += 3_600_000
      const stats = sandbox.stats()
      if (stats.pointsCharged !== points || stats.balances[KEY] !== balance - points)
        report(`charged ${stats.pointsCharged} of ${points}`)
      if (JSON.stringify(JSON.parse(JSON.stringify(stats))) !== JSON.stringify(stats))
        report('stats are no JSON')
      if (JSON.stringify(sandbox.tasks()).length > 80 * 1024 * 1024)
        report('tasks are larger than their budget')
      const solved = await solve(sandbox)
      if (!solved) report('it does not solve any more')
      await sandbox.close()
    },
  }
}

/** @param {import('../../lib/sandbox/index.mjs').Sandbox} sandbox */
async function solve({ baseURL, taskType, secret, siteverifyURL }) {
  const post = async (/** @type {string} */ url, /** @type {unknown} */ body) => {
    const init = {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    }
    return /** @type {Promise<any>} */ ((await fetch(url, init)).json())
  }
  const task = { type: taskType, websiteURL: 'https://shop.example/', websiteKey: '0x4AAAAAAATestSitekey' }
  const { taskId } = await post(`${baseURL}/createTask`, { clientKey: KEY, task })
  const { solution } = await post(`${baseURL}/getTaskResult`, { clientKey: KEY, taskId })
  return (await post(siteverifyURL, { secret, response: solution?.token })).success === true
}

/**
 * Writes bytes to a new connection, ends it, and reads until the server ends it, too.
 * @param {number} port
 * @param {Buffer} bytes
 */
async function exchange(port, bytes) {
  const socket = net.connect({ host: '127.0.0.1', port, allowHalfOpen: true })
  socket.on('error', () => {})
  let reply = ''
  let hung = false
  socket.setEncoding('latin1').on('data', text => {
    if (reply.length < 100_000) reply += text
    else socket.destroy()
  })
  socket.on('end', () => socket.destroy())
  const timer = setTimeout(() => {
    hung = true
    socket.destroy()
  }, HANG_MS)
  // An event stream and a fault without a reply end when the client leaves.
  socket.end(bytes)
  await once(socket, 'close').catch(() => {})
  clearTimeout(timer)
  return { reply, hung }
}

/** @param {ReturnType<typeof createRandom>} random */
function randomRule(random) {
  const { pick, below, chance } = random
  const odd = [
    undefined,
    null,
    -1,
    0,
    1.5,
    1e9,
    Number.NaN,
    Infinity,
    '',
    'x',
    'a\nb',
    '\u0000',
    {},
    [],
    1n,
    true,
  ]
  /** @type {Record<string, unknown>} */
  const rule = { fault: pick(faults.map(({ name }) => name).filter(name => !ENDLESS.has(name))) }
  const fields = {
    method: () => pick(['*', 'createTask', 'getTaskResult', 'getBalance', 'siteverify', 'other']),
    nth: () => 1 + below(3),
    times: () => pick([1, 2, Infinity]),
    probability: () => random.next(),
    task: () => 1 + below(5),
    processed: () => chance(0.5),
    delayMs: () => below(5),
    retryAfter: () => pick([0, 5, '7', 'soon']),
    retryAfterDate: () => below(100),
    location: () => pick(['/createTask', 'http://127.0.0.1:1/', 'é']),
    errorCode: () => pick(['ERROR_ZERO_BALANCE', 'ERROR_CAPTCHA_UNSOLVABLE', 'ERROR_UNKNOWN']),
    status: () => pick([200, 400, 500, 999]),
    headers: () => pick([{}, { 'x-a': 'b' }, { 'content-length': '5' }, { 'transfer-encoding': 'chunked' }]),
    body: () => pick(['', '{}', { a: 1 }, [1], 'x'.repeat(1000)]),
    bytes: () => below(5000),
    depth: () => below(5000),
    encoding: () => pick(['plain', 'percent', 'base64']),
    taskStatus: () => pick(['idle', 'failed', 'x']),
    http2Code: () => below(14),
  }
  for (const [name, value] of Object.entries(fields)) {
    if (chance(0.15)) rule[name] = value()
    else if (chance(0.02)) rule[name] = pick(odd)
  }
  if (typeof rule.delayMs === 'number' && rule.delayMs > 1000) rule.delayMs = 1
  if (typeof rule.bytes === 'number' && rule.bytes > 1e6) rule.bytes = 1e6
  if (typeof rule.depth === 'number' && rule.depth > 1e6) rule.depth = 1e6
  return rule
}

async function run() {
  const { values } = parseArgs({
    options: {
      executions: { type: 'string' },
      seconds: { type: 'string' },
      seed: { type: 'string', default: '1' },
    },
  })
  const seconds = values.seconds === undefined ? undefined : Number(values.seconds)
  const executions =
    values.executions === undefined ? (seconds === undefined ? SHORT : undefined) : Number(values.executions)
  const { findings, ...report } = await fuzzSandbox({ seed: values.seed, executions, seconds })
  console.log(JSON.stringify(report))
  for (const finding of findings) console.error(`\n${finding}`)
  if (findings.length > 0) process.exitCode = 1
  else console.log('Nothing found.')
}

main(import.meta.url, run)
