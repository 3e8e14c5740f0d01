import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Deferred, replies, scripted, TASK } from './support/calls.mjs'
import { KEY, nextEvent, openSandbox, preloaded, resumeArguments, run, start } from './support/cli.mjs'

// On Windows signals cannot be sent to a process.
const posix = { concurrency: 6, skip: process.platform === 'win32' }

/** @param {string} type @returns {(event: import('../lib/sandbox/index.mjs').SandboxEvent) => boolean} */
const is = type => event => event.type === type

/**
 * Starts `solve` with a provider that does not reply to createTask until `reply` is called. A signal is deferred for as long as that takes.
 * @param {import('node:test').TestContext} t
 * @param {string} [script] what is run before it
 */
async function creating(t, script = '') {
  const [requested, replied] = [new Deferred(), new Deferred()]
  const server = await scripted(t, [
    async (_, response) => {
      requested.resolve(undefined)
      await replied.promise
      response.end(JSON.stringify(replies.created.body))
    },
  ])
  const account = ['--provider', 'yescaptcha', '--base-url', server.baseURL, '--poll-interval', '300000']
  const task = ['--url', 'https://shop.example/login', '--sitekey', '0x4AAAAAAATestSitekey']
  const args = ['solve', ...account, ...task]
  const command = preloaded(deferralOf('2 ** 30') + script)
  const started = start(args, { command, env: { YESCAPTCHA_API_KEY: KEY }, input: '' })
  await requested.promise
  return { ...started, reply: () => replied.resolve(undefined) }
}

describe('a signal ends a command', posix, () => {
  test('SIGINT prints the task and the command that resumes it, and that command gets the token', async t => {
    const { sandbox, solve, env, makeReady } = await openSandbox(t, {
      readyAfterPolls: Number.POSITIVE_INFINITY,
    })
    const { child, ended } = start(solve, { env, input: '' })
    await nextEvent(sandbox, is('task:polled'))
    child.kill('SIGINT')
    const { code, signal, stdout, stderr } = await ended
    assert.deepEqual({ code, signal, stdout }, { code: 130, signal: null, stdout: '' })
    const [{ taskId }] = sandbox.tasks()
    assert.match(
      stderr,
      new RegExp(`^error: interrupted\n {2}provider {2}yescaptcha\n {2}task {6}${taskId}\n`, 'm'),
    )
    assert.doesNotMatch(stderr, /^\s+at /m)

    makeReady()
    const resumed = await run([...resumeArguments(stderr), '--poll-interval', '20'], { env })
    const [task] = sandbox.tasks()
    assert.equal(resumed.stdout, `${task.token}\n`)
    assert.equal(sandbox.stats().tasks.created, 1)
  })

  test('SIGTERM prints the task and exits with 143', async t => {
    const { sandbox, solve, env } = await openSandbox(t, { solveTimeMs: Number.POSITIVE_INFINITY })
    const { child, ended } = start(solve, { env, input: '' })
    await nextEvent(sandbox, is('task:polled'))
    child.kill('SIGTERM')
    const { code, stderr } = await ended
    assert.equal(code, 143)
    assert.equal(resumeArguments(stderr)[4], sandbox.tasks()[0].taskId)
  })

  test('SIGINT with --json prints a document with the task id', async t => {
    const { sandbox, solve, env } = await openSandbox(t, { solveTimeMs: Number.POSITIVE_INFINITY })
    const { child, ended } = start([...solve, '--json'], { env, input: '' })
    await nextEvent(sandbox, is('task:polled'))
    child.kill('SIGINT')
    const { code, stdout, stderr } = await ended
    const { error } = JSON.parse(stdout)
    assert.equal(code, 130)
    assert.equal(stderr, '')
    assert.equal(error.code, 'ABORT_ERR')
    assert.equal(error.exitCode, 130)
    assert.equal(error.taskId, sandbox.tasks()[0].taskId)
  })

  test('SIGINT during createTask waits for the task id', async t => {
    const { child, ended, outputMatches, reply } = await creating(t)
    child.kill('SIGINT')
    await outputMatches(/^The task is being created: waiting for its id\./m)
    reply()
    const { code, stderr } = await ended
    assert.equal(code, 130)
    assert.equal(resumeArguments(stderr)[4], TASK)
  })

  test('two SIGINT at once, as npx sends them, count as one', async t => {
    const { child, ended, outputMatches, reply } = await creating(t, 'performance.now = () => 0')
    child.kill('SIGINT')
    // Two that are pending at the same time would be one for the system already.
    await outputMatches(/waiting for its id/)
    child.kill('SIGINT')
    reply()
    const { stderr } = await ended
    assert.equal(resumeArguments(stderr)[4], TASK)
  })

  test('a later second SIGINT exits at once', async t => {
    // Each look at the clock is a second later.
    const { child, ended, outputMatches } = await creating(
      t,
      'let at = 0; performance.now = () => (at += 1000)',
    )
    child.kill('SIGINT')
    await outputMatches(/waiting for its id/)
    child.kill('SIGINT')
    const { code, stderr } = await ended
    assert.equal(code, 130)
    assert.doesNotMatch(stderr, /error: interrupted/)
  })

  test('SIGINT during a createTask without a reply ends with a warning that the task may be charged', async t => {
    const { sandbox, solve, env } = await openSandbox(t, {
      faults: [{ method: 'createTask', fault: 'no-response-after-processing' }],
    })
    const { child, ended } = start(solve, {
      command: preloaded(deferralOf('0')),
      env,
      input: '',
    })
    await nextEvent(sandbox, is('fault'))
    child.kill('SIGINT')
    const { code, stderr } = await ended
    assert.equal(code, 130)
    assert.match(stderr, /^error: interrupted\n.*\n {2}The task may have been created and charged\./m)
  })

  test('SIGINT between two attempts of createTask exits at once and prints that no task was created', async t => {
    const { solve, env } = await openSandbox(t, {
      faults: [{ method: 'createTask', fault: '429', times: 99, retryAfter: 60 }],
    })
    const { child, ended, outputMatches } = start(solve, { env, input: '' })
    await outputMatches(/retry in/)
    child.kill('SIGINT')
    const { code, stderr } = await ended
    assert.equal(code, 130)
    assert.doesNotMatch(stderr, /is being created|turnstile-solver wait|charged/)
    assert.match(stderr, /No task was created\./)
  })

  test('SIGINT while the key is read from standard input prints only that it was interrupted', async t => {
    const { sandbox, solve } = await openSandbox(t)
    const { child, ended, outputMatches } = start([...solve, '--key-file', '-'], {
      command: preloaded(readNotice),
    })
    await outputMatches(/reading/)
    child.kill('SIGINT')
    const { code, stdout, stderr } = await ended
    assert.equal(code, 130)
    assert.equal(stdout, '')
    assert.match(stderr, /error: interrupted\n$/)
    assert.equal(sandbox.stats().connections.opened, 0)
  })

  test('SIGINT ends wait and balance', async t => {
    const { sandbox, account, wait, env, createTask } = await openSandbox(t, {
      solveTimeMs: Number.POSITIVE_INFINITY,
    })
    const taskId = await createTask()
    const waiting = start([...wait, '--task-id', taskId], { env, input: '' })
    await nextEvent(sandbox, is('task:polled'))
    waiting.child.kill('SIGINT')
    const { code, stderr } = await waiting.ended
    assert.equal(code, 130)
    assert.equal(resumeArguments(stderr)[4], taskId)

    sandbox.addFault({ method: 'getBalance', fault: 'no-response' })
    const asking = start(['balance', ...account], { env, input: '' })
    await nextEvent(sandbox, is('fault'))
    asking.child.kill('SIGINT')
    const { code: second, stderr: output } = await asking.ended
    assert.equal(second, 130)
    assert.equal(output, 'error: interrupted\n  provider  yescaptcha\n')
  })
})

/** Changes how long a signal is deferred at most. @param {string} milliseconds */
function deferralOf(milliseconds) {
  return `
    const { setTimeout: later } = globalThis
    globalThis.setTimeout = (run, ms, ...rest) => later(run, ms === 5000 ? ${milliseconds} : ms, ...rest)
    `
}

/** Prints `reading` when standard input is first read. */
const readNotice = `
  const { stdin } = process
  const read = stdin[Symbol.asyncIterator]
  stdin[Symbol.asyncIterator] = function () {
    process.stderr.write('reading\\n')
    return read.call(this)
  }`
