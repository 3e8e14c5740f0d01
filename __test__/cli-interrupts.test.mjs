import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Deferred, replies, scripted, TASK } from './support/calls.mjs'
import { happened, KEY, open, resumeArguments, run, start } from './support/cli.mjs'

// Windows has no signals to send: there a console's Ctrl-C alone becomes one.
const posix = { concurrency: 6, skip: process.platform === 'win32' }

/** @param {string} type @returns {(event: import('../lib/sandbox/index.mjs').SandboxEvent) => boolean} */
const is = type => event => event.type === type

/**
 * A provider that holds the answer to createTask back until `answer` is called, and the command line pointed at it.
 * @param {import('node:test').TestContext} t
 */
async function creating(t) {
  const [arrived, answered] = [new Deferred(), new Deferred()]
  const server = await scripted(t, [
    async (_, response) => {
      arrived.resolve(undefined)
      await answered.promise
      response.end(JSON.stringify(replies.created.body))
    },
  ])
  const account = ['--provider', 'yescaptcha', '--base-url', server.baseURL, '--poll-interval', '60000']
  const task = ['--url', 'https://shop.example/login', '--sitekey', '0x4AAAAAAATestSitekey']
  const started = start(['solve', ...account, ...task], { env: { YESCAPTCHA_API_KEY: KEY }, input: '' })
  await arrived.promise
  return { ...started, answer: () => answered.resolve(undefined) }
}

describe('Ctrl-C', posix, () => {
  test('it prints the task and the command that resumes it, which fetches the token that is paid for', async t => {
    const { sandbox, solve, env, later } = await open(t, { readyAfterPolls: Number.POSITIVE_INFINITY })
    const { child, ended } = start(solve, { env, input: '' })
    await happened(sandbox, is('task:polled'))
    child.kill('SIGINT')
    const { code, signal, stdout, stderr } = await ended
    assert.deepEqual({ code, signal, stdout }, { code: 130, signal: null, stdout: '' })
    const [{ taskId }] = sandbox.tasks()
    assert.match(
      stderr,
      new RegExp(`^error: interrupted\n {2}provider {2}yescaptcha\n {2}task {6}${taskId}\n`, 'm'),
    )
    assert.doesNotMatch(stderr, /^\s+at /m)

    later()
    const resumed = await run([...resumeArguments(stderr), '--poll-interval', '20'], { env })
    const [task] = sandbox.tasks()
    assert.equal(resumed.stdout, `${task.token}\n`)
    assert.equal(sandbox.stats().tasks.created, 1)
  })

  test('SIGTERM does the same and exits with 143', async t => {
    const { sandbox, solve, env } = await open(t, { solveTimeMs: Number.POSITIVE_INFINITY })
    const { child, ended } = start(solve, { env, input: '' })
    await happened(sandbox, is('task:polled'))
    child.kill('SIGTERM')
    const { code, stderr } = await ended
    assert.equal(code, 143)
    assert.equal(resumeArguments(stderr)[4], sandbox.tasks()[0].taskId)
  })

  test('with --json the task id is in the document', async t => {
    const { sandbox, solve, env } = await open(t, { solveTimeMs: Number.POSITIVE_INFINITY })
    const { child, ended } = start([...solve, '--json'], { env, input: '' })
    await happened(sandbox, is('task:polled'))
    child.kill('SIGINT')
    const { code, stdout, stderr } = await ended
    const { error } = JSON.parse(stdout)
    assert.equal(code, 130)
    assert.equal(stderr, '')
    assert.equal(error.code, 'ABORT_ERR')
    assert.equal(error.exitCode, 130)
    assert.equal(error.taskId, sandbox.tasks()[0].taskId)
  })

  test('while the task is being created it waits for the id', async t => {
    const { child, ended, said, answer } = await creating(t)
    child.kill('SIGINT')
    await said(/^The task is just being created: waiting for its id\./m)
    answer()
    const { code, stderr } = await ended
    assert.equal(code, 130)
    assert.equal(resumeArguments(stderr)[4], TASK)
  })

  test('two that come at once, as npx sends them, are one', async t => {
    const { child, ended, said, answer } = await creating(t)
    child.kill('SIGINT')
    child.kill('SIGINT')
    await said(/waiting for its id/)
    answer()
    const { stderr } = await ended
    assert.equal(resumeArguments(stderr)[4], TASK)
  })

  test('a second one later leaves at once', async t => {
    const { sandbox, solve, env } = await open(t, {
      faults: [{ method: 'createTask', fault: 'no-response' }],
    })
    const { child, ended, said } = start(solve, { env, input: '' })
    await happened(sandbox, is('fault'))
    child.kill('SIGINT')
    await said(/waiting for its id/)
    const again = setInterval(() => child.kill('SIGINT'), 100)
    const { code, stderr } = await ended
    clearInterval(again)
    assert.equal(code, 130)
    assert.doesNotMatch(stderr, /error: interrupted/)
  })

  test('a create that never answers is given up, with a word on what it may have cost', async t => {
    const { sandbox, solve, env } = await open(t, {
      faults: [{ method: 'createTask', fault: 'no-response-after-processing' }],
    })
    const { child, ended } = start(solve, { env, input: '' })
    await happened(sandbox, is('fault'))
    child.kill('SIGINT')
    const { code, stderr } = await ended
    assert.equal(code, 130)
    assert.match(
      stderr,
      /^error: interrupted\n.*\n {2}The task may have been created and charged all the same/m,
    )
  })

  test('between two attempts to create a task none exists: it ends at once and says so', async t => {
    const { solve, env } = await open(t, {
      faults: [{ method: 'createTask', fault: '429', times: 99, retryAfter: 20 }],
    })
    const { child, ended, said } = start(solve, { env, input: '' })
    await said(/again in/)
    child.kill('SIGINT')
    const { code, stderr } = await ended
    assert.equal(code, 130)
    assert.doesNotMatch(stderr, /just being created|turnstile-solver wait|charged/)
    assert.match(stderr, /No task was created\./)
  })

  test('while standard input is read for the key it ends quietly', async t => {
    const { sandbox, solve } = await open(t)
    const { child, ended, said } = start([...solve, '--key-file', '-'], { command: watchedStart() })
    await said(/reading/)
    child.kill('SIGINT')
    const { code, stdout, stderr } = await ended
    assert.equal(code, 130)
    assert.equal(stdout, '')
    assert.match(stderr, /error: interrupted\n$/)
    assert.equal(sandbox.stats().connections.opened, 0)
  })

  test('it ends a wait and a balance', async t => {
    const { sandbox, account, wait, env, create } = await open(t, { solveTimeMs: Number.POSITIVE_INFINITY })
    const taskId = await create()
    const waiting = start([...wait, '--task-id', taskId], { env, input: '' })
    await happened(sandbox, is('task:polled'))
    waiting.child.kill('SIGINT')
    const { code, stderr } = await waiting.ended
    assert.equal(code, 130)
    assert.equal(resumeArguments(stderr)[4], taskId)

    sandbox.addFault({ method: 'getBalance', fault: 'no-response' })
    const asking = start(['balance', ...account], { env, input: '' })
    await happened(sandbox, is('fault'))
    asking.child.kill('SIGINT')
    const { code: second, stderr: said } = await asking.ended
    assert.equal(second, 130)
    assert.equal(said, 'error: interrupted\n  provider  yescaptcha\n')
  })
})

/** The command line, started so that it tells when standard input is first read. @returns {[string, ...string[]]} */
function watchedStart() {
  const tell = `
    const { stdin } = process
    const read = stdin[Symbol.asyncIterator]
    stdin[Symbol.asyncIterator] = function () {
      process.stderr.write('reading\\n')
      return read.call(this)
    }`
  const bin = new URL('../lib/cli/turnstile-solver.mjs', import.meta.url)
  return [
    process.execPath,
    '--import',
    `data:text/javascript,${encodeURIComponent(tell)}`,
    fileURLToPath(bin),
  ]
}
