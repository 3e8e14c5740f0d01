import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { KEY, open, PROXY_PASSWORD, run, runAll, start } from './support/cli.mjs'

const ESCAPE = '\x1b'
const PROXY = `http://user:${PROXY_PASSWORD}@203.0.113.7:8080`

/**
 * A file that the test's end deletes.
 * @param {import('node:test').TestContext} t
 * @param {string} text
 */
function file(t, text) {
  const folder = mkdtempSync(join(tmpdir(), 'turnstile-solver-'))
  t.after(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'secret'), text)
  return join(folder, 'secret')
}

describe('solve', { concurrency: 6 }, () => {
  for (const provider of /** @type {const} */ (['ezcaptcha', 'yescaptcha', 'custom'])) {
    test(`the token from ${provider}, and nothing else, is on standard output`, async t => {
      const { sandbox, solve, env } = await open(t, { provider })
      const { code, stdout, stderr } = await run(solve, { env })
      const [task] = sandbox.tasks()
      assert.equal(stdout, `${task.token}\n`)
      assert.equal(code, 0)
      assert.match(stderr, new RegExp(`^${provider}: task ${task.taskId} created after \\d+\\.\\d s\n`))
      assert.match(stderr, new RegExp(`\n${provider}: token after \\d+\\.\\d s, 1 poll\n$`))
      assert.ok(!`${stdout}${stderr}`.includes(ESCAPE))
    })
  }

  test('every poll that finds nothing is a plain line', async t => {
    const { solve, env } = await open(t, { readyAfterPolls: 1 })
    const { stderr } = await run(solve, { env })
    assert.match(stderr, /^yescaptcha: not ready after \d\.\d s, 1 poll$/m)
  })

  test('a retry is a plain line that says why', async t => {
    const { solve, env } = await open(t, { faults: [{ method: 'getTaskResult', fault: 'connection-reset' }] })
    const { code, stderr } = await run(solve, { env })
    assert.equal(code, 0)
    assert.match(stderr, /^yescaptcha: CONNECTION_FAILED after \d\.\d s \(.*\), again in \d\.\d s$/m)
  })

  test('--quiet leaves standard error empty', async t => {
    const { sandbox, solve, env } = await open(t)
    const { stdout, stderr } = await run([...solve, '--quiet'], { env })
    assert.equal(stderr, '')
    assert.equal(stdout, `${sandbox.tasks()[0].token}\n`)
  })

  test('--json prints the whole solution as one document and is silent on standard error', async t => {
    const { sandbox, solve, env } = await open(t)
    const { stdout, stderr } = await run([...solve, '--json'], { env })
    assert.equal(stderr, '')
    const solution = JSON.parse(stdout)
    const [task] = sandbox.tasks()
    assert.equal(solution.token, task.token)
    assert.equal(solution.taskId, task.taskId)
    assert.equal(solution.expiresAt, solution.readyAt + 120_000)
    assert.equal(solution.raw.token, task.token)
    assert.equal(stdout.trim().split('\n').length, 1)
  })

  test('--json --progress adds one document a line on standard error', async t => {
    const { sandbox, solve, env } = await open(t)
    const { stdout, stderr } = await run([...solve, '--json', '--progress'], { env })
    const events = stderr
      .trim()
      .split('\n')
      .map(line => JSON.parse(line))
    const [{ taskId }] = sandbox.tasks()
    assert.deepEqual(
      events.map(event => [event.phase, event.taskId]),
      [
        ['created', taskId],
        ['ready', taskId],
      ],
    )
    assert.equal(JSON.parse(stdout).taskId, taskId)
  })

  test('what the flags say reaches the provider', async t => {
    const { sandbox, solve, env } = await open(t, { provider: 'ezcaptcha' })
    const flags = [
      '--action',
      'login',
      '--cdata',
      'c-1',
      '--developer-id',
      '7',
      '--extra-task-fields',
      '{"note":{"deep":true}}',
    ]
    const { code } = await run([...solve, ...flags, '--proxy-file', '-'], { env, input: `${PROXY}\n` })
    assert.equal(code, 0)
    const [{ task, appId }] = sandbox.tasks()
    assert.deepEqual(task, {
      type: 'CloudFlareTurnstileTask',
      websiteURL: 'https://shop.example/login',
      websiteKey: '0x4AAAAAAATestSitekey',
      rqData: { metadataAction: 'login', metadataCdata: 'c-1' },
      proxy: PROXY,
      note: { deep: true },
    })
    assert.equal(appId, 7)
  })

  test('the task type and the developer id of YesCaptcha reach it', async t => {
    const { sandbox, solve, env } = await open(t)
    const { code } = await run([...solve, '--task-type', 'TurnstileTaskProxylessM1', '--developer-id', '9'], {
      env,
    })
    assert.equal(code, 0)
    const [{ task, softID }] = sandbox.tasks()
    assert.equal(task.type, 'TurnstileTaskProxylessM1')
    assert.equal(softID, 9)
  })

  test('the request timeout is obeyed', async t => {
    const { solve, env } = await open(t, { faults: [{ method: 'createTask', fault: 'no-response' }] })
    const { code, stderr } = await run([...solve, '--request-timeout', '1000'], { env })
    assert.equal(code, 8)
    assert.match(stderr, /createTask failed/)
  })

  test('the proxy comes from the environment too', async t => {
    const { sandbox, solve, env } = await open(t, { provider: 'ezcaptcha' })
    const { code } = await run(solve, { env: { ...env, TURNSTILE_PROXY: PROXY } })
    assert.equal(code, 0)
    assert.equal(sandbox.tasks()[0].task.proxy, PROXY)
  })

  test('a proxy that makes no sense is named by where it came from, and not repeated', async t => {
    const { sandbox, solve, env } = await open(t, { provider: 'ezcaptcha' })
    const bad = { ...env, TURNSTILE_PROXY: `user:${PROXY_PASSWORD}` }
    const path = file(t, `user:${PROXY_PASSWORD}`)
    const [{ code, stderr }, inFile] = await runAll([
      { args: solve, env: bad },
      { args: [...solve, '--proxy-file', path], env },
    ])
    assert.equal(code, 2)
    assert.match(stderr, /^error: TURNSTILE_PROXY: /)
    assert.match(inFile.stderr, /^error: --proxy-file: /)
    assert.equal(sandbox.stats().tasks.created, 0)
  })
})

describe('the key', { concurrency: 6 }, () => {
  test('it comes from a file, whose trailing newline is cut, before the environment', async t => {
    const { account } = await open(t)
    const runs = [KEY, `${KEY}\n`, `${KEY}\r\n`].map(text => ({
      args: ['balance', ...account, '--key-file', file(t, text)],
      env: { YESCAPTCHA_API_KEY: 'another-key' },
    }))
    for (const { stdout } of await runAll(runs)) assert.equal(stdout, '10000\n')
  })

  test('it comes from standard input', async t => {
    const { account } = await open(t)
    const { stdout } = await run(['balance', ...account, '--key-file', '-'], { input: `${KEY}\n` })
    assert.equal(stdout, '10000\n')
  })

  test('it comes from the variable of its provider alone', async t => {
    const { account } = await open(t, { provider: 'ezcaptcha' })
    const { code, stderr } = await run(['balance', ...account], { env: { YESCAPTCHA_API_KEY: KEY } })
    assert.equal(code, 2)
    assert.match(stderr, /^error: no key for ezcaptcha\n {2}Set EZCAPTCHA_API_KEY, or give --key-file PATH/)
  })

  test('an empty variable is no key, and an empty file is an error', async t => {
    const { account } = await open(t)
    const [empty, { code, stderr }] = await runAll([
      { args: ['balance', ...account], env: { YESCAPTCHA_API_KEY: '' } },
      { args: ['balance', ...account, '--key-file', file(t, '\n')] },
    ])
    assert.match(empty.stderr, /^error: no key for yescaptcha/)
    assert.equal(code, 2)
    assert.match(stderr, /^error: --key-file: is empty/)
  })

  test('a file that is not there is an error that does not repeat its name', async t => {
    const { account, env } = await open(t)
    const { code, stderr } = await run(['balance', ...account, '--key-file', 'no-such-file-here'], { env })
    assert.equal(code, 2)
    assert.match(stderr, /^error: --key-file: there is no such file\n/)
    assert.ok(!stderr.includes('no-such-file-here'))
  })

  test('an endless standard input is cut off', async t => {
    const { account } = await open(t)
    const { child, ended } = start(['balance', ...account, '--key-file', '-'])
    child.stdin.write('x'.repeat(1 << 17))
    const { code, stderr } = await ended
    assert.equal(code, 2)
    assert.match(stderr, /standard input is too long for a key/)
  })

  test('standard input cannot be both the key and the proxy', async t => {
    const { solve } = await open(t, { provider: 'ezcaptcha' })
    const { code, stderr } = await run([...solve, '--key-file', '-', '--proxy-file', '-'], { input: KEY })
    assert.equal(code, 2)
    assert.match(stderr, /^error: --proxy-file: standard input is read for the key already/)
  })

  test('one that cannot be a key is named by where it came from', async t => {
    const { account } = await open(t)
    const { stderr } = await run(['balance', ...account], { env: { YESCAPTCHA_API_KEY: `${KEY} ${KEY}` } })
    assert.match(stderr, /^error: YESCAPTCHA_API_KEY: must be at most 512 printable ASCII/)
  })
})

describe('wait and balance', { concurrency: 6 }, () => {
  test('wait prints the token of a task that exists, and creates none', async t => {
    const { sandbox, wait, env, create } = await open(t)
    const { code, stdout } = await run([...wait, '--task-id', await create()], { env })
    assert.equal(code, 0)
    const [task] = sandbox.tasks()
    assert.equal(stdout, `${task.token}\n`)
    assert.equal(sandbox.stats().tasks.created, 1)
  })

  test('wait takes the numeric id of a relative', async t => {
    const { sandbox, wait, env, create } = await open(t, { provider: 'custom' })
    const { stdout } = await run([...wait, '--task-id', String(await create()), '--json'], { env })
    assert.equal(JSON.parse(stdout).token, sandbox.tasks()[0].token)
  })

  test('balance prints a bare number', async t => {
    const { account, env } = await open(t, { balance: 12.5 })
    const { code, stdout, stderr } = await run(['balance', ...account], { env })
    assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: '12.5\n', stderr: '' })
  })

  test("balance --json adds the provider's whole reply", async t => {
    const { account, env } = await open(t)
    const { stdout } = await run(['balance', ...account, '--json'], { env })
    const { provider, balance, raw } = JSON.parse(stdout)
    assert.deepEqual({ provider, balance }, { provider: 'yescaptcha', balance: 10_000 })
    assert.equal(raw.softBalance, 0)
  })
})
