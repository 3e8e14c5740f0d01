import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { outOfTime } from './support/calls.mjs'
import { KEY, openSandbox, resumeArguments, run, runAll, start } from './support/cli.mjs'

/** @typedef {import('../lib/sandbox/index.mjs').SandboxOptions} SandboxOptions */

/**
 * @typedef {object} Case
 * @property {string} name
 * @property {SandboxOptions} sandbox
 * @property {string[]} [flags]
 * @property {number} exitCode
 * @property {string} code
 * @property {RegExp} message
 * @property {RegExp} next
 * @property {boolean} task whether there is a task to resume
 */

/** @param {string} errorCode @returns {SandboxOptions} */
const refusing = errorCode => ({ faults: [{ method: 'createTask', fault: 'error', errorCode }] })

/** @type {Case[]} */
const cases = [
  {
    name: 'an empty balance',
    sandbox: { balance: 0 },
    exitCode: 3,
    code: 'PROVIDER_ERROR',
    message: /createTask failed: ERROR_ZERO_BALANCE/,
    next: /Check the key, the balance and the plan/,
    task: false,
  },
  {
    name: 'a ban',
    sandbox: refusing('ERROR_IP_BANNED'),
    exitCode: 4,
    code: 'PROVIDER_ERROR',
    message: /ERROR_IP_BANNED/,
    next: /Wait until the ban ends/,
    task: false,
  },
  {
    name: 'a task that fails',
    sandbox: { faults: [{ method: 'createTask', fault: 'failed-task' }] },
    exitCode: 5,
    code: 'PROVIDER_ERROR',
    message: /ERROR_CAPTCHA_UNSOLVABLE/,
    next: /A new task may succeed, and may be charged\.\n {2}To query it once more/,
    task: true,
  },
  {
    name: 'a task that is refused',
    sandbox: refusing('ERROR_REQUIRED_FIELDS'),
    exitCode: 6,
    code: 'PROVIDER_ERROR',
    message: /ERROR_REQUIRED_FIELDS/,
    next: /Correct it first/,
    task: false,
  },
  {
    name: 'an unknown code',
    sandbox: refusing('ERROR_FULL_MOON'),
    exitCode: 6,
    code: 'PROVIDER_ERROR',
    message: /ERROR_FULL_MOON/,
    next: /See the provider's documentation/,
    task: false,
  },
  {
    name: 'a connection reset after the task was created',
    sandbox: { faults: [{ method: 'createTask', fault: 'connection-reset-after-processing' }] },
    exitCode: 8,
    code: 'CONNECTION_FAILED',
    message: /createTask failed: 127\.0\.0\.1:\d+ reset the connection before its reply was complete/,
    next: /created and charged\. Compare the balance: turnstile-solver balance --provider yescaptcha --base-url http/,
    task: false,
  },
  {
    name: 'a base URL that is not a task API',
    sandbox: { faults: [{ fault: 'reply', status: 404 }] },
    exitCode: 9,
    code: 'HTTP_ERROR',
    message: /HTTP 404/,
    next: /Check that --base-url is the address of a task API/,
    task: false,
  },
  {
    name: 'an HTML page as the reply',
    sandbox: { faults: [{ method: 'createTask', fault: 'html' }] },
    exitCode: 9,
    code: 'INVALID_RESPONSE',
    message: /createTask failed/,
    next: /Compare the balance/,
    task: false,
  },
  {
    name: 'a solution without a token',
    sandbox: { faults: [{ method: 'getTaskResult', fault: 'ready-without-token' }] },
    exitCode: 9,
    code: 'INVALID_RESPONSE',
    message: /has no token/,
    next: /has no token that can be used\..*\n {2}To query it once more, free of charge:/,
    task: true,
  },
]

/**
 * A solve whose task is never ready, with a time limit that left time for a poll.
 * @param {import('node:test').TestContext} t
 * @param {object} [options]
 * @param {SandboxOptions} [options.sandbox]
 * @param {string[]} [options.flags]
 * @param {string} [options.input]
 * @param {(ended: { stderr: string, sandbox: import('../lib/sandbox/index.mjs').Sandbox }) => boolean} [options.happened]
 */
async function timedOut(t, { sandbox: options, flags = [], input = '', happened } = {}) {
  const ended = await outOfTime(
    async limitMs => {
      const opened = await openSandbox(t, { readyAfterPolls: Number.POSITIVE_INFINITY, ...options })
      const { solve, env } = opened
      const args = [...solve, '--timeout', `${limitMs}`, ...flags]
      return { ...opened, ...(await run(args, { env: input ? {} : env, input })) }
    },
    happened ?? (({ sandbox }) => (sandbox.tasks()[0]?.polls ?? 0) > 0),
  )
  assert.equal(ended.code, 7)
  return ended
}

describe('solve fails', { concurrency: 6 }, () => {
  /** @type {(() => unknown)[]} */
  const closing = []
  after(() => Promise.all(closing.map(close => close())))
  /** Every case without and with `--json`, each with its own sandbox. */
  const runCases = async () => {
    const variants = cases.flatMap(({ sandbox, flags = [] }) => [
      { sandbox, flags },
      { sandbox, flags: [...flags, '--json'] },
    ])
    const at = /** @type {any} */ ({ after: (/** @type {() => unknown} */ close) => closing.push(close) })
    const opened = await Promise.all(variants.map(({ sandbox }) => openSandbox(at, sandbox)))
    const runs = variants.map(({ flags }, i) => ({
      args: [...opened[i].solve, ...flags],
      env: opened[i].env,
    }))
    const ended = await runAll(runs)
    return ended.map((result, i) => ({ ...result, sandbox: opened[i].sandbox }))
  }
  /** @type {ReturnType<typeof runCases> | undefined} */
  let results

  for (const [i, { name, exitCode, code, message, next, task }] of cases.entries()) {
    test(`solve exits with ${exitCode} on ${name} and prints what to do, without a stack`, async () => {
      results ??= runCases()
      const { sandbox, ...ended } = (await results)[2 * i]
      assert.equal(ended.code, exitCode)
      assert.equal(ended.stdout, '')
      const report = ended.stderr.slice(ended.stderr.indexOf('error:'))
      const [first, provider] = report.split('\n')
      assert.match(first, message)
      assert.equal(provider, '  provider  yescaptcha')
      assert.match(report, next)
      assert.doesNotMatch(ended.stderr, /^\s+at |waitForTask|timeoutMs/m)
      if (!task) return assert.doesNotMatch(report, /^ {2}task |turnstile-solver wait/m)
      const [{ taskId }] = sandbox.tasks()
      assert.match(report, new RegExp(`^  task      ${taskId}$`, 'm'))
      const resume = ['wait', '--provider', 'yescaptcha', '--task-id', taskId, '--base-url', sandbox.baseURL]
      assert.deepEqual(resumeArguments(report), resume)
    })

    test(`solve --json prints a document with the code ${code} on ${name}`, async () => {
      results ??= runCases()
      const { sandbox, ...ended } = (await results)[2 * i + 1]
      assert.equal(ended.code, exitCode)
      assert.equal(ended.stderr, '')
      const { error } = JSON.parse(ended.stdout)
      assert.equal(error.code, code)
      assert.equal(error.exitCode, exitCode)
      assert.equal(error.provider, 'yescaptcha')
      assert.equal(typeof error.mayBeCharged, 'boolean')
      assert.equal(error.taskId, task ? sandbox.tasks()[0].taskId : undefined)
      assert.equal(error.resume?.endsWith(' --json'), task ? true : undefined)
    })
  }

  test('solve exits with 7 on a timeout and prints what to do, without a stack', async t => {
    const { sandbox, stdout, stderr } = await timedOut(t)
    assert.equal(stdout, '')
    assert.match(stderr, /^error: no token within \d+\.\d s \(\d+ polls?\)/m)
    assert.match(stderr, /paid for and continues at yescaptcha\.\n {2}To get its token:/)
    assert.doesNotMatch(stderr, /^\s+at |waitForTask|timeoutMs/m)
    const [{ taskId }] = sandbox.tasks()
    assert.match(stderr, new RegExp(`^  task      ${taskId}$`, 'm'))
    assert.equal(resumeArguments(stderr)[4], taskId)
  })

  test('solve --json prints a document with the code TIMEOUT on a timeout', async t => {
    const { sandbox, stdout, stderr } = await timedOut(t, { flags: ['--json'] })
    assert.equal(stderr, '')
    const { code, exitCode, provider, mayBeCharged, taskId, resume } = JSON.parse(stdout).error
    assert.deepEqual([code, exitCode, provider, mayBeCharged], ['TIMEOUT', 7, 'yescaptcha', true])
    assert.equal(taskId, sandbox.tasks()[0].taskId)
    assert.ok(resume.endsWith(' --json'))
  })

  test('the command that a timeout prints gets the token without a second task', async t => {
    const { sandbox, env, makeReady, stderr } = await timedOut(t)
    makeReady()
    const { stdout } = await run([...resumeArguments(stderr), '--poll-interval', '20'], { env })
    assert.equal(stdout, `${sandbox.tasks()[0].token}\n`)
    assert.equal(sandbox.stats().tasks.created, 1)
  })

  test('a timeout prints the last error before it', async t => {
    const method = /** @type {const} */ ('getTaskResult')
    const faults = [{ method, fault: /** @type {const} */ ('503'), times: Number.POSITIVE_INFINITY }]
    const { stderr } = await timedOut(t, {
      sandbox: { faults },
      happened: ({ stderr }) => stderr.includes('retry in'),
    })
    assert.match(stderr, /^ {2}cause {5}.*HTTP 503/m)
  })

  test('the command that resumes a task contains --key-file if that was given', async t => {
    const { stderr } = await timedOut(t, { flags: ['--key-file', '-'], input: KEY })
    assert.deepEqual(resumeArguments(stderr).slice(-2), ['--key-file', '-'])
  })

  test('control characters of a reply are not printed', async t => {
    const body = { errorId: 1, errorCode: 'ERROR_X\x1b[2J', errorDescription: 'a\rb\nc\x07\x9b2J' }
    const { solve, env } = await openSandbox(t, { faults: [{ fault: 'reply', body }] })
    const { stderr } = await run(solve, { env })
    assert.match(stderr, /ERROR_X\\u\{1b\}\[2J/)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    assert.doesNotMatch(stderr, /[\x00-\x09\x0b-\x1f\x7f-\x9f]/)
  })

  test('if standard output is closed, the command that gets the token is printed', async t => {
    const { sandbox, solve, env } = await openSandbox(t)
    const { child, ended } = start(solve, { env, input: '' })
    child.stdout.destroy()
    const { code, stderr } = await ended
    assert.equal(code, 1)
    assert.match(stderr, /^error: standard output was closed before the token was written$/m)
    assert.doesNotMatch(stderr, /EPIPE|^\s+at /m)
    const { stdout } = await run([...resumeArguments(stderr), '--poll-interval', '20'], { env })
    assert.equal(stdout, `${sandbox.tasks()[0].token}\n`)
  })

  test('if standard error is closed, the token is printed', async t => {
    const { sandbox, solve, env } = await openSandbox(t)
    const { child, ended } = start(solve, { env, input: '' })
    child.stderr.destroy()
    const { code, stdout } = await ended
    assert.equal(code, 0)
    assert.equal(stdout, `${sandbox.tasks()[0].token}\n`)
  })
})

describe('wait or balance fails', { concurrency: 6 }, () => {
  test('wait exits with 5 if the provider does not know the task', async t => {
    const { wait, env } = await openSandbox(t)
    const { code, stderr } = await run([...wait, '--task-id', 'unknown-task'], { env })
    assert.equal(code, 5)
    assert.match(stderr, /results are kept for a few minutes\. Create a new task\./)
  })

  test('balance exits with 3 if the key is wrong, and does not print the key', async t => {
    const { account } = await openSandbox(t, { clientKey: 'sandbox-key', accounts: {} })
    const env = { YESCAPTCHA_API_KEY: 'test-key-0123456789abcdef' }
    const { code, stderr } = await run(['balance', ...account], { env })
    assert.equal(code, 3)
    assert.match(stderr, /getBalance failed: ERROR_KEY_DOES_NOT_EXIST/)
  })

  test('balance does not print a key that the reply contains', async t => {
    const { account, env } = await openSandbox(t, { faults: [{ fault: 'echo-key' }] })
    const { code, stderr } = await run(['balance', ...account], { env })
    assert.equal(code, 6)
    assert.match(stderr, /getBalance failed/)
  })

  test('balance exits with 7 if no reply arrives in time', async t => {
    const { account, env } = await openSandbox(t, { faults: [{ fault: 'no-response', times: 99 }] })
    const { code, stderr } = await run(['balance', ...account, '--timeout', '600'], { env })
    assert.equal(code, 7)
    assert.match(
      stderr,
      /^error: no reply within \d+\.\d s\n {2}provider {2}yescaptcha\n {2}A greater --timeout/,
    )
  })
})
