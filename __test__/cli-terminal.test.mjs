import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { describe, test } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import { quote } from '../lib/cli/format.mjs'
import { advance, describe as describeState, fit, liveLine } from '../lib/cli/progress.mjs'
import { paint, wantsColour } from '../lib/cli/terminal.mjs'
import { BIN, environment, KEY, open, run, start } from './support/cli.mjs'

const ESCAPE = '\x1b'
const CLEAR_LINE = `\r${ESCAPE}[K`
const HIDE_CURSOR = `${ESCAPE}[?25l`
const GREEN = `${ESCAPE}[32m`
const SHOW_CURSOR = `${ESCAPE}[?25h`

// The pseudo-terminal is util-linux's `script`; its namesakes take other arguments.
const { stdout: script } = spawnSync('script', ['--version'], { encoding: 'utf8', env: environment() })
const pty = {
  concurrency: 4,
  skip: /util-linux/.test(script ?? '') ? false : 'there is no util-linux script',
}

/**
 * Starts the command line on a pseudo-terminal.
 * @param {string[]} args
 * @param {{ columns?: number, env: Record<string, string>, command?: string }} surroundings
 */
function onTerminal(args, { columns = 80, env, command = '' }) {
  const line = [process.execPath, BIN, ...args].map(argument => quote(argument, 'linux')).join(' ')
  const shell = `stty cols ${columns} rows 24 && ${command}${line}`
  return start(['-qec', shell, '/dev/null'], {
    command: ['script'],
    env: { TERM: 'xterm-256color', SHELL: '/bin/sh', ...env },
  })
}

/** What was drawn in place, without styles. @param {string} stdout */
const frames = stdout =>
  stdout
    .split(CLEAR_LINE)
    .slice(1)
    .map(text => stripVTControlCharacters(text).split(/[\r\n]/)[0])

/** What was drawn while the token was waited for. @param {string} stdout */
const ticks = stdout => frames(stdout).filter(line => /^[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏]/.test(line))

/**
 * Solves, and the task is ready once the line has ticked a few times.
 * @param {import('node:test').TestContext} t
 * @param {number} [columns]
 */
async function ticking(t, columns) {
  const opened = await open(t, { readyAfterPolls: Number.POSITIVE_INFINITY })
  const { ended, said } = onTerminal(opened.solve, { env: opened.env, columns })
  const enough = { test: (/** @type {string} */ text) => new Set(ticks(text)).size >= 8 }
  await said(/** @type {RegExp} */ (enough))
  opened.later()
  return { ...opened, ...(await ended) }
}

/** @type {import('../lib/cli/progress.mjs').State} */
const waiting = { provider: 'yescaptcha', phase: 'waiting', startedAt: 0, polls: 2, taskId: 'a' }

describe('the live line', () => {
  test('it tells the phase, the time and the polls', () => {
    const view = { now: 6200, columns: 79, tick: 0, signs: true }
    assert.equal(
      paint(liveLine(waiting, view), false),
      '⠋ waiting for the token · 6.2 s · 2 polls · yescaptcha',
    )
    assert.equal(
      paint(liveLine(waiting, { ...view, signs: false }), false),
      '| waiting for the token - 6.2 s - 2 polls - yescaptcha',
    )
    assert.ok(paint(liveLine(waiting, view), true).startsWith(`${ESCAPE}[36m⠋${ESCAPE}[0m waiting`))
  })

  test('whatever the width, it is never exceeded', () => {
    for (let columns = 0; columns <= 120; columns++) {
      for (const signs of [true, false]) {
        const line = paint(liveLine(waiting, { now: 61_234, columns, tick: 3, signs }), false)
        assert.ok(line.length <= Math.max(columns, 2), `${line.length} > ${columns}: ${line}`)
      }
    }
  })

  test('what matters least is left out first', () => {
    const parts = ['waiting', '6.2 s', '2 polls']
    assert.equal(fit(parts, 25, true), 'waiting · 6.2 s · 2 polls')
    assert.equal(fit(parts, 24, true), 'waiting · 6.2 s')
    assert.equal(fit(parts, 14, true), 'waiting')
    assert.equal(fit(parts, 6, true), 'waiti…')
    assert.equal(fit(parts, 6, false), 'waiti~')
    assert.equal(fit(parts, 0, true), '')
  })

  test('it follows the events, and counts a retry down', () => {
    const common = { provider: 'yescaptcha', retries: 0, elapsedMs: 0 }
    /** @type {import('../lib/cli/progress.mjs').State} */
    let state = { provider: 'yescaptcha', phase: 'creating', startedAt: 0, polls: 0 }
    assert.equal(describeState(state, 100)[0], 'creating the task')
    state = advance(
      state,
      { ...common, phase: 'retrying', polls: 0, code: 'CONNECTION_FAILED', retryDelayMs: 900 },
      100,
    )
    assert.equal(describeState(state, 400)[0], 'CONNECTION_FAILED, again in 0.6 s')
    assert.equal(describeState(state, 1000)[0], 'asking again')
    state = advance(state, { ...common, phase: 'created', polls: 0, taskId: 'a' }, 1000)
    assert.deepEqual(describeState(state, 2000), ['waiting for the token', '2.0 s', 'yescaptcha'])
    state = advance(state, { ...common, phase: 'processing', polls: 1, taskId: 'a' }, 4000)
    assert.deepEqual(describeState(state, 4000), ['waiting for the token', '4.0 s', '1 poll', 'yescaptcha'])
  })
})

describe('colours', () => {
  /** @type {[env: Record<string, string>, onTerminal: boolean, elsewhere: boolean][]} */
  const cases = [
    [{}, true, false],
    [{ NO_COLOR: '1' }, false, false],
    [{ NO_COLOR: '' }, true, false],
    [{ TERM: 'dumb' }, false, false],
    [{ FORCE_COLOR: '1' }, true, true],
    [{ FORCE_COLOR: '' }, true, true],
    [{ FORCE_COLOR: '0' }, false, false],
    [{ FORCE_COLOR: 'false' }, false, false],
    [{ FORCE_COLOR: 'no' }, false, false],
    [{ FORCE_COLOR: '3' }, true, true],
    [{ NODE_DISABLE_COLORS: '1' }, false, false],
    [{ FORCE_COLOR: '1', NO_COLOR: '1' }, true, true],
    [{ FORCE_COLOR: '1', TERM: 'dumb' }, true, true],
  ]
  for (const [env, onTerminal, elsewhere] of cases)
    test(`with ${JSON.stringify(env)} a terminal gets ${onTerminal ? 'some' : 'none'}, a pipe ${elsewhere ? 'some' : 'none'}`, () => {
      assert.deepEqual([wantsColour(env, true), wantsColour(env, false)], [onTerminal, elsewhere])
    })

  test('FORCE_COLOR colours the help in a pipe, and never a token', async t => {
    const { sandbox, solve, env } = await open(t)
    const forced = { ...env, FORCE_COLOR: '1' }
    assert.ok((await run(['--help'], { env: forced })).stdout.includes(`${ESCAPE}[1mUsage`))
    const { stdout, stderr } = await run(solve, { env: forced })
    assert.equal(stdout, `${sandbox.tasks()[0].token}\n`)
    assert.ok(!stderr.includes(CLEAR_LINE), 'there is no live line in a pipe')
    const failed = await run(['slove'], { env: forced })
    assert.ok(failed.stderr.startsWith(`${ESCAPE}[31merror:`))
  })
})

describe('on a terminal', pty, () => {
  test('one line ticks in place, and the token follows on a line of its own', async t => {
    const { sandbox, code, stdout } = await ticking(t)
    assert.equal(code, 0)
    const [{ token, taskId }] = sandbox.tasks()
    const drawn = ticks(stdout).filter(line => line.includes('waiting for the token'))
    assert.ok(
      drawn.some(line => /\d polls?/.test(line)),
      `${drawn.join('|')}`,
    )
    const kept = stripVTControlCharacters(stdout).replaceAll('\r', '\n').split('\n')
    assert.ok(kept.some(line => line.startsWith(`✓ task      ${taskId}, created in`)))
    assert.equal(kept.filter(line => line !== '').at(-1), token)
  })

  test('the cursor is hidden meanwhile and shown at the end', async t => {
    const { solve, env } = await open(t)
    const { stdout } = await onTerminal(solve, { env }).ended
    assert.equal(stdout.split(HIDE_CURSOR).length, 2)
    assert.ok(stdout.lastIndexOf(SHOW_CURSOR) > stdout.lastIndexOf(HIDE_CURSOR))
  })

  for (const columns of [60, 40, 20]) {
    test(`on ${columns} columns the live line does not wrap`, async t => {
      const { code, stdout } = await ticking(t, columns)
      assert.equal(code, 0)
      assert.deepEqual(
        ticks(stdout).filter(line => line.length >= columns),
        [],
      )
    })
  }

  for (const args of [['--help'], ['solve', '--help'], ['sandbox', '--help'], ['demo']]) {
    test(`on 40 columns nothing of '${args.join(' ')}' runs over, but for what is copied in one piece`, async () => {
      const { code, stdout } = await onTerminal(args, { columns: 40, env: {} }).ended
      assert.equal(code, 0)
      const kept = stdout
        .split(/\r?\n/)
        .map(line => stripVTControlCharacters(line.split(CLEAR_LINE).at(-1) ?? ''))
      assert.deepEqual(
        kept.filter(line => line.length > 40 && !/^ +\S+( \S+)?( \\)?$/.test(line)),
        [],
      )
      if (args[0] === 'demo') assert.equal(stdout.split(`${GREEN}✓`).length - 1, 8)
    })
  }

  test('NO_COLOR takes the colours and leaves the live line', async t => {
    const { solve, env } = await open(t)
    const plain = await onTerminal(solve, { env: { ...env, NO_COLOR: '1' } }).ended
    assert.ok(!plain.stdout.includes(GREEN))
    assert.ok(plain.stdout.includes(CLEAR_LINE))
    const coloured = await onTerminal(solve, { env: { ...env, NO_COLOR: '' } }).ended
    assert.ok(coloured.stdout.includes(`${GREEN}✓`))
  })

  test('a dumb terminal gets plain lines', async t => {
    const { solve, env } = await open(t)
    const { stdout } = await onTerminal(solve, { env: { ...env, TERM: 'dumb' } }).ended
    assert.ok(!stdout.includes(ESCAPE))
    assert.match(stdout, /^yescaptcha: task .* created after/m)
  })

  test('Ctrl-C restores the cursor and prints the command that resumes', async t => {
    const { solve, env } = await open(t, { solveTimeMs: Number.POSITIVE_INFINITY })
    const { child, ended, said } = onTerminal(solve, { env, columns: 200 })
    await said(/1 poll/)
    child.stdin.write('\x03')
    const { code, stdout } = await ended
    assert.equal(code, 130)
    assert.ok(stdout.lastIndexOf(SHOW_CURSOR) > stdout.lastIndexOf(HIDE_CURSOR))
    const end = stripVTControlCharacters(stdout.slice(stdout.lastIndexOf(SHOW_CURSOR)))
    assert.match(end, /^✗ interrupted\r\n/)
    assert.match(end, /^ {4}turnstile-solver wait --provider yescaptcha --task-id \S+ --base-url \S+\r\n$/m)
  })

  test('a key that is typed is not shown', async t => {
    const { sandbox, account } = await open(t)
    const { child, ended, said } = onTerminal(['balance', ...account, '--key-file', '-'], { env: {} })
    await said(/The key \(it is not shown\): /)
    child.stdin.write(`${KEY}\r`)
    const { code, stdout } = await ended
    assert.equal(code, 0)
    assert.match(stdout, /10000\r\n/)
    assert.equal(sandbox.stats().requests['/getBalance'], 1)
  })

  test('Ctrl-C instead of a key ends it', async t => {
    const { account } = await open(t)
    const { child, ended, said } = onTerminal(['balance', ...account, '--key-file', '-'], { env: {} })
    await said(/The key/)
    child.stdin.write('\x03')
    const { code, stdout } = await ended
    assert.equal(code, 130)
    assert.match(stripVTControlCharacters(stdout), /interrupted/)
  })

  test('standard error that goes elsewhere gets plain lines while the token is on the terminal', async t => {
    const { sandbox, solve, env } = await open(t)
    const { stdout } = await onTerminal([...solve], { env, command: 'exec 2>/dev/null; ' }).ended
    assert.equal(stdout, `${sandbox.tasks()[0].token}\r\n`)
  })
})
