import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { open, resumeArguments, run, runAll, start } from './support/cli.mjs'

/** @typedef {import('../lib/sandbox/index.mjs').SandboxOptions} SandboxOptions */

/**
 * @typedef {object} Case
 * @property {string} what
 * @property {SandboxOptions} sandbox
 * @property {string[]} [flags]
 * @property {number} exitCode
 * @property {string} code
 * @property {RegExp} headline
 * @property {RegExp} next
 * @property {boolean} task whether there is one to resume
 */

/** @param {string} errorCode @returns {SandboxOptions} */
const refusing = errorCode => ({ faults: [{ method: 'createTask', fault: 'error', errorCode }] })

/** @type {Case[]} */
const cases = [
  {
    what: 'an empty balance',
    sandbox: { balance: 0 },
    exitCode: 3,
    code: 'PROVIDER_ERROR',
    headline: /createTask failed: ERROR_ZERO_BALANCE/,
    next: /Check the key, the balance and the plan/,
    task: false,
  },
  {
    what: 'a ban',
    sandbox: refusing('ERROR_IP_BANNED'),
    exitCode: 4,
    code: 'PROVIDER_ERROR',
    headline: /ERROR_IP_BANNED/,
    next: /Stop for as long as the provider says/,
    task: false,
  },
  {
    what: 'a task that fails',
    sandbox: { faults: [{ method: 'createTask', fault: 'failed-task' }] },
    exitCode: 5,
    code: 'PROVIDER_ERROR',
    headline: /ERROR_CAPTCHA_UNSOLVABLE/,
    next: /A new one may succeed, and may cost again\.\n {2}To ask for it once more/,
    task: true,
  },
  {
    what: 'a task that is refused',
    sandbox: refusing('ERROR_REQUIRED_FIELDS'),
    exitCode: 6,
    code: 'PROVIDER_ERROR',
    headline: /ERROR_REQUIRED_FIELDS/,
    next: /correct it before trying again/,
    task: false,
  },
  {
    what: 'a code that nobody knows',
    sandbox: refusing('ERROR_FULL_MOON'),
    exitCode: 6,
    code: 'PROVIDER_ERROR',
    headline: /ERROR_FULL_MOON/,
    next: /documentation may know/,
    task: false,
  },
  {
    what: 'a timeout',
    sandbox: { solveTimeMs: Number.POSITIVE_INFINITY },
    flags: ['--timeout', '2400'],
    exitCode: 7,
    code: 'TIMEOUT',
    headline: /no token within \d\.\d s \(\d+ polls?\)/,
    next: /paid for and goes on at yescaptcha\.\n {2}To fetch its token:/,
    task: true,
  },
  {
    what: 'a reset after the task was accepted',
    sandbox: { faults: [{ method: 'createTask', fault: 'connection-reset-after-processing' }] },
    exitCode: 8,
    code: 'CONNECTION_FAILED',
    headline: /createTask failed: no complete reply/,
    next: /charged all the same; compare the balance: turnstile-solver balance --provider yescaptcha --base-url http/,
    task: false,
  },
  {
    what: 'an address that is no task API',
    sandbox: { faults: [{ fault: 'reply', status: 404 }] },
    exitCode: 9,
    code: 'HTTP_ERROR',
    headline: /HTTP 404/,
    next: /Check that --base-url is the address of a task API/,
    task: false,
  },
  {
    what: 'a page instead of an answer',
    sandbox: { faults: [{ method: 'createTask', fault: 'html' }] },
    exitCode: 9,
    code: 'INVALID_RESPONSE',
    headline: /createTask failed/,
    next: /compare the balance/,
    task: false,
  },
  {
    what: 'a solution without a token',
    sandbox: { faults: [{ method: 'getTaskResult', fault: 'ready-without-token' }] },
    exitCode: 9,
    code: 'INVALID_RESPONSE',
    headline: /has no token/,
    next: /its token may still be had\.\n {2}To fetch its token:/,
    task: true,
  },
]

describe('a failed solve', { concurrency: 6 }, () => {
  /** @type {(() => unknown)[]} */
  const closing = []
  after(() => Promise.all(closing.map(close => close())))
  /** Every case, for a person and for a program, each at a sandbox of its own. */
  const play = async () => {
    const played = cases.flatMap(({ sandbox, flags = [] }) => [
      { sandbox, flags },
      { sandbox, flags: [...flags, '--json'] },
    ])
    const at = /** @type {any} */ ({ after: (/** @type {() => unknown} */ close) => closing.push(close) })
    const opened = await Promise.all(played.map(({ sandbox }) => open(at, sandbox)))
    const runs = played.map(({ flags }, i) => ({ args: [...opened[i].solve, ...flags], env: opened[i].env }))
    const ended = await runAll(runs)
    return ended.map((result, i) => ({ ...result, sandbox: opened[i].sandbox }))
  }
  /** @type {ReturnType<typeof play> | undefined} */
  let results

  for (const [i, { what, exitCode, code, headline, next, task }] of cases.entries()) {
    test(`${what} exits with ${exitCode}, says what to do, and shows no trace`, async () => {
      results ??= play()
      const { sandbox, ...ended } = (await results)[2 * i]
      assert.equal(ended.code, exitCode)
      assert.equal(ended.stdout, '')
      const said = ended.stderr.slice(ended.stderr.indexOf('error:'))
      const [first, provider] = said.split('\n')
      assert.match(first, headline)
      assert.equal(provider, '  provider  yescaptcha')
      assert.match(said, next)
      assert.doesNotMatch(ended.stderr, /^\s+at |waitForTask|timeoutMs/m)
      if (!task) return assert.doesNotMatch(said, /^ {2}task |turnstile-solver wait/m)
      const [{ taskId }] = sandbox.tasks()
      assert.match(said, new RegExp(`^  task      ${taskId}$`, 'm'))
      const resume = ['wait', '--provider', 'yescaptcha', '--task-id', taskId, '--base-url', sandbox.baseURL]
      assert.deepEqual(resumeArguments(said), resume)
    })

    test(`${what} is, with --json, a document with the code ${code}`, async () => {
      results ??= play()
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

  test('the command that a timeout prints fetches the token, and nothing is bought twice', async t => {
    const { sandbox, solve, env, later } = await open(t, { readyAfterPolls: Number.POSITIVE_INFINITY })
    const { code, stderr } = await run([...solve, '--timeout', '2400'], { env })
    assert.equal(code, 7)
    later()
    const { stdout } = await run([...resumeArguments(stderr), '--poll-interval', '20'], { env })
    assert.equal(stdout, `${sandbox.tasks()[0].token}\n`)
    assert.equal(sandbox.stats().tasks.created, 1)
  })

  test('a timeout shows the trouble that came before it', async t => {
    const faults = [
      { method: /** @type {const} */ ('getTaskResult'), fault: /** @type {const} */ ('503'), times: 99 },
    ]
    const { solve, env } = await open(t, { faults })
    const { code, stderr } = await run([...solve, '--timeout', '2400'], { env })
    assert.equal(code, 7)
    assert.match(stderr, /^ {2}trouble {3}.*HTTP 503/m)
  })

  test('a key file is part of the command that resumes', async t => {
    const { solve } = await open(t, { solveTimeMs: Number.POSITIVE_INFINITY })
    const args = [...solve, '--timeout', '2400', '--key-file', '-']
    const { stderr } = await run(args, { input: 'test-key-0123456789abcdef' })
    assert.deepEqual(resumeArguments(stderr).slice(-2), ['--key-file', '-'])
  })

  test('control characters of a reply do not reach the terminal', async t => {
    const body = { errorId: 1, errorCode: 'ERROR_X\x1b[2J', errorDescription: 'a\rb\nc\x07\x9b2J' }
    const { solve, env } = await open(t, { faults: [{ fault: 'reply', body }] })
    const { stderr } = await run(solve, { env })
    assert.match(stderr, /ERROR_X\\u\{1b\}\[2J/)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    assert.doesNotMatch(stderr, /[\x00-\x09\x0b-\x1f\x7f-\x9f]/)
  })

  test('a token that nobody reads is not lost: the command that fetches it is printed', async t => {
    const { sandbox, solve, env } = await open(t)
    const { child, ended } = start(solve, { env, input: '' })
    child.stdout.destroy()
    const { code, stderr } = await ended
    assert.equal(code, 1)
    assert.match(stderr, /^error: standard output was closed before the token was written$/m)
    assert.doesNotMatch(stderr, /EPIPE|^\s+at /m)
    const { stdout } = await run([...resumeArguments(stderr), '--poll-interval', '20'], { env })
    assert.equal(stdout, `${sandbox.tasks()[0].token}\n`)
  })

  test('a standard error that nobody reads costs no token', async t => {
    const { sandbox, solve, env } = await open(t)
    const { child, ended } = start(solve, { env, input: '' })
    child.stderr.destroy()
    const { code, stdout } = await ended
    assert.equal(code, 0)
    assert.equal(stdout, `${sandbox.tasks()[0].token}\n`)
  })
})

describe('a failed wait or balance', { concurrency: 6 }, () => {
  test('a task that the provider does not know exits with 5', async t => {
    const { wait, env } = await open(t)
    const { code, stderr } = await run([...wait, '--task-id', 'nobody'], { env })
    assert.equal(code, 5)
    assert.match(stderr, /results are kept for a few minutes\. Create a new one\./)
  })

  test('a wrong key exits with 3 and is not repeated', async t => {
    const { account } = await open(t, { clientKey: 'sandbox-key', accounts: {} })
    const env = { YESCAPTCHA_API_KEY: 'test-key-0123456789abcdef' }
    const { code, stderr } = await run(['balance', ...account], { env })
    assert.equal(code, 3)
    assert.match(stderr, /getBalance failed: ERROR_KEY_DOES_NOT_EXIST/)
  })

  test('a provider that repeats the key does not get it onto the screen', async t => {
    const { account, env } = await open(t, { faults: [{ fault: 'echo-key' }] })
    const { code, stderr } = await run(['balance', ...account], { env })
    assert.equal(code, 6)
    assert.match(stderr, /getBalance failed/)
  })

  test('a balance that does not come in time exits with 7', async t => {
    const { account, env } = await open(t, { faults: [{ fault: 'no-response', times: 99 }] })
    const { code, stderr } = await run(['balance', ...account, '--timeout', '600'], { env })
    assert.equal(code, 7)
    assert.match(
      stderr,
      /^error: no answer within \d\.\d s\n {2}provider {2}yescaptcha\n {2}A greater --timeout/,
    )
  })
})
