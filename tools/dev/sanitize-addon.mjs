// What `node tools/dev/sanitize.mjs addon` has Node.js do under AddressSanitizer: everything that crosses between JavaScript and
// Rust, and everything that can be interrupted on the way.
import assert from 'node:assert/strict'
import { on } from 'node:events'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { createTask, getBalance, isTurnstileError, solveTurnstile, waitForTask } from '../../index.js'
import { startSandbox } from '../../lib/sandbox/index.mjs'

const page = { websiteURL: 'https://example.com/', websiteKey: '0x4AAAAAAASanitized' }
const patient = { timeoutMs: 60_000, pollIntervalMs: 1000 }

/** @typedef {import('../../lib/sandbox/index.d.mts').SandboxAccount} Account */

/** @param {Account} account */
function solves(account, count = 40) {
  return Promise.allSettled(
    Array.from({ length: count }, () => solveTurnstile({ ...account, ...page, ...patient })),
  )
}

async function all() {
  const sandbox = await startSandbox({
    provider: 'ezcaptcha',
    balance: 1_000_000,
    solveTimeMs: [0, 1500],
    faults: [
      { method: 'getTaskResult', fault: 'connection-reset', probability: 0.05 },
      { method: 'getTaskResult', fault: 'truncated-json', probability: 0.05 },
      { method: 'getTaskResult', fault: 'deep-json', probability: 0.02 },
      { method: 'getTaskResult', fault: 'oversized', probability: 0.02 },
      { method: 'getTaskResult', fault: 'whitespace', probability: 0.02 },
      { method: 'getTaskResult', fault: 'echo-key', probability: 0.02 },
      { method: 'createTask', fault: 'wrong-types', probability: 0.05 },
    ],
  })
  const { account } = sandbox

  const ended = await solves(account)
  const solved = ended.filter(({ status }) => status === 'fulfilled').length
  const odd = ended.filter(outcome => outcome.status === 'rejected' && !isTurnstileError(outcome.reason))
  assert.deepEqual(odd, [])
  assert.ok(solved > 0)
  console.log(`${solved} of ${ended.length} faulted solves came to a token, the others to a TurnstileError`)

  const abort = new AbortController()
  const aborted = Array.from({ length: 100 }, () =>
    solveTurnstile({
      ...account,
      ...page,
      ...patient,
      signal: abort.signal,
      onProgress() {
        abort.abort()
        throw new Error('thrown by the callback')
      },
    }),
  )
  process.on('warning', () => {})
  const codes = new Set(
    (await Promise.allSettled(aborted)).map(outcome => Reflect.get(outcome, 'reason')?.code),
  )
  assert.ok(codes.has('ABORT_ERR'), [...codes].join())
  console.log('100 solves aborted by one signal, from a callback that throws')

  const hostile = [
    null,
    [],
    {
      get provider() {
        throw new Error('no')
      },
    },
    new Proxy(
      {},
      {
        ownKeys() {
          throw new Error('no')
        },
      },
    ),
    {
      ...account,
      ...page,
      extraTaskFields: {
        toJSON() {
          throw new Error('no')
        },
      },
    },
    { ...account, ...page, extraTaskFields: { long: 'x'.repeat(10_000_000) }, timeoutMs: 0.5 },
    { ...account, ...page, websiteKey: '\ud800', timeoutMs: -1 },
    { ...account, taskId: 1.5 },
  ]
  for (const call of [createTask, getBalance, solveTurnstile, waitForTask]) {
    for (const options of hostile) {
      await assert.rejects(call(/** @type {any} */ (options)), { code: 'INVALID_OPTIONS' })
    }
  }
  console.log('hostile options refused')

  sandbox.clearFaults()
  for (let round = 0; round < 8; round++) {
    const worker = new Worker(new URL(import.meta.url), { workerData: account })
    for await (const _ of on(worker, 'message')) break
    await worker.terminate()
  }
  console.log('8 worker threads ended in the middle of their solves')

  await getBalance(account)
  await sandbox.close()
}

if (isMainThread) await all()
else {
  const under = solves(workerData, 50)
  await createTask({ ...workerData, ...page })
  parentPort?.postMessage('under way')
  await under
}
