import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { startSandbox } from '../lib/sandbox/index.mjs'
import { KEY } from './support/calls.mjs'
import { runScript } from './support/child.mjs'

/** @typedef {import('node:test').TestContext} TestContext */
/** @typedef {import('../lib/sandbox/index.mjs').SandboxOptions} SandboxOptions */

const together = { concurrency: 4 }

/**
 * Runs a script against a sandbox outside of its process. `options` are those of a solve there, `waiting` those of one that never ends.
 * @param {TestContext} t
 * @param {string} script
 * @param {{ env?: NodeJS.ProcessEnv, sandbox?: SandboxOptions }} [options]
 */
async function inProcess(t, script, { env, sandbox: options } = {}) {
  const sandbox = await startSandbox({ clientKey: KEY, solveTimeMs: 0, balance: 1e9, ...options })
  t.after(() => sandbox.close())
  const prelude = `
    import * as api from 'turnstile-solver'
    import { readdirSync, readFileSync } from 'node:fs'
    const { solveTurnstile, waitForTask, createTask, getBalance, TurnstileError, isTurnstileError } = api
    const account = ${JSON.stringify(sandbox.account)}
    const options = { ...account, websiteURL: 'https://shop.example', websiteKey: 'key', timeoutMs: 300_000, requestTimeoutMs: 300_000, pollIntervalMs: 10 }
    const waiting = { ...options, pollIntervalMs: 300_000 }
    const many = (count, more) => Array.from({ length: count }, () => solveTurnstile({ ...options, ...more }))
    const threads = () => readdirSync('/proc/self/task').map(id => readFileSync('/proc/self/task/' + id + '/comm', 'utf8').trim())
    const rss = () => process.memoryUsage.rss() / 2 ** 20
    /** Calls back when so many events of a phase came. */
    const atThe = (nth, phase, then) => {
      let seen = 0
      return event => { if (event.phase === phase && ++seen === nth) then(event) }
    }
  `
  return { ...(await runScript(prelude + script, { env })), sandbox }
}

/** @param {import('./support/child.mjs').Ended} ended */
function assertEnded({ code, signal, stderr }, expected = 0, quiet = true) {
  assert.deepEqual([code, signal], [expected, null], stderr)
  if (quiet) assert.equal(stderr, '')
}

describe('a pending solve', together, () => {
  test('a pending solve keeps the process alive until it has settled, and nothing does afterwards', async t => {
    const ended = await inProcess(
      t,
      `solveTurnstile(options).then(({ token }) => console.log(token.length > 0, process.getActiveResourcesInfo()))`,
    )
    assertEnded(ended)
    assert.equal(ended.stdout, 'true []\n')
  })

  test('a pending solve with a signal and a progress callback leaves no handle', async t => {
    const ended = await inProcess(
      t,
      `const { signal } = new AbortController()
       const events = []
       solveTurnstile({ ...options, signal, onProgress: ({ phase }) => events.push(phase) })
         .then(() => console.log(events.join(), process.getActiveResourcesInfo()))`,
    )
    assertEnded(ended)
    assert.equal(ended.stdout, 'created,ready []\n')
  })

  test('a pending solve that was aborted holds nothing, however long it would have waited', async t => {
    const ended = await inProcess(
      t,
      `const controller = new AbortController()
       const { signal } = controller
       const onProgress = atThe(100, 'created', () => controller.abort())
       const solves = Array.from({ length: 100 }, () => solveTurnstile({ ...waiting, signal, onProgress }))
       const settled = await Promise.allSettled(solves)
       console.log(settled.every(({ reason }) => reason.code === 'ABORT_ERR' && reason.taskId))`,
    )
    assertEnded(ended)
    // One that waited for its first poll would not end within the time that the process has.
    assert.equal(ended.stdout, 'true\n')
  })
})

describe('in the middle of 200 solves', together, () => {
  // Ten times, as what may go wrong is a race: at several points of the solves' lives.
  const moments = /** @type {const} */ ([
    ['created', 1],
    ['created', 100],
    ['ready', 1],
    ['ready', 100],
    ['ready', 199],
  ])
  for (const [phase, nth] of moments) {
    test(`in the middle of 200 solves, process.exit at the ${nth}. that is ${phase} keeps its exit code, twice of two`, async t => {
      for (let turn = 0; turn < 2; turn++) {
        const ended = await inProcess(
          t,
          `many(200, { onProgress: atThe(${nth}, '${phase}', () => process.exit(42)) })`,
        )
        assertEnded(ended, 42)
      }
    })
  }

  test('in the middle of 200 solves, an uncaught exception ends the process with its text and exit code 1', async t => {
    const ended = await inProcess(
      t,
      `many(200, { onProgress: atThe(60, 'ready', () => setImmediate(() => { throw new Error('uncaught here') })) })`,
    )
    assertEnded(ended, 1, false)
    assert.match(ended.stderr, /uncaught here/)
  })

  test('in the middle of 200 solves, an uncaught exception that is handled affects no solve', async t => {
    const ended = await inProcess(
      t,
      `process.on('uncaughtException', () => {})
       const boom = () => setImmediate(() => { throw new Error('handled') })
       const solutions = await Promise.all(many(200, { onProgress: atThe(60, 'ready', boom) }))
       console.log(solutions.every(({ token }) => token))`,
    )
    assertEnded(ended)
    assert.equal(ended.stdout, 'true\n')
    assert.equal(ended.sandbox.stats().tasks.delivered, 200)
  })

  test('in the middle of 200 solves, an unhandled rejection ends the process as any other, and names the error', async t => {
    const ended = await inProcess(
      t,
      `many(200, { onProgress: atThe(60, 'created', () => void getBalance({})) })`,
    )
    assertEnded(ended, 1, false)
    assert.match(ended.stderr, /INVALID_OPTIONS/)
    assert.ok(!ended.stderr.includes(KEY))
  })

  test('in the middle of 200 solves, a signal to terminate ends the process by that signal', async t => {
    const ended = await inProcess(
      t,
      `many(200, { onProgress: atThe(100, 'created', () => process.kill(process.pid, 'SIGTERM')) })`,
    )
    assert.deepEqual([ended.code, ended.signal, ended.stderr], [null, 'SIGTERM', ''])
  })
})

describe('a progress callback', together, () => {
  test('a progress callback that throws, rejects, never ends its promise or calls back, hundreds of times, ends no solve', async t => {
    const ended = await inProcess(
      t,
      `const unshowable = { [Symbol.for('nodejs.util.inspect.custom')]() { throw new Error('cannot be shown') } }
       const callbacks = {
         'throws': () => { throw new Error('thrown in there') },
         'throws what throws when it is shown': () => { throw unshowable },
         'rejects': () => Promise.reject(new Error('rejected in there')),
         'returns a thenable that throws': () => ({ get then() { throw new Error('then') } }),
         'never ends its promise': () => new Promise(() => {}),
         'calls back into the addon': () => Promise.all([getBalance(account), createTask({}).catch(() => {})]),
       }
       for (const [what, callback] of Object.entries(callbacks)) {
         let called = 0
         const onProgress = () => { called++; return callback() }
         const solutions = await Promise.all(many(100, { onProgress }))
         console.log(what, called >= 200, solutions.every(({ token }) => token))
       }`,
    )
    assertEnded(ended, 0, false)
    const callbacks = [
      ...['throws', 'throws what throws when it is shown', 'rejects', 'returns a thenable that throws'],
      ...['never ends its promise', 'calls back into the addon'],
    ]
    assert.equal(ended.stdout, callbacks.map(what => `${what} true true\n`).join(''))
  })

  test('a progress callback that starts solves whose callbacks start solves is called for all of them', async t => {
    const ended = await inProcess(
      t,
      `let solved = 0
       const solve = depth => solveTurnstile({ ...options, onProgress: atThe(1, 'created', () => depth && solve(depth - 1)) })
         .then(() => solved++)
       solve(5)
       process.on('exit', () => console.log(solved))`,
    )
    assertEnded(ended)
    assert.equal(ended.stdout, '6\n')
  })
})

describe('one signal shared by 1000 solves', together, () => {
  test('one signal shared by 1000 solves rejects them all with its reason, is warned of nothing and keeps no listener', async t => {
    const ended = await inProcess(
      t,
      `import { getEventListeners } from 'node:events'
       const settle = async count => {
         const controller = new AbortController()
         const { signal } = controller
         const reason = new Error('enough')
         const solves = Array.from({ length: count }, () => solveTurnstile({ ...waiting, signal }))
         setImmediate(() => controller.abort(reason))
         const settled = await Promise.allSettled(solves)
         const right = settled.every(({ reason: error }) => error?.code === 'ABORT_ERR' && error.cause === reason)
         return { right, left: getEventListeners(signal, 'abort').length }
       }
       // What is kept for each solve would add to every round. What the first rounds add is the allocators' own.
       const rounds = []
       do {
         const before = rss()
         const round = await settle(1000)
         gc()
         rounds.push({ ...round, grown: rss() - before })
       } while (rounds.at(-1).grown > 1 && rounds.length < 40)
       console.log(JSON.stringify(rounds))`,
      { env: { NODE_OPTIONS: '--expose-gc' } },
    )
    assertEnded(ended)
    /** @type {{ right: boolean, left: number, grown: number }[]} */
    const rounds = JSON.parse(ended.stdout)
    for (const { right, left } of rounds) assert.deepEqual({ right, left }, { right: true, left: 0 })
    const growth = rounds.map(({ grown }) => grown.toFixed(1))
    assert.ok(Number(growth.at(-1)) <= 1, `each round grew, in MiB: ${growth}`)
  })
})

describe('threads', together, () => {
  test('there are no threads before the first call', async t => {
    const ended = await inProcess(
      t,
      `console.log(threads().filter(name => name.startsWith('turnstile')).length)`,
    )
    assertEnded(ended)
    assert.equal(ended.stdout, '0\n')
  })

  // The names of this machine are not looked up, which would take threads.
  for (const { host, limit } of [
    { host: '127.0.0.1', limit: 4 },
    { host: 'localhost', limit: 4 },
  ]) {
    test(`threads stay few during 200 solves at ${host}`, async t => {
      const ended = await inProcess(
        t,
        `const before = threads().length
         const baseURL = account.baseURL.replace('127.0.0.1', '${host}')
         let most = 0
         let events = 0
         const count = () => { most = Math.max(most, threads().length - before) }
         await Promise.all(many(200, { baseURL, onProgress: () => ++events % 20 || count() }))
         console.log(most)`,
      )
      assertEnded(ended)
      assert.ok(Number(ended.stdout) > 0)
      assert.ok(Number(ended.stdout) <= limit, `${ended.stdout.trim()} threads more`)
    })
  }
})

describe('a vm context', together, () => {
  test('a vm context may create the options, the callback and the call itself', async t => {
    const ended = await inProcess(
      t,
      `import vm from 'node:vm'
       const context = vm.createContext({ api, options, seen: [] })
       const { token } = await vm.runInContext(
         'api.solveTurnstile({ ...options, onProgress: event => void seen.push(event.phase) })', context)
       const error = await vm.runInContext(
         'api.getBalance(JSON.parse("{\\\\"provider\\\\": 7}")).catch(error => error)', context)
       const thrown = await vm.runInContext(
         'api.getBalance({ get provider() { throw new RangeError("there") } }).catch(error => error)', context)
       console.log(token.length > 0, context.seen.join(), error instanceof TurnstileError, error.option, thrown.code)`,
    )
    assertEnded(ended)
    assert.equal(ended.stdout, 'true created,ready true provider INVALID_OPTIONS\n')
  })

  test('a vm context may have a signal of its own', async t => {
    const ended = await inProcess(
      t,
      `import vm from 'node:vm'
       const context = vm.createContext({ AbortController, EventTarget, Event })
       const controller = vm.runInContext('new AbortController()', context)
       const own = vm.runInContext(\`
         class Signal extends EventTarget { aborted = false; reason = undefined }
         const signal = new Signal()
         ;({ signal, abort(reason) { Object.assign(signal, { aborted: true, reason }); signal.dispatchEvent(new Event('abort')) } })\`, context)
       const errors = [controller, own].map(({ signal }) => solveTurnstile({ ...waiting, signal }).catch(error => error))
       setImmediate(() => { controller.abort('why'); own.abort('why') })
       for (const { code, cause } of await Promise.all(errors)) console.log(code, cause)`,
    )
    assertEnded(ended)
    assert.equal(ended.stdout, 'ABORT_ERR why\nABORT_ERR why\n')
  })

  test('a vm context that is discarded does not affect its solves', async t => {
    const ended = await inProcess(
      t,
      `import vm from 'node:vm'
       let solves = Array.from({ length: 20 }, () => vm.runInNewContext('f({ ...o, onProgress() { Array(1e4).fill({}) } })', { f: solveTurnstile, o: options }))
       gc()
       const solutions = await Promise.all(solves)
       console.log(solutions.every(({ token }) => token))`,
      { env: { NODE_OPTIONS: '--expose-gc' } },
    )
    assertEnded(ended)
    assert.equal(ended.stdout, 'true\n')
  })
})
