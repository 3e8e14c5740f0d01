import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createTask, getBalance, getTaskResult, solveTurnstile, waitForTask } from '../index.js'
import { startSandbox } from '../lib/sandbox/index.mjs'
import {
  calls,
  Deferred,
  failure,
  KEY,
  outOfTime,
  patient,
  providers,
  replies,
  required,
  SITEKEY,
  scripted,
  TASK,
  TOKEN,
  WEBSITE,
} from './support/calls.mjs'
import { runScript } from './support/child.mjs'

/** @typedef {import('./support/calls.mjs').Provider} Provider */
/** @typedef {import('../lib/sandbox/index.mjs').SandboxOptions} SandboxOptions */

const together = { concurrency: 32 }
const page = { websiteURL: WEBSITE, websiteKey: SITEKEY }

/** @param {{ baseURL: string }} server */
const account = ({ baseURL }) =>
  /** @type {const} */ ({ provider: 'ezcaptcha', clientKey: KEY, baseURL, ...patient })

/** @param {unknown} solution */
const readyWith = solution => ({ path: '/getTaskResult', body: { errorId: 0, status: 'ready', solution } })

/**
 * @param {import('node:test').TestContext} t
 * @param {SandboxOptions} options
 */
async function sandboxed(t, options) {
  let ahead = 0
  const begun = Date.now()
  const sandbox = await startSandbox({
    clientKey: KEY,
    solveTimeMs: 0,
    now: () => begun + ahead,
    ...options,
  })
  t.after(() => sandbox.close())
  const later = (/** @type {number} */ ms) => {
    ahead += ms
  }
  const own = { ...sandbox.account, ...patient }
  return { sandbox, own, task: { ...own, ...page, taskType: sandbox.taskType }, later }
}

describe('results', () => {
  describe('a Solution', together, () => {
    test('a Solution has exactly the fields of the contract, and its times agree with one another', async t => {
      const raw = { token: TOKEN, userAgent: 'Agent/1', header: { 'sec-ch-ua': '"A"' } }
      const server = await scripted(t, [replies.created, replies.processing, readyWith(raw)])
      const [before, started] = [Date.now(), performance.now()]
      const solution = await solveTurnstile({ ...account(server), ...page, pollIntervalMs: 10 })
      const [after, tookMs] = [Date.now(), performance.now() - started]
      const { createdAt = 0, readyAt, expiresAt, elapsedMs, ...rest } = solution
      assert.deepEqual(rest, {
        token: TOKEN,
        userAgent: 'Agent/1',
        headers: { 'sec-ch-ua': '"A"' },
        provider: 'ezcaptcha',
        taskId: TASK,
        polls: 2,
        retries: 0,
        raw,
      })
      for (const number of [createdAt, readyAt, expiresAt, elapsedMs]) assert.ok(Number.isInteger(number))
      assert.ok(before <= createdAt && createdAt <= readyAt && readyAt <= after, JSON.stringify(solution))
      assert.equal(expiresAt, readyAt + 120_000)
      assert.ok(elapsedMs <= tookMs + 1, `${elapsedMs} of ${tookMs} ms`)
    })

    test('a Solution has no key for what the provider did not send', async t => {
      const server = await scripted(t, [replies.created, replies.ready])
      const solution = await solveTurnstile({ ...account(server), ...page, pollIntervalMs: 10 })
      assert.equal('userAgent' in solution, false)
      assert.equal('headers' in solution, false)
    })

    test('a Solution of waitForTask has no createdAt, as another call created the task', async t => {
      const server = await scripted(t, [replies.ready])
      const solution = await waitForTask({ ...account(server), taskId: TASK, pollIntervalMs: 10 })
      assert.equal('createdAt' in solution, false)
      assert.equal(solution.expiresAt, solution.readyAt + 120_000)
      assert.deepEqual([solution.taskId, solution.provider, solution.polls], [TASK, 'ezcaptcha', 1])
    })

    test('a Solution counts its polls and, apart from them, the requests that were repeated', async t => {
      const busy = { path: '/createTask', status: 429, headers: { 'retry-after': '0' } }
      const { created, processing, ready } = replies
      const server = await scripted(t, [busy, created, processing, { reset: true }, ready])
      const solution = await solveTurnstile({ ...account(server), ...page, pollIntervalMs: 10 })
      assert.equal(solution.retries, 2)
      assert.equal(solution.polls, server.requests.filter(({ path }) => path === '/getTaskResult').length)
    })

    test('a Solution is read from gRecaptchaResponse where there is no token', async t => {
      const server = await scripted(t, [readyWith({ gRecaptchaResponse: TOKEN })])
      const result = await getTaskResult({ ...account(server), taskId: TASK })
      assert.ok(result.status === 'ready')
      assert.equal(result.solution.token, TOKEN)
      assert.deepEqual(result.solution.raw, { gRecaptchaResponse: TOKEN })
    })

    for (const provider of providers) {
      test(`a Solution of ${provider} comes with the id of the task that was bought, once`, async t => {
        const { sandbox, task } = await sandboxed(t, { provider })
        const before = Date.now()
        const solution = await solveTurnstile({ ...task, pollIntervalMs: 10 })
        const [bought] = sandbox.tasks()
        assert.deepEqual([solution.taskId, solution.token], [String(bought.taskId), bought.token])
        assert.equal(solution.provider, provider)
        assert.equal(typeof solution.taskId, 'string')
        const { createdAt = 0 } = solution
        assert.ok(before <= createdAt && createdAt <= Date.now(), `${createdAt}`)
        assert.equal(sandbox.stats().tasks.created, 1)
      })
    }
  })

  describe('raw', together, () => {
    const text =
      '{"token":"a-token","nothing":null,"yes":true,"float":0.1,"big":9007199254740993,"huge":1e400,"tiny":-5e-324,' +
      '"minus":-0,"id":18446744073709551616,"exponent":1E5,"text":"\\u00e9\\ud83d\\ude00 \\"quoted\\" \\\\ \\u0000",' +
      '"deep":[[[{"a":[]}]]],"":"empty","__proto__":{"polluted":true},"constructor":1,"10":"ten","2":"two"}'

    test('raw of a solution is what JSON.parse makes of the wire, in the same order', async t => {
      const body = `{"errorId":0,"status":"ready","solution":${text}}`
      const server = await scripted(t, [{ body }])
      const result = await getTaskResult({ ...account(server), taskId: TASK })
      assert.ok(result.status === 'ready')
      const { raw } = result.solution
      const expected = JSON.parse(text)
      assert.deepEqual(raw, expected)
      assert.deepEqual(Object.keys(raw), Object.keys(expected))
      assert.ok(Object.hasOwn(raw, '__proto__'), 'an own property, as JSON.parse makes it')
      assert.equal(Object.getPrototypeOf(raw), Object.prototype)
      assert.equal(/** @type {any} */ ({}).polluted, undefined)
      assert.ok(Object.is(raw.minus, -0))
    })

    test('raw of a balance is the whole reply', async t => {
      const body = '{"errorId":0,"balance":12.5,"softBalance":9007199254740993,"inviteBy":null,"__proto__":1}'
      const server = await scripted(t, [{ body }])
      const balance = await getBalance(account(server))
      assert.deepEqual(balance, { balance: 12.5, raw: JSON.parse(body) })
      assert.ok(Object.hasOwn(balance.raw, '__proto__'))
    })
  })

  describe('the lower calls', together, () => {
    for (const provider of providers) {
      test(`createTask, getTaskResult and waitForTask agree on a task of ${provider}`, async t => {
        const { sandbox, own, task, later } = await sandboxed(t, { provider, solveTimeMs: 100_000 })
        const before = Date.now()
        const created = await createTask(task)
        assert.deepEqual(Object.keys(created).sort(), ['createdAt', 'provider', 'taskId'])
        assert.ok(before <= created.createdAt && created.createdAt <= Date.now())
        assert.equal(created.provider, provider)
        assert.equal(typeof created.taskId, 'string')
        const { taskId } = created
        assert.deepEqual(await getTaskResult({ ...own, taskId }), { status: 'processing' })
        later(100_000)
        const solution = await waitForTask({ ...own, taskId, pollIntervalMs: 10 })
        const result = await getTaskResult({ ...own, taskId })
        assert.deepEqual(Object.keys(result).sort(), ['solution', 'status'])
        assert.ok(result.status === 'ready')
        assert.deepEqual(
          [result.solution.token, result.solution.taskId, result.solution.polls, result.solution.retries],
          // The ids of this sandbox are numbers there, and text here: the first request finds that out.
          provider === 'custom' ? [solution.token, taskId, 2, 1] : [solution.token, taskId, 1, 0],
        )
        assert.equal(result.solution.expiresAt, result.solution.readyAt + 120_000)
        assert.equal('createdAt' in result.solution, false)
        assert.equal(sandbox.stats().tasks.created, 1)
      })

      test(`getBalance returns the balance of ${provider}, less the price of a task`, async t => {
        const { own, task } = await sandboxed(t, { provider, balance: 100, price: 30 })
        const full = await getBalance(own)
        assert.deepEqual(Object.keys(full).sort(), ['balance', 'raw'])
        assert.deepEqual([full.balance, full.raw.balance, full.raw.errorId], [100, 100, 0])
        await createTask(task)
        assert.equal((await getBalance(own)).balance, 70)
      })
    }
  })

  describe('an integer task id', together, () => {
    const id = 2 ** 40 + 3

    test('an integer task id is a string here and goes out as the integer that it was, in every poll', async t => {
      const created = { path: '/createTask', body: `{"errorId":0,"taskId":${id}}` }
      const server = await scripted(t, [created, replies.processing, replies.ready])
      const solution = await solveTurnstile({ ...account(server), ...page, pollIntervalMs: 10 })
      assert.equal(solution.taskId, String(id))
      for (const { text } of server.requests.slice(1)) assert.ok(text.includes(`"taskId":${id}`), text)
    })

    test('an integer task id above 2^53 keeps every digit', async t => {
      const created = { path: '/createTask', body: '{"errorId":0,"taskId":9007199254740993}' }
      const server = await scripted(t, [created, replies.ready])
      const solution = await solveTurnstile({ ...account(server), ...page, pollIntervalMs: 10 })
      assert.equal(solution.taskId, '9007199254740993')
      assert.match(server.requests[1].text, /"taskId":9007199254740993[,}]/)
    })

    test('an integer task id as createTask returned it is understood by the provider that gave it', async t => {
      const { own, task } = await sandboxed(t, { provider: 'custom' })
      const { taskId } = await createTask(task)
      assert.equal((await getTaskResult({ ...own, taskId })).status, 'ready')
      assert.equal((await getTaskResult({ ...own, taskId: Number(taskId) })).status, 'ready')
    })

    test('an integer task id of an error resumes the task', async t => {
      const { sandbox, own, task, later } = await sandboxed(t, { provider: 'custom', solveTimeMs: 100_000 })
      const stop = new AbortController()
      const options = { ...task, pollIntervalMs: 10, signal: stop.signal, onProgress: () => stop.abort() }
      const error = await failure(solveTurnstile(options))
      later(100_000)
      const taskId = /** @type {string} */ (error.taskId)
      const { token } = await waitForTask({ ...own, taskId, pollIntervalMs: 10 })
      assert.equal(token, sandbox.tasks()[0].token)
    })
  })

  describe('a task that timed out', together, () => {
    for (const provider of /** @type {Provider[]} */ (['ezcaptcha', 'yescaptcha'])) {
      test(`a task that timed out is resumed with waitForTask, and ${provider} charges once`, async t => {
        const { error, sandbox, own, later } = await outOfTime(
          async timeoutMs => {
            const { task, ...here } = await sandboxed(t, { provider, solveTimeMs: 100_000 })
            const error = await failure(solveTurnstile({ ...task, timeoutMs, pollIntervalMs: 50 }))
            return { error, ...here }
          },
          ({ sandbox }) => (sandbox.tasks()[0]?.polls ?? 0) > 0,
        )
        assert.deepEqual([error.code, error.mayBeCharged], ['TIMEOUT', true])
        later(100_000)
        const taskId = /** @type {string} */ (error.taskId)
        const solution = await waitForTask({ ...own, taskId, pollIntervalMs: 10 })
        const { tasks, pointsCharged } = sandbox.stats()
        assert.deepEqual(tasks, { created: 1, delivered: 1, failed: 0, expired: 0 })
        assert.equal(pointsCharged, 15)
        assert.equal(solution.token, sandbox.tasks()[0].token)
      })
    }
  })

  describe('calls side by side', together, () => {
    test('calls side by side keep their tasks apart', async t => {
      const { sandbox, task } = await sandboxed(t, { provider: 'yescaptcha' })
      const options = { ...task, pollIntervalMs: 10 }
      const solutions = await Promise.all(Array.from({ length: 50 }, () => solveTurnstile(options)))
      const tokens = new Map(sandbox.tasks().map(({ taskId, token }) => [taskId, token]))
      assert.equal(tokens.size, 50)
      for (const { taskId, token } of solutions) assert.equal(token, tokens.get(taskId))
      assert.equal(new Set(solutions.map(({ token }) => token)).size, 50)
    })

    test('calls side by side do not wait for each other: a balance comes while a solve is polled', async t => {
      const balanceRead = /** @type {Deferred<void>} */ (new Deferred())
      // The poll is answered once the balance is known.
      const answer = async (/** @type {any} */ { path }, /** @type {any} */ response) => {
        if (path === '/getTaskResult') await balanceRead.promise
        response.end(JSON.stringify(path === '/getTaskResult' ? replies.ready.body : replies.balance.body))
      }
      const server = await scripted(t, [replies.created, answer, answer])
      const onProgress = (/** @type {any} */ { phase }) => {
        if (phase === 'created') getBalance(account(server)).then(() => balanceRead.resolve())
      }
      const options = { ...account(server), ...page, pollIntervalMs: 10, onProgress }
      assert.equal((await solveTurnstile(options)).token, TOKEN)
    })
  })

  describe('the process', together, () => {
    const start = `
    import { getBalance, solveTurnstile } from 'turnstile-solver'
    const [baseURL] = process.argv.slice(1)
    const account = { provider: 'ezcaptcha', clientKey: '${KEY}', baseURL, timeoutMs: 300_000, requestTimeoutMs: 300_000 }
    const page = { websiteURL: '${WEBSITE}', websiteKey: '${SITEKEY}' }`

    test('the process lives until a pending solve has settled, though nothing else holds it, and then ends by itself', async t => {
      const server = await scripted(t, [replies.created, replies.processing, replies.ready])
      const script = `${start}
      solveTurnstile({ ...account, ...page, pollIntervalMs: 10 }).then(({ token }) => console.log(token))`
      const { code, stdout, stderr } = await runScript(script, { args: [server.baseURL] })
      assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: `${TOKEN}\n`, stderr: '' })
    })

    test('the process ends after a settled call, though the server keeps its connection open', async t => {
      const server = await scripted(t, [replies.balance])
      const script = `${start}
      console.log((await getBalance(account)).balance)`
      const { code, stdout } = await runScript(script, { args: [server.baseURL] })
      assert.deepEqual({ code, stdout }, { code: 0, stdout: '1234.5\n' })
    })

    test('the process that only loads the package ends, and prints no warning', async () => {
      const { code, stdout, stderr } = await runScript("import 'turnstile-solver'")
      assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: '', stderr: '' })
    })

    for (const value of ['', '0', 'many', '-1']) {
      test(`the process is not harmed by TOKIO_WORKER_THREADS="${value}" in its environment`, async t => {
        const server = await scripted(t, [replies.balance])
        const script = `${start}
        console.log((await getBalance(account)).balance)`
        const env = { TOKIO_WORKER_THREADS: value }
        const { code, stdout, stderr } = await runScript(script, { args: [server.baseURL], env })
        assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: '1234.5\n', stderr: '' })
      })
    }

    test('an unhandled rejection ends the process with the code in its output', async () => {
      const { code, stderr } = await runScript(`${start}
      getBalance({ provider: 'ezcaptcha' })`)
      assert.equal(code, 1)
      assert.match(stderr, /INVALID_OPTIONS/)
    })

    test('a call whose promise is discarded still runs to its end', async t => {
      const server = await scripted(t, [replies.balance])
      const options = required('getBalance', server.baseURL)
      const asked = new WeakRef(calls.getBalance(options))
      await asked.deref()
      assert.equal(server.requests.length, 1)
    })
  })
})
