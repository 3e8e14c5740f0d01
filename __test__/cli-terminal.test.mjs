import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { describe, test } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import { fitParts, nextState, progressLine, progressParts } from '../lib/cli/progress.mjs'
import { quote } from '../lib/cli/shell.mjs'
import { render, wantsColour } from '../lib/cli/terminal.mjs'
import { named } from './support/calls.mjs'
import { BIN, environment, KEY, openSandbox, patiently, quickDemo, run, start } from './support/cli.mjs'

const ESCAPE = '\x1b'
const CLEAR_LINE = `\r${ESCAPE}[K`
const HIDE_CURSOR = `${ESCAPE}[?25l`
const GREEN = `${ESCAPE}[32m`
const SHOW_CURSOR = `${ESCAPE}[?25h`

// The pseudo-terminal is `script` of util-linux. Other programs of that name have other arguments.
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
  const line = [process.execPath, BIN, ...patiently(args)].map(argument => quote(argument, 'linux')).join(' ')
  const shell = `stty cols ${columns} rows 24 && ${command}${line}`
  return start(['-qec', shell, '/dev/null'], {
    command: ['script'],
    env: { TERM: 'xterm-256color', SHELL: '/bin/sh', ...env },
  })
}

/** The progress lines that were drawn, without styles. @param {string} stdout */
const frames = stdout =>
  stdout
    .split(CLEAR_LINE)
    .slice(1)
    .map(text => stripVTControlCharacters(text).split(/[\r\n]/)[0])

/** The progress lines that begin with a spinner. @param {string} stdout */
const ticks = stdout => frames(stdout).filter(line => /^[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏]/.test(line))

/**
 * Runs `solve` on a terminal until the progress line has changed a few times, then makes the task ready.
 * @param {import('node:test').TestContext} t
 * @param {number} [columns]
 */
async function solveOnTerminal(t, columns) {
  const opened = await openSandbox(t, { readyAfterPolls: Number.POSITIVE_INFINITY })
  const { ended, outputMatches } = onTerminal(opened.solve, { env: opened.env, columns })
  const hasPolls = (/** @type {string[]} */ lines) =>
    columns !== undefined || lines.some(line => /\d polls?/.test(line))
  const enough = {
    test: (/** @type {string} */ text) => new Set(ticks(text)).size >= 8 && hasPolls(ticks(text)),
  }
  await outputMatches(/** @type {RegExp} */ (enough))
  opened.makeReady()
  return { ...opened, ...(await ended) }
}

/** @type {import('../lib/cli/progress.mjs').State} */
const waiting = { provider: 'yescaptcha', phase: 'waiting', startedAt: 0, polls: 2, taskId: 'a' }

describe('the progress line', () => {
  test('the progress line has the phase, the time and the polls', () => {
    const view = { now: 6200, columns: 79, tick: 0, unicode: true }
    assert.equal(
      render(progressLine(waiting, view), false),
      '⠋ waiting for the token · 6.2 s · 2 polls · yescaptcha',
    )
    assert.equal(
      render(progressLine(waiting, { ...view, unicode: false }), false),
      '| waiting for the token - 6.2 s - 2 polls - yescaptcha',
    )
    assert.ok(render(progressLine(waiting, view), true).startsWith(`${ESCAPE}[36m⠋${ESCAPE}[0m waiting`))
  })

  test('the progress line is never longer than the terminal is wide', () => {
    for (let columns = 0; columns <= 120; columns++) {
      for (const unicode of [true, false]) {
        const line = render(progressLine(waiting, { now: 61_234, columns, tick: 3, unicode }), false)
        assert.ok(line.length <= Math.max(columns, 2), `${line.length} > ${columns}: ${line}`)
      }
    }
  })

  test('fitParts() drops the last parts first', () => {
    const parts = ['waiting', '6.2 s', '2 polls']
    assert.equal(fitParts(parts, 25, true), 'waiting · 6.2 s · 2 polls')
    assert.equal(fitParts(parts, 24, true), 'waiting · 6.2 s')
    assert.equal(fitParts(parts, 14, true), 'waiting')
    assert.equal(fitParts(parts, 6, true), 'waiti…')
    assert.equal(fitParts(parts, 6, false), 'waiti~')
    assert.equal(fitParts(parts, 0, true), '')
  })

  test('the progress line follows the events and counts down to a retry', () => {
    const common = { provider: /** @type {const} */ ('yescaptcha'), retries: 0, elapsedMs: 0 }
    /** @type {import('../lib/cli/progress.mjs').State} */
    let state = { provider: 'yescaptcha', phase: 'creating', startedAt: 0, polls: 0 }
    assert.equal(progressParts(state, 100)[0], 'creating the task')
    state = nextState(
      state,
      { ...common, phase: 'retrying', polls: 0, code: 'CONNECTION_FAILED', retryDelayMs: 900 },
      100,
    )
    assert.equal(progressParts(state, 400)[0], 'CONNECTION_FAILED, retry in 0.6 s')
    assert.equal(progressParts(state, 1000)[0], 'retrying')
    state = nextState(state, { ...common, phase: 'created', polls: 0, taskId: 'a' }, 1000)
    assert.deepEqual(progressParts(state, 2000), ['waiting for the token', '2.0 s', 'yescaptcha'])
    state = nextState(state, { ...common, phase: 'processing', polls: 1, taskId: 'a' }, 4000)
    assert.deepEqual(progressParts(state, 4000), ['waiting for the token', '4.0 s', '1 poll', 'yescaptcha'])
  })
})

describe('colours', () => {
  /** @type {[env: Record<string, string>, onTerminal: boolean, onPipe: boolean][]} */
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
  for (const [env, onTerminal, onPipe] of cases)
    test(`with ${JSON.stringify(env)} a terminal has ${onTerminal ? '' : 'no '}colours, a pipe has ${onPipe ? 'colours' : 'none'}`, () => {
      assert.deepEqual([wantsColour(env, true), wantsColour(env, false)], [onTerminal, onPipe])
    })

  test('with FORCE_COLOR the help has colours in a pipe, and a token has none', async t => {
    const { sandbox, solve, env } = await openSandbox(t)
    const forced = { ...env, FORCE_COLOR: '1' }
    assert.ok((await run(['--help'], { env: forced })).stdout.includes(`${ESCAPE}[1mUsage`))
    const { stdout, stderr } = await run(solve, { env: forced })
    assert.equal(stdout, `${sandbox.tasks()[0].token}\n`)
    assert.ok(!stderr.includes(CLEAR_LINE), 'there is no progress line in a pipe')
    const failed = await run(['slove'], { env: forced })
    assert.ok(failed.stderr.startsWith(`${ESCAPE}[31merror:`))
  })
})

describe('the command line on a terminal', pty, () => {
  test('solve on a terminal redraws one line and prints the token on its own line', async t => {
    const { sandbox, code, stdout } = await solveOnTerminal(t)
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

  test('solve on a terminal hides the cursor and shows it at the end', async t => {
    const { solve, env } = await openSandbox(t)
    const { stdout } = await onTerminal(solve, { env }).ended
    assert.equal(stdout.split(HIDE_CURSOR).length, 2)
    assert.ok(stdout.lastIndexOf(SHOW_CURSOR) > stdout.lastIndexOf(HIDE_CURSOR))
  })

  for (const columns of [60, 40, 20]) {
    test(`the progress line does not wrap on ${columns} columns`, async t => {
      const { code, stdout } = await solveOnTerminal(t, columns)
      assert.equal(code, 0)
      assert.deepEqual(
        ticks(stdout).filter(line => line.length >= columns),
        [],
      )
    })
  }

  for (const args of [['--help'], ['solve', '--help'], ['sandbox', '--help'], ['demo']]) {
    test(`the output of '${args.join(' ')}' fits into 40 columns, except for text to copy`, async () => {
      const { code, stdout } = await onTerminal(args, {
        columns: 40,
        env: args[0] === 'demo' ? quickDemo : {},
      }).ended
      assert.equal(code, 0)
      const kept = stdout
        .split(/\r?\n/)
        .map(line => stripVTControlCharacters(line.split(CLEAR_LINE).at(-1) ?? ''))
      assert.deepEqual(
        kept.filter(line => line.length > 40 && !/^ +\S+( \S+)?( \\)?$/.test(line)),
        [],
      )
      if (args[0] === 'demo') assert.equal(stdout.split(`${GREEN}✓`).length - 1, 4 * named.length)
    })
  }

  test('with NO_COLOR a terminal has a progress line without colours', async t => {
    const { solve, env } = await openSandbox(t)
    const plain = await onTerminal(solve, { env: { ...env, NO_COLOR: '1' } }).ended
    assert.ok(!plain.stdout.includes(GREEN))
    assert.ok(plain.stdout.includes(CLEAR_LINE))
    const coloured = await onTerminal(solve, { env: { ...env, NO_COLOR: '' } }).ended
    assert.ok(coloured.stdout.includes(`${GREEN}✓`))
  })

  test('with TERM=dumb progress is printed as plain lines', async t => {
    const { solve, env } = await openSandbox(t)
    const { stdout } = await onTerminal(solve, { env: { ...env, TERM: 'dumb' } }).ended
    assert.ok(!stdout.includes(ESCAPE))
    assert.match(stdout, /^yescaptcha: task .* created after/m)
  })

  test('Ctrl-C on a terminal shows the cursor and prints the command that resumes the task', async t => {
    const { solve, env } = await openSandbox(t, { solveTimeMs: Number.POSITIVE_INFINITY })
    const { child, ended, outputMatches } = onTerminal(solve, { env, columns: 200 })
    await outputMatches(/1 poll/)
    child.stdin.write('\x03')
    const { code, stdout } = await ended
    assert.equal(code, 130)
    assert.ok(stdout.lastIndexOf(SHOW_CURSOR) > stdout.lastIndexOf(HIDE_CURSOR))
    const end = stripVTControlCharacters(stdout.slice(stdout.lastIndexOf(SHOW_CURSOR)))
    assert.match(end, /^✗ interrupted\r\n/)
    assert.match(end, /^ {4}turnstile-solver wait --provider yescaptcha --task-id \S+ --base-url \S+\r\n$/m)
  })

  test('a key that is typed on a terminal is not shown', async t => {
    const { sandbox, account } = await openSandbox(t)
    const { child, ended, outputMatches } = onTerminal(['balance', ...account, '--key-file', '-'], {
      env: {},
    })
    await outputMatches(/The key \(not shown\): /)
    child.stdin.write(`${KEY}\r`)
    const { code, stdout } = await ended
    assert.equal(code, 0)
    assert.match(stdout, /10000\r\n/)
    assert.equal(sandbox.stats().requests['/getBalance'], 1)
  })

  test('Ctrl-C at the prompt for the key ends the command', async t => {
    const { account } = await openSandbox(t)
    const { child, ended, outputMatches } = onTerminal(['balance', ...account, '--key-file', '-'], {
      env: {},
    })
    await outputMatches(/The key/)
    child.stdin.write('\x03')
    const { code, stdout } = await ended
    assert.equal(code, 130)
    assert.match(stripVTControlCharacters(stdout), /interrupted/)
  })

  test('if only standard output is a terminal, it has only the token', async t => {
    const { sandbox, solve, env } = await openSandbox(t)
    const { stdout } = await onTerminal([...solve], { env, command: 'exec 2>/dev/null; ' }).ended
    assert.equal(stdout, `${sandbox.tasks()[0].token}\r\n`)
  })
})
