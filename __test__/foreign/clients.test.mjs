/** Clients of other authors, whose base URL is the only thing changed, with the sandbox of their provider. */

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { before, describe, test } from 'node:test'
import { startSandbox } from '../../lib/sandbox/index.mjs'
import { prepareForeignClients } from '../../tools/dev/foreign-clients.mjs'
import { KEY } from '../support/calls.mjs'
import { root, run } from '../support/child.mjs'

/** @typedef {import('../../lib/sandbox/index.mjs').SandboxOptions} SandboxOptions */

const clients = /** @type {const} */ ([
  { language: 'Python', name: 'ezcapsolver-py', provider: 'ezcaptcha' },
  { language: 'Python', name: 'yescaptcha-client', provider: 'yescaptcha' },
  { language: 'Python', name: 'capmonstercloudclient', provider: 'capmonster' },
  { language: 'Python', name: 'anticaptchaofficial', provider: 'anticaptcha' },
  { language: 'Node.js', name: '@zennolab_com/capmonstercloud-client', provider: 'capmonster' },
  { language: 'Node.js', name: '@antiadmin/anticaptchaofficial', provider: 'anticaptcha' },
])

/** @type {Awaited<ReturnType<typeof prepareForeignClients>>} */
let installed

before(async () => {
  installed = await prepareForeignClients()
})

/**
 * What a client returns that solves one task with a sandbox.
 *
 * @param {import('node:test').TestContext} t
 * @param {(typeof clients)[number]} client
 * @param {SandboxOptions} options
 */
async function solve(t, { language, name, provider }, options) {
  let ahead = 0
  const now = () => Date.now() + ahead
  const sandbox = await startSandbox({ provider, clientKey: KEY, solveTimeMs: 60_000, now, ...options })
  t.after(() => sandbox.close())
  // The first poll finds the task in progress, and the second one finds it ready.
  sandbox.events.on('task:polled', () => {
    ahead = 60_000
  })
  const { folder, python, pythonPath } = installed
  const [command, script] = language === 'Python' ? [python, 'clients.py'] : [process.execPath, 'clients.mjs']
  const env = { FOREIGN_CLIENTS: folder, PYTHONPATH: pythonPath, NO_PROXY: '*', no_proxy: '*' }
  const args = [join(root, '__test__/foreign', script), name, sandbox.baseURL, KEY]
  const { code, stdout, stderr } = await run(command, args, { env })
  assert.equal(code, 0, stderr)
  const result = /** @type {{ token?: string, error?: string }} */ (JSON.parse(stdout))
  return { result, sandbox }
}

for (const client of clients) {
  describe(`${client.name}, for ${client.language}`, { concurrency: 3 }, () => {
    test('solves a Turnstile task', async t => {
      const { result, sandbox } = await solve(t, client, {})
      const [task] = sandbox.tasks()
      assert.ok(task?.token, JSON.stringify(result))
      assert.deepEqual(result, { token: task.token })
      assert.equal(task.polls, 2)
    })

    test('reports an empty balance, and sends no further request', async t => {
      const { result, sandbox } = await solve(t, client, { balance: 0 })
      assert.match(String(result.error), /ZERO_BALANCE/)
      assert.deepEqual(sandbox.stats().requests, { '/createTask': 1 })
    })

    test('reports a task that failed', async t => {
      const faults = [
        { method: /** @type {const} */ ('getTaskResult'), fault: /** @type {const} */ ('failed-task') },
      ]
      const { result, sandbox } = await solve(t, client, { faults })
      assert.match(String(result.error), /CAPTCHA_UNSOLVABLE/)
      assert.equal(sandbox.stats().tasks.failed, 1)
    })
  })
}
