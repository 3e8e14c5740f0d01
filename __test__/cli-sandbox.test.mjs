import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { faults } from '../lib/sandbox/index.mjs'
import { named, providers } from './support/calls.mjs'
import { BIN, demoPolling, preloaded, run, start } from './support/cli.mjs'
import { blocksOf, readme } from './support/documents.mjs'

const ESCAPE = '\x1b'

/** A siteverify that rejects every token. */
const rejecting =
  "globalThis.fetch = async () => Response.json({ success: false, 'error-codes': ['invalid-input-response'] })"

/** The output of the demo with placeholders for what differs between runs. @param {string} text */
const withoutVariables = text =>
  text
    .replaceAll(/\d\d:\d\d:\d\d/g, 'CLOCK')
    .replaceAll(/\d+\.\d s/g, 'SECONDS')
    .replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, 'TASK')
    .replaceAll(/0\.[\w-]{10}\.\.\.\w{6}/g, 'TOKEN')
    .replaceAll(/\d+ polls?/g, 'POLLS')

describe('demo', { concurrency: 8 }, () => {
  test('demo ends with a verified token of each provider', async () => {
    const { code, stdout, stderr } = await run(['demo'], { command: preloaded(demoPolling(10)) })
    assert.equal(code, 0)
    assert.match(stdout, /^ezcaptcha {2}http:\/\/127\.0\.0\.1:\d+$/m)
    assert.match(stdout, /^yescaptcha {2}http:\/\/127\.0\.0\.1:\d+$/m)
    assert.equal(stdout.match(/ task {6}\S+, created in/g)?.length, named.length)
    assert.equal(
      stdout.match(/ token {5}\S+, \d+ characters, in \d+\.\d s, \d+ polls; valid for 120 s/g)?.length,
      named.length,
    )
    assert.equal(stdout.match(/ verified {2}siteverify: success/g)?.length, named.length)
    assert.equal(stdout.match(/ charged {3}\d+ points?, \d+ left/g)?.length, named.length)
    assert.match(stdout, new RegExp(`^${named.length} tokens verified in \\d+\\.\\d s\\.$`, 'm'))
    assert.match(stderr, /^yescaptcha: not ready after/m)
    assert.ok(!`${stdout}${stderr}`.includes(ESCAPE))
    const shown = blocksOf(readme).find(
      ({ heading, language }) => heading === 'Command line' && language === 'text',
    )
    assert.ok(withoutVariables(stdout).includes(withoutVariables(shown?.code ?? 'nothing')), stdout)
  })

  test('demo --json prints the same as one document', async () => {
    const { code, stdout, stderr } = await run(['demo', '--json'], { command: preloaded(demoPolling(10)) })
    assert.equal(code, 0)
    assert.equal(stderr, '')
    const { verified, solves } = JSON.parse(stdout)
    assert.equal(verified, true)
    assert.deepEqual(
      solves.map((/** @type {any} */ solve) => [
        solve.provider,
        solve.verification.success,
        solve.pointsCharged > 0,
      ]),
      named.map(name => [name, true, true]),
    )
  })

  test('demo exits with 1 if a token is not verified', async () => {
    const { code, stdout } = await run(['demo', '--quiet'], {
      command: preloaded(demoPolling(10) + rejecting),
    })
    assert.equal(code, 1)
    assert.match(stdout, / REJECTED {2}siteverify: invalid-input-response/)
    assert.doesNotMatch(stdout, /tokens verified/)
  })

  test('demo prints no command to resume a task on Ctrl-C', {
    skip: process.platform === 'win32',
  }, async () => {
    const command = preloaded(demoPolling(300_000))
    const { child, ended, outputMatches } = start(['demo'], { input: '', command })
    await outputMatches(/created in/)
    child.kill('SIGINT')
    const { code, stderr } = await ended
    assert.equal(code, 130)
    assert.match(stderr, /error: interrupted/)
    assert.doesNotMatch(stderr, /turnstile-solver wait|^\s+at /m)
  })
})

/**
 * A PATH with a folder that has the command under its name, as after an installation.
 * @param {import('node:test').TestContext} t
 */
function installed(t) {
  const folder = mkdtempSync(join(tmpdir(), 'turnstile-solver-'))
  t.after(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'turnstile-solver'), `#!/bin/sh\nexec "${process.execPath}" "${BIN}" "$@"\n`, {
    mode: 0o755,
  })
  return `${folder}:${process.env.PATH}`
}

describe('sandbox', { concurrency: 6, skip: process.platform === 'win32' }, () => {
  for (const provider of providers) {
    test(`sandbox prints a command that gets a token of ${provider}, and ends on Ctrl-C with 0 and a summary`, async t => {
      const { child, output, ended, outputMatches } = start([
        'sandbox',
        '--provider',
        provider,
        '--solve-time',
        '0',
      ])
      t.after(() => child.kill('SIGKILL'))
      await outputMatches(/In another terminal:\n.*\n/)
      const [, line] = /In another terminal:\n {2}(.*)\n/.exec(output.stdout) ?? []
      const solved = await run([`${line} --poll-interval 10 --timeout 300000 --request-timeout 300000`], {
        command: ['sh', '-c'],
        env: { PATH: installed(t) },
      })
      assert.equal(solved.code, 0)
      assert.match(solved.stdout, /^0\..+\n$/)
      child.kill('SIGINT')
      const { code, stderr } = await ended
      assert.equal(code, 0)
      assert.match(stderr, /^\d\d:\d\d:\d\d {2}POST \/createTask$/m)
      assert.match(stderr, /^\d\d:\d\d:\d\d {2}task 1 created: .*, ready in \d+\.\d s$/m)
      assert.match(stderr, /^\d\d:\d\d:\d\d {2}task 1 polled once: ready$/m)
      assert.match(stderr, /^1 task created, 1 delivered, \d+ points? charged\.\n$/m)
    })
  }

  test('sandbox --json prints the account as its flags set it, and --progress prints the events', async t => {
    const flags = [
      '--key',
      'my-own-key',
      '--balance',
      '50',
      '--price',
      '20',
      '--seed',
      '7',
      '--solve-time',
      'never',
    ]
    const fault = [
      '--fault',
      'error,method=getBalance,nth=2,errorCode=ERROR_FULL_MOON',
      '--fault',
      'connection-reset,method=createTask',
    ]
    const { child, output, ended, outputMatches } = start([
      'sandbox',
      '--json',
      '--progress',
      ...flags,
      ...fault,
    ])
    t.after(() => child.kill('SIGKILL'))
    await outputMatches(/\}\n/)
    const { account, page, sitekey, siteverifyURL, dashboardURL } = JSON.parse(output.stdout)
    assert.equal(account.clientKey, 'my-own-key')
    assert.match(page, new RegExp(`^${account.baseURL}/.*sitekey=${sitekey}`))
    assert.equal(siteverifyURL, `${account.baseURL}/turnstile/v0/siteverify`)
    assert.match(await (await fetch(dashboardURL)).text(), /<title>Sandbox<\/title>/)

    const balance = ['balance', '--provider', account.provider, '--base-url', account.baseURL]
    const env = { YESCAPTCHA_API_KEY: 'my-own-key' }
    assert.equal((await run(balance, { env })).stdout, '50\n')
    assert.match((await run(balance, { env })).stderr, /ERROR_FULL_MOON/)
    child.kill('SIGTERM')
    const { code, stderr } = await ended
    assert.equal(code, 0)
    const events = stderr
      .trim()
      .split('\n')
      .map(line => JSON.parse(line))
    assert.deepEqual(
      events.map(({ type, path, fault }) => [type, path ?? fault]),
      [
        ['request', '/getBalance'],
        ['request', '/getBalance'],
        ['fault', 'error'],
      ],
    )
  })

  test('sandbox reports a port that is in use without a stack', async t => {
    const first = start(['sandbox', '--json'])
    t.after(() => first.child.kill('SIGKILL'))
    await first.outputMatches(/\}\n/)
    const { port } = new URL(JSON.parse(first.output.stdout).account.baseURL)
    const { code, stderr } = await run(['sandbox', '--port', port])
    assert.equal(code, 1)
    assert.equal(stderr, 'error: the port is in use\n  Choose another --port, or omit it for a free port.\n')
    first.child.kill('SIGINT')
    assert.equal((await first.ended).stderr, '')
  })

  test('sandbox --list-faults prints every fault', async () => {
    const { code, stdout } = await run(['sandbox', '--list-faults'])
    assert.equal(code, 0)
    for (const { name } of faults) assert.match(stdout, new RegExp(`^  ${name} `, 'm'))
    assert.equal(JSON.parse((await run(['sandbox', '--list-faults', '--json'])).stdout).length, faults.length)
  })
})
