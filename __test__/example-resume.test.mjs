/** Runs examples/resume, kills it, and runs it again. */

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { startSandbox } from '../lib/sandbox/index.mjs'
import { KEY } from './support/calls.mjs'
import { killedIfItHangs, root, run } from './support/child.mjs'

const script = join(root, 'examples/resume/resume.mjs')

/** Polls faster than providers allow, and gives every call the longest limits. */
const pollFast = `data:text/javascript,${encodeURIComponent(`
  import { createRequire } from 'node:module'
  const api = createRequire(${JSON.stringify(root)})('./index.js')
  const { createTask, waitForTask } = api
  const patient = { timeoutMs: 300_000, requestTimeoutMs: 300_000 }
  api.createTask = options => createTask({ ...options, ...patient })
  api.waitForTask = options => waitForTask({ ...options, ...patient, pollIntervalMs: 10 })`)}`
const args = ['--import', pollFast, script]

/**
 * @param {import('node:test').TestContext} t
 * @param {import('../lib/sandbox/index.mjs').SandboxOptions} [options]
 */
async function stage(t, options) {
  let ahead = 0
  const begun = Date.now()
  const now = () => begun + ahead
  const sandbox = await startSandbox({
    provider: 'ezcaptcha',
    clientKey: KEY,
    solveTimeMs: 100_000,
    now,
    ...options,
  })
  const folder = mkdtempSync(join(tmpdir(), 'turnstile-solver-resume-'))
  t.after(async () => {
    await sandbox.close()
    rmSync(folder, { recursive: true, force: true })
  })
  const file = join(folder, 'task.json')
  const env = { TASK_FILE: file, EZCAPTCHA_API_KEY: KEY, SOLVER_BASE_URL: sandbox.baseURL }
  const later = () => {
    ahead = 100_000
  }
  return { sandbox, file, env, later, again: () => run(process.execPath, args, { env }) }
}

/**
 * Runs the script, and kills it with SIGKILL once the sandbox has emitted the event.
 *
 * @param {Awaited<ReturnType<typeof stage>>} stage
 * @param {import('../lib/sandbox/index.mjs').SandboxEvent['type']} type
 */
async function killed({ sandbox, env }, type) {
  const seen = new Promise(resolve =>
    sandbox.events.on('*', event => event.type === type && resolve(undefined)),
  )
  const child = spawn(process.execPath, args, {
    env: { ...process.env, NODE_OPTIONS: '', ...env },
    ...killedIfItHangs,
  })
  const ended = once(child, 'close')
  await seen
  child.kill('SIGKILL')
  assert.deepEqual(await ended, [null, 'SIGKILL'])
}

describe('examples/resume', { concurrency: 4 }, () => {
  test('the example resume prints a token and removes its file', async t => {
    const { sandbox, file, again } = await stage(t, { solveTimeMs: 0 })
    const { code, stdout, stderr } = await again()
    assert.equal(code, 0, stderr)
    assert.equal(stdout.trim(), sandbox.tasks()[0].token)
    assert.equal(existsSync(file), false)
  })

  test('if the example resume is killed while it waits, the next run resumes the task, which is created, delivered and charged once', async t => {
    const here = await stage(t)
    await killed(here, 'task:polled')
    here.later()
    const { taskId } = JSON.parse(readFileSync(here.file, 'utf8'))
    const { code, stdout, stderr } = await here.again()
    assert.deepEqual([code, stderr], [0, `Resuming task ${taskId}\n`])
    assert.equal(stdout.trim(), here.sandbox.tasks()[0].token)
    const { tasks, pointsCharged } = here.sandbox.stats()
    assert.deepEqual([tasks.created, tasks.delivered, pointsCharged], [1, 1, 15])
    assert.equal(existsSync(here.file), false)
  })

  test('if the example resume is killed while it creates a task, the next run warns that a task may be charged, and creates another', async t => {
    const here = await stage(t, {
      solveTimeMs: 0,
      faults: [{ method: 'createTask', fault: 'no-response-after-processing' }],
    })
    await killed(here, 'task:created')
    const { code, stdout, stderr } = await here.again()
    assert.equal(code, 0, stderr)
    assert.match(
      stderr,
      /^Killed while creating a task at \S+: it may be charged, and its id is unknown\.\nCreated task /,
    )
    assert.equal(stdout.trim(), here.sandbox.tasks()[1].token)
  })

  test('if the provider refuses, it prints the reason and removes its file', async t => {
    const { file, again } = await stage(t, { balance: 0 })
    const { code, stdout, stderr } = await again()
    assert.deepEqual([code, stdout], [1, ''])
    assert.match(stderr, /ERROR_ZERO_BALANCE/)
    assert.equal(existsSync(file), false)
  })

  test('the run after a failed task creates another', async t => {
    const faults = [
      { method: /** @type {const} */ ('getTaskResult'), fault: /** @type {const} */ ('failed-task') },
    ]
    const { sandbox, file, again } = await stage(t, { solveTimeMs: 0, faults })
    assert.equal((await again()).code, 1)
    assert.equal(existsSync(file), false)
    assert.equal((await again()).code, 0)
    assert.equal(sandbox.stats().tasks.created, 2)
  })
})
