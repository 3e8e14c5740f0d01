import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { providers } from './support/calls.mjs'
import { KEY, openSandbox, PROXY_PASSWORD, run, runAll, start } from './support/cli.mjs'

const ESCAPE = '\x1b'
const PROXY = `http://user:${PROXY_PASSWORD}@203.0.113.7:8080`

/**
 * A file that is deleted when the test ends.
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
  for (const provider of providers) {
    test(`solve prints only the token of ${provider} on standard output`, async t => {
      const { sandbox, solve, env } = await openSandbox(t, { provider })
      const { code, stdout, stderr } = await run(solve, { env })
      const [task] = sandbox.tasks()
      assert.equal(stdout, `${task.token}\n`)
      assert.equal(code, 0)
      assert.match(stderr, new RegExp(`^${provider}: task ${task.taskId} created after \\d+\\.\\d s\n`))
      assert.match(stderr, new RegExp(`\n${provider}: token after \\d+\\.\\d s, 1 poll\n$`))
      assert.ok(!`${stdout}${stderr}`.includes(ESCAPE))
    })
  }

  test('solve prints a line for each poll of an unfinished task', async t => {
    const { solve, env } = await openSandbox(t, { readyAfterPolls: 1 })
    const { stderr } = await run(solve, { env })
    assert.match(stderr, /^yescaptcha: not ready after \d+\.\d s, 1 poll$/m)
  })

  test('solve prints a line with the error for each retry', async t => {
    const { solve, env } = await openSandbox(t, {
      faults: [{ method: 'getTaskResult', fault: 'connection-reset' }],
    })
    const { code, stderr } = await run(solve, { env })
    assert.equal(code, 0)
    assert.match(stderr, /^yescaptcha: CONNECTION_FAILED after \d+\.\d s \(.*\), retry in \d+\.\d s$/m)
  })

  test('solve --quiet prints nothing on standard error', async t => {
    const { sandbox, solve, env } = await openSandbox(t)
    const { stdout, stderr } = await run([...solve, '--quiet'], { env })
    assert.equal(stderr, '')
    assert.equal(stdout, `${sandbox.tasks()[0].token}\n`)
  })

  test('solve --json prints the solution as one document and nothing on standard error', async t => {
    const { sandbox, solve, env } = await openSandbox(t)
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

  test('solve --json --progress prints one document per line on standard error', async t => {
    const { sandbox, solve, env } = await openSandbox(t)
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

  test('solve sends the values of the flags to the provider', async t => {
    const { sandbox, solve, env } = await openSandbox(t, { provider: 'ezcaptcha' })
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

  test('solve sends the task type and the developer id to YesCaptcha', async t => {
    const { sandbox, solve, env } = await openSandbox(t)
    const { code } = await run([...solve, '--task-type', 'TurnstileTaskProxylessM1', '--developer-id', '9'], {
      env,
    })
    assert.equal(code, 0)
    const [{ task, softID }] = sandbox.tasks()
    assert.equal(task.type, 'TurnstileTaskProxylessM1')
    assert.equal(softID, 9)
  })

  test('solve applies --request-timeout', async t => {
    const { solve, env } = await openSandbox(t, {
      faults: [{ method: 'createTask', fault: 'no-response', times: 99 }],
    })
    const { code, stderr } = await run([...solve, '--request-timeout', '500'], { env })
    assert.equal(code, 8)
    assert.match(stderr, /createTask failed/)
  })

  test('solve reads the proxy from the environment', async t => {
    const { sandbox, solve, env } = await openSandbox(t, { provider: 'ezcaptcha' })
    const { code } = await run(solve, { env: { ...env, TURNSTILE_PROXY: PROXY } })
    assert.equal(code, 0)
    assert.equal(sandbox.tasks()[0].task.proxy, PROXY)
  })

  test('solve names the source of an invalid proxy and does not print the proxy', async t => {
    const { sandbox, solve, env } = await openSandbox(t, { provider: 'ezcaptcha' })
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

describe('the key of the account', { concurrency: 6 }, () => {
  test('--key-file takes precedence over the environment, and its trailing newline is removed', async t => {
    const { account } = await openSandbox(t)
    const runs = [KEY, `${KEY}\n`, `${KEY}\r\n`].map(text => ({
      args: ['balance', ...account, '--key-file', file(t, text)],
      env: { YESCAPTCHA_API_KEY: 'another-key' },
    }))
    for (const { stdout } of await runAll(runs)) assert.equal(stdout, '10000\n')
  })

  test('--key-file - reads the key from standard input', async t => {
    const { account } = await openSandbox(t)
    const { stdout } = await run(['balance', ...account, '--key-file', '-'], { input: `${KEY}\n` })
    assert.equal(stdout, '10000\n')
  })

  test('the key is read only from the variable of its own provider', async t => {
    const { account } = await openSandbox(t, { provider: 'ezcaptcha' })
    const { code, stderr } = await run(['balance', ...account], { env: { YESCAPTCHA_API_KEY: KEY } })
    assert.equal(code, 2)
    assert.match(stderr, /^error: no key for ezcaptcha\n {2}Set EZCAPTCHA_API_KEY, or use --key-file PATH/)
  })

  test('an empty variable counts as unset, and an empty key file is an error', async t => {
    const { account } = await openSandbox(t)
    const [empty, { code, stderr }] = await runAll([
      { args: ['balance', ...account], env: { YESCAPTCHA_API_KEY: '' } },
      { args: ['balance', ...account, '--key-file', file(t, '\n')] },
    ])
    assert.match(empty.stderr, /^error: no key for yescaptcha/)
    assert.equal(code, 2)
    assert.match(stderr, /^error: --key-file: is empty/)
  })

  test('the error about a missing key file does not contain its path', async t => {
    const { account, env } = await openSandbox(t)
    const { code, stderr } = await run(['balance', ...account, '--key-file', 'no-such-file-here'], { env })
    assert.equal(code, 2)
    assert.match(stderr, /^error: --key-file: there is no such file\n/)
    assert.ok(!stderr.includes('no-such-file-here'))
  })

  test('standard input that is too long for a key is an error', async t => {
    const { account } = await openSandbox(t)
    const { child, ended } = start(['balance', ...account, '--key-file', '-'])
    child.stdin.write('x'.repeat(1 << 17))
    const { code, stderr } = await ended
    assert.equal(code, 2)
    assert.match(stderr, /standard input is too long for a key/)
  })

  test('standard input cannot be used for both the key and the proxy', async t => {
    const { solve } = await openSandbox(t, { provider: 'ezcaptcha' })
    const { code, stderr } = await run([...solve, '--key-file', '-', '--proxy-file', '-'], { input: KEY })
    assert.equal(code, 2)
    assert.match(stderr, /^error: --proxy-file: standard input is already used for the key/)
  })

  test('the error about an invalid key names its source', async t => {
    const { account } = await openSandbox(t)
    const { stderr } = await run(['balance', ...account], { env: { YESCAPTCHA_API_KEY: `${KEY} ${KEY}` } })
    assert.match(stderr, /^error: YESCAPTCHA_API_KEY: must be at most 512 printable ASCII/)
  })
})

describe('wait and balance', { concurrency: 6 }, () => {
  test('wait prints the token of an existing task and creates no task', async t => {
    const { sandbox, wait, env, createTask } = await openSandbox(t)
    const { code, stdout } = await run([...wait, '--task-id', await createTask()], { env })
    assert.equal(code, 0)
    const [task] = sandbox.tasks()
    assert.equal(stdout, `${task.token}\n`)
    assert.equal(sandbox.stats().tasks.created, 1)
  })

  test('wait accepts the numeric id of a compatible service', async t => {
    const { sandbox, wait, env, createTask } = await openSandbox(t, { provider: 'custom' })
    const { stdout } = await run([...wait, '--task-id', String(await createTask()), '--json'], { env })
    assert.equal(JSON.parse(stdout).token, sandbox.tasks()[0].token)
  })

  test('balance prints only a number', async t => {
    const { account, env } = await openSandbox(t, { balance: 12.5 })
    const { code, stdout, stderr } = await run(['balance', ...account], { env })
    assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: '12.5\n', stderr: '' })
  })

  test("balance --json prints the provider's whole reply too", async t => {
    const { account, env } = await openSandbox(t)
    const { stdout } = await run(['balance', ...account, '--json'], { env })
    const { provider, balance, raw } = JSON.parse(stdout)
    assert.deepEqual({ provider, balance }, { provider: 'yescaptcha', balance: 10_000 })
    assert.equal(raw.softBalance, 0)
  })
})
