import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { startSandbox } from '../lib/sandbox/index.mjs'
import { calls, KEY, patient } from './support/calls.mjs'
import { runScript } from './support/child.mjs'

/** @typedef {import('node:test').TestContext} TestContext */

const together = { concurrency: 4 }

/**
 * What runs in a worker: solves, and a word at the moment that the test asked for. One more solve waits for its first poll, so that a worker
 * that is to be terminated does not end by itself.
 */
const source = `
  const { parentPort, workerData } = require('node:worker_threads')
  const { solveTurnstile } = require('turnstile-solver')
  const { options, count, phase, nth } = workerData
  if (phase) solveTurnstile({ ...options, pollIntervalMs: 300_000 }).catch(() => {})
  let seen = 0
  const onProgress = event => {
    if (event.phase === phase && ++seen === nth) parentPort.postMessage('now')
  }
  Promise.all(Array.from({ length: count }, () => solveTurnstile({ ...options, onProgress }))).then(
    solutions => parentPort.postMessage(solutions.filter(({ token }) => token).length))`

/** @param {TestContext} t */
async function provider(t) {
  const sandbox = await startSandbox({ clientKey: KEY, solveTimeMs: 0, balance: 1e9 })
  t.after(() => sandbox.close())
  const page = { websiteURL: 'https://shop.example', websiteKey: 'key' }
  return { sandbox, options: { ...sandbox.account, ...page, ...patient, pollIntervalMs: 10 } }
}

/** @param {Record<string, unknown>} workerData */
const start = workerData => new Worker(source, { eval: true, workerData })

/** @param {Worker} worker @returns {Promise<unknown>} */
async function word(worker) {
  const [said] = await once(worker, 'message')
  return said
}

describe('a worker thread', together, () => {
  for (const [phase, nth] of /** @type {const} */ ([
    ['created', 1],
    ['created', 140],
    ['ready', 1],
    ['ready', 100],
    ['ready', 190],
  ])) {
    test(`a worker thread terminated in the middle of 200 solves, at the ${nth}. that is ${phase}, affects no other thread`, async t => {
      const { options } = await provider(t)
      const mine = Array.from({ length: 20 }, () => calls.solveTurnstile(options))
      const worker = start({ options, count: 200, phase, nth })
      assert.equal(await word(worker), 'now')
      assert.equal(await worker.terminate(), 1)
      for (const { token } of await Promise.all(mine)) assert.ok(token)
      assert.ok((await calls.solveTurnstile(options)).token, 'the main thread solves on')
    })
  }

  test('a worker thread that ends by process.exit in the middle of its solves keeps its exit code', async t => {
    const { options } = await provider(t)
    const exits = source.replace("parentPort.postMessage('now')", 'process.exit(5)')
    const workerData = { options, count: 100, phase: 'ready', nth: 50 }
    const worker = new Worker(exits, { eval: true, workerData })
    const [code] = await once(worker, 'exit')
    assert.equal(code, 5)
    assert.ok((await calls.solveTurnstile(options)).token)
  })

  test('a worker thread that dies of an uncaught exception in the middle of its solves affects no other thread', async t => {
    const { options } = await provider(t)
    const throws = source.replace(
      "parentPort.postMessage('now')",
      "setImmediate(() => { throw new Error('in the worker') })",
    )
    const workerData = { options, count: 100, phase: 'ready', nth: 50 }
    const worker = new Worker(throws, { eval: true, workerData })
    const [error] = await once(worker, 'error')
    assert.match(error.message, /in the worker/)
    assert.ok((await calls.solveTurnstile(options)).token)
  })

  test('a worker thread ends by itself once its solves have settled', async t => {
    const { options } = await provider(t)
    const worker = start({ options, count: 20 })
    const [solved, [code]] = await Promise.all([word(worker), once(worker, 'exit')])
    assert.deepEqual([solved, code], [20, 0])
  })
})

describe('many worker threads', () => {
  test('many worker threads twelve that load the addon at once all solve', async t => {
    const { options, sandbox } = await provider(t)
    const workers = Array.from({ length: 12 }, () => start({ options, count: 4 }))
    assert.deepEqual(await Promise.all(workers.map(word)), Array(12).fill(4))
    await Promise.all(workers.map(worker => worker.terminate()))
    assert.equal(sandbox.stats().tasks.created, 48)
  })

  test('many worker threads terminated again and again leave no thread and no memory behind', async t => {
    const { options } = await provider(t)
    // In a process that does nothing else. What each worker leaves behind would add to every round of four; what the first rounds add is
    // the runtime's and the allocators' own.
    const ended = await runScript(
      `import { once } from 'node:events'
       import { readFileSync } from 'node:fs'
       import { Worker } from 'node:worker_threads'
       const figure = name => Number(new RegExp(name + ':[^0-9]*([0-9]+)').exec(readFileSync('/proc/self/status', 'utf8'))[1])
       const workerData = { options: ${JSON.stringify(options)}, count: 50, phase: 'created', nth: 25 }
       const rounds = []
       do {
         const [threads, kilobytes] = [figure('Threads'), figure('VmRSS')]
         for (let i = 0; i < 4; i++) {
           const worker = new Worker(${JSON.stringify(source)}, { eval: true, execArgv: [], workerData })
           await once(worker, 'message')
           await worker.terminate()
         }
         gc()
         rounds.push({ threads: figure('Threads') - threads, kilobytes: figure('VmRSS') - kilobytes })
       } while (rounds.length < 40 && !(rounds.at(-1).threads <= 0 && rounds.at(-1).kilobytes < 4096))
       console.log(JSON.stringify(rounds))
       process.exit()`,
      { env: { NODE_OPTIONS: '--expose-gc' } },
    )
    assert.deepEqual([ended.code, ended.signal, ended.stderr], [0, null, ''])
    /** @type {{ threads: number, kilobytes: number }[]} */
    const rounds = JSON.parse(ended.stdout)
    const { threads, kilobytes } = rounds[rounds.length - 1]
    assert.ok(threads <= 0 && kilobytes < 4096, JSON.stringify(rounds))
  })

  for (const [what, body] of [
    ['one after another', 'for (let i = 0; i < 3; i++) await solved()'],
    ['at once', 'await Promise.all([solved(), solved(), solved()])'],
    [
      'terminated one after another, then one that is not',
      'for (let i = 0; i < 3; i++) await terminated(); await solved()',
    ],
  ]) {
    test(`three ${what} solve, though the main thread never loads the addon`, async t => {
      const { options } = await provider(t)
      const ended = await runScript(
        `import { Worker } from 'node:worker_threads'
         import { once } from 'node:events'
         const start = data => new Worker(${JSON.stringify(source)}, { eval: true, execArgv: [], workerData: { options: ${JSON.stringify(options)}, count: 10, ...data } })
         const solved = async () => {
           const worker = start()
           const [[count]] = await Promise.all([once(worker, 'message'), once(worker, 'exit')])
           console.log(count)
         }
         const terminated = async () => {
           const worker = start({ count: 50, phase: 'created', nth: 20 })
           await once(worker, 'message')
           await worker.terminate()
           console.log(10)
         }
         ${body}`,
      )
      assert.deepEqual([ended.code, ended.signal, ended.stderr], [0, null, ''])
      assert.match(ended.stdout, /^(10\n){3,4}$/)
    })
  }

  test('many worker threads that the process leaves in the middle of their solves end with it', async t => {
    const { options } = await provider(t)
    for (let turn = 0; turn < 2; turn++) {
      const ended = await runScript(
        `import { Worker } from 'node:worker_threads'
         import { solveTurnstile } from 'turnstile-solver'
         const options = ${JSON.stringify(options)}
         const workers = Array.from({ length: 4 }, () => new Worker(${JSON.stringify(source)},
           { eval: true, execArgv: [], workerData: { options, count: 50, phase: 'ready', nth: 10 } }))
         for (let i = 0; i < 50; i++) solveTurnstile(options)
         for (const worker of workers) worker.on('message', () => process.exit(9))`,
      )
      assert.deepEqual([ended.code, ended.signal, ended.stderr], [9, null, ''])
    }
  })
})
