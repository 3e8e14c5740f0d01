/** What a provider, a file, the environment or an argument contains must not control a terminal or reach a command to copy. */

import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { describe, test } from 'node:test'
import { escapeJson, escapeText, truncate } from '../lib/cli/escape.mjs'
import { jsonText } from '../lib/cli/json.mjs'
import { isQuotable, quote } from '../lib/cli/shell.mjs'
import { replies, scripted, TASK, TOKEN } from './support/calls.mjs'
import { BIN, KEY, run, runAll, start } from './support/cli.mjs'

const env = { YESCAPTCHA_API_KEY: KEY }
/** A busy machine is no reason for a second attempt. */
const TIME_LIMITS = ['--timeout', '300000', '--request-timeout', '300000']
const TASK_FLAGS = [
  ...['--url', 'https://shop.example/login', '--sitekey', '0x4AAAAAAATestSitekey'],
  ...TIME_LIMITS,
]

/** Escape sequences, C1 controls, separators, bidirectional, zero-width and tag characters. */
const HOSTILE =
  'a\x1b[2J\x1b]0;title\x07\r\n\x00\x7f\x9b31m\x85\u2028\u2029\u202e\u2066\u2069\u200b\u200d\u200e\ufeff\u00ad\u061c\u2060\u180e\u3164\u{e0041}\u{e01ef}\ufff9z'
const UNPRINTABLE = /(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Default_Ignorable_Code_Point}]/u
const LONG = `${HOSTILE}${'x'.repeat(900_000)}`

/** @param {{ stdout: string, stderr: string }} output */
function assertPrintable({ stdout, stderr }) {
  assert.doesNotMatch(stdout, UNPRINTABLE)
  assert.doesNotMatch(stderr, UNPRINTABLE)
}

/**
 * A scripted provider, and the flags that select it.
 * @param {import('node:test').TestContext} t
 * @param {Parameters<typeof scripted>[1]} script
 */
async function provider(t, script) {
  const { baseURL } = await scripted(t, script, { loose: true })
  return ['--provider', 'yescaptcha', '--base-url', baseURL]
}

/** @param {string} taskId */
const created = taskId => ({ path: '/createTask', body: { errorId: 0, taskId } })
/** @param {string} text */
const refused = text => ({ body: { errorId: 1, errorCode: text, errorDescription: text } })

describe('text of a provider', { concurrency: 4 }, () => {
  for (const output of [[], ['--json'], ['--json', '--progress'], ['--quiet']]) {
    const flags = output.join(' ') || 'no output flags'
    test(`a hostile refusal is printed escaped by every command, with ${flags}`, async t => {
      const account = await provider(t, Array(3).fill(refused(HOSTILE)))
      const list = [
        ['solve', ...account, ...TASK_FLAGS, ...output],
        ['wait', ...account, '--task-id', TASK, ...TIME_LIMITS, ...output],
        ['balance', ...account, ...TIME_LIMITS, ...output.filter(flag => flag !== '--progress')],
      ]
      for (const ended of await runAll(list.map(args => ({ args, env })))) {
        assert.notEqual(ended.code, 0)
        assert.match(`${ended.stdout}${ended.stderr}`, /a\\u(001b|\{1b\})\[2J/)
        assertPrintable(ended)
      }
    })

    test(`a hostile solution and balance are printed escaped, with ${flags}`, async t => {
      const solution = { token: TOKEN, userAgent: HOSTILE, [HOSTILE]: HOSTILE }
      const ready = { path: '/getTaskResult', body: { errorId: 0, status: 'ready', solution } }
      const account = await provider(t, [
        created(`id${HOSTILE}`),
        ready,
        { body: { errorId: 0, balance: 7, note: HOSTILE } },
      ])
      const list = [
        ['solve', ...account, ...TASK_FLAGS, '--poll-interval', '1000', ...output],
        ['balance', ...account, ...TIME_LIMITS, ...output.filter(flag => flag !== '--progress')],
      ]
      const [solved, balance] = await runAll(list.map(args => ({ args, env })))
      assert.deepEqual([solved.code, balance.code], [0, 0], solved.stderr)
      assertPrintable(solved)
      assertPrintable(balance)
      if (!output.includes('--json')) return assert.equal(solved.stdout, `${TOKEN}\n`)
      assert.equal(JSON.parse(solved.stdout).raw[HOSTILE], HOSTILE)
      assert.equal(JSON.parse(balance.stdout).raw.note, HOSTILE)
    })

    test(`a refusal of 900 000 characters is cut, with ${flags}`, async t => {
      const account = await provider(t, [
        { body: { errorId: 1, errorCode: 'ERROR_X', errorDescription: LONG } },
      ])
      const { stderr } = await run(
        ['balance', ...account, ...TIME_LIMITS, ...output.filter(flag => flag !== '--progress')],
        {
          env,
        },
      )
      assert.ok(stderr.length < 5000, `${stderr.length} characters`)
    })
  }

  test('the id of an unusable solution is printed without the advice of the library', async t => {
    const account = await provider(t, [
      created(`id${HOSTILE}`),
      { path: '/getTaskResult', body: { errorId: 0, status: 'ready', solution: { value: HOSTILE } } },
    ])
    const ended = await run(['solve', ...account, ...TASK_FLAGS, '--poll-interval', '1000'], { env })
    assert.equal(ended.code, 9)
    assertPrintable(ended)
    assert.doesNotMatch(ended.stderr, /waitForTask|\[yescaptcha/)
  })

  test('a solution that is nested 20 000 levels deep costs neither the token nor the id', async t => {
    const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`
    const account = await provider(t, [
      created(TASK),
      { body: `{"errorId":0,"status":"ready","solution":{"token":"${TOKEN}","deep":${deep}}}` },
    ])
    const args = ['solve', ...account, ...TASK_FLAGS, '--poll-interval', '1000', '--json']
    const { code, stdout } = await run(args, { env })
    assert.equal(code, 0)
    const { token, taskId } = JSON.parse(stdout)
    assert.deepEqual({ token, taskId }, { token: TOKEN, taskId: TASK })
  })

  test('if the raw solution cannot be serialized, the document is printed without it', async t => {
    const account = await provider(t, [created(TASK), replies.ready, { body: { errorId: 0, balance: 7 } }])
    const script = `
      const { stringify } = JSON
      JSON.stringify = (value, ...rest) => {
        if (value?.raw ?? value?.error?.raw) throw new RangeError('Maximum call stack size exceeded')
        return stringify(value, ...rest)
      }`
    /** @type {[string, ...string[]]} */
    const command = [process.execPath, '--import', `data:text/javascript,${encodeURIComponent(script)}`, BIN]
    const solve = ['solve', ...account, ...TASK_FLAGS, '--poll-interval', '1000', '--json']
    const solved = await run(solve, { env, command })
    assert.equal(solved.code, 0, solved.stdout)
    const { token, taskId, raw } = JSON.parse(solved.stdout)
    assert.deepEqual({ token, taskId, raw }, { token: TOKEN, taskId: TASK, raw: undefined })
    const { code, stdout } = await run(['balance', ...account, '--json'], { env, command })
    assert.deepEqual([code, JSON.parse(stdout)], [0, { provider: 'yescaptcha', balance: 7 }])
  })

  test('jsonText() omits every raw field of a document that is nested too deep, and cuts the others', () => {
    /** @type {unknown} */
    let deep = 1
    for (let depth = 0; depth < 20_000; depth++) deep = [deep]
    assert.equal(jsonText({ token: 't', raw: deep }), '{"token":"t"}')
    assert.equal(jsonText({ error: { code: 'X', raw: deep } }), '{"error":{"code":"X"}}')
    assert.equal(
      jsonText({ solves: [{ solution: { taskId: 'a', raw: deep } }] }),
      '{"solves":[{"solution":{"taskId":"a"}}]}',
    )
    assert.match(jsonText({ token: 't', note: deep }), /^\{"token":"t","note":\[{99}null\]{99}\}$/)
  })

  test('a task id that contains the key is printed without the key', async t => {
    for (const output of [[], ['--json', '--progress']]) {
      const account = await provider(t, [created(`job-${KEY}`), refused('ERROR_CAPTCHA_UNSOLVABLE')])
      const args = ['solve', ...account, ...TASK_FLAGS, '--poll-interval', '1000', ...output]
      const { code, stdout, stderr } = await run(args, { env })
      assert.equal(code, 5)
      assert.match(`${stdout}${stderr}`, /job-/)
      assert.doesNotMatch(`${stdout}${stderr}`, /--task-id[= ]'?job-/)
    }
  })
})

describe('commands to copy', { concurrency: 4 }, () => {
  for (const taskId of [
    '$(touch x)',
    'a b',
    "a'b",
    'a"b',
    '`x`',
    'a;b',
    '%PATH%',
    'a.b',
    'é',
    '\u202ea',
    'a\nb',
    '@a',
  ]) {
    test(`a task with the id ${JSON.stringify(taskId)} is resumed without a command that contains it`, async t => {
      const account = await provider(t, [
        created(taskId),
        refused('ERROR_CAPTCHA_UNSOLVABLE'),
        created(taskId),
        refused('ERROR_CAPTCHA_UNSOLVABLE'),
      ])
      const args = ['solve', ...account, ...TASK_FLAGS, '--poll-interval', '1000']
      const [text, json] = await runAll([
        { args, env },
        { args: [...args, '--json'], env },
      ])
      assert.doesNotMatch(text.stderr, /^ {4}turnstile-solver wait/m)
      assert.match(text.stderr, /turnstile-solver wait.*--task-id ID/s)
      assertPrintable(text)
      const { error } = JSON.parse(json.stdout)
      assert.equal(error.resume, undefined)
      assert.equal(error.taskId, taskId)
      assert.match(error.next, /--task-id ID/)
      assertPrintable(json)
    })
  }

  for (const taskId of ['61138bb6-19fb-11ec', '-x', '__a', '42', 'a'.repeat(1024)]) {
    test(`a task with the id ${taskId.slice(0, 20)} is resumed by a command`, async t => {
      const account = await provider(t, [created(taskId), refused('ERROR_CAPTCHA_UNSOLVABLE')])
      const args = ['solve', ...account, ...TASK_FLAGS, '--poll-interval', '1000', '--json']
      const { stdout } = await run(args, { env })
      const { resume } = JSON.parse(stdout).error
      const flag = taskId.startsWith('-') ? `--task-id=${taskId}` : `--task-id ${taskId}`
      assert.equal(
        resume,
        `turnstile-solver wait --provider yescaptcha ${flag} ${account.slice(2).join(' ')} --json`,
      )
    })
  }

  test('a command that would contain the key or a control character is described instead', async t => {
    const { baseURL } = await scripted(t, [{ hang: true }, { hang: true }], { loose: true })
    const [withKey, withControl] = await runAll(
      [`${baseURL}/${KEY}`, `${baseURL}/\x9ba`].map(url => ({
        args: ['wait', '--provider', 'yescaptcha', '--base-url', url, '--task-id', TASK, '--timeout', '300'],
        env,
      })),
    )
    for (const ended of [withKey, withControl]) {
      assert.ok([2, 7].includes(Number(ended.code)), `${ended.code}`)
      assert.doesNotMatch(ended.stderr, /^ {4}turnstile-solver wait/m)
      assertPrintable(ended)
    }
  })

  test('quote() quotes for POSIX shells, and on Windows only what cmd.exe and PowerShell read alike', () => {
    assert.equal(quote('=a', 'linux'), "'=a'")
    assert.equal(quote('C:\\key file', 'win32'), '"C:\\key file"')
    for (const argument of ['$x', '`x`', '%x%', 'a"b', '!x', '\u201cx', 'a\\', 'x\n'])
      assert.equal(isQuotable(argument, 'win32'), false, argument)
    for (const argument of ['a b', 'http://127.0.0.1:80/?a=b&c=d', 'C:\\Zoë\\key.txt'])
      assert.equal(isQuotable(argument, 'win32'), true, argument)
    for (const argument of ['$x', '`x`', '%x%', 'a"b', "it's", 'a\\'])
      assert.equal(isQuotable(argument, 'linux'), true, argument)
    for (const argument of ['a\nb', 'a\x1bb', '\u202ea', '\u200b'])
      assert.equal(isQuotable(argument, 'linux'), false)
  })
})

describe('text of arguments, files and the environment', { concurrency: 4 }, () => {
  test('hostile arguments are refused without control characters and in short', async () => {
    const list = [
      [HOSTILE],
      [`--${HOSTILE}`],
      ['solve', `--${HOSTILE}`],
      ['solve', `--${'x'.repeat(9_000)}`],
      ['solve', `--url=${HOSTILE}`, '--provider', 'yescaptcha', '--sitekey', HOSTILE],
      ['solve', '--provider', HOSTILE],
      [
        'solve',
        '--extra-task-fields',
        JSON.stringify({ [HOSTILE]: 1, type: 1 }),
        ...TASK_FLAGS,
        '--provider',
        'yescaptcha',
      ],
      ['balance', '--provider', 'yescaptcha', '--base-url', HOSTILE],
      ['balance', '--provider', 'yescaptcha', '--key-file', HOSTILE],
      ['sandbox', '--fault', HOSTILE],
      ['sandbox', '--fault', `${HOSTILE},a=b`],
      ['sandbox', '--provider', HOSTILE],
      ['sandbox', '--host', HOSTILE],
      ['sandbox', '--fault', 'x'.repeat(9_000)],
    ]
    const runs = list.flatMap(args => [
      { args, env },
      { args: [...args, '--json'], env },
    ])
    for (const [i, ended] of (await runAll(runs)).entries()) {
      const name = JSON.stringify(runs[i].args).slice(0, 100)
      assert.ok([1, 2].includes(Number(ended.code)), name)
      assertPrintable(ended)
      assert.ok(ended.stderr.length < 5000 && ended.stdout.length < 5000, name)
    }
  })

  test('an unknown flag that may be a secret is not repeated', async () => {
    const list = [
      ['solve', `--${KEY}`],
      ['solve', `-${KEY}`],
      ['sandbox', `--${KEY}`],
      ['solve', `--http://user:${KEY}@proxy.example`],
      [`--${KEY}`],
    ]
    for (const { code, stderr } of await runAll(list.map(args => ({ args })))) {
      assert.equal(code, 2)
      assert.doesNotMatch(stderr, /test-key|proxy\.example/)
    }
  })

  test('the path of a binary that does not load is printed escaped', async () => {
    const path = `/nowhere/${HOSTILE.replaceAll('\0', '')}.node`
    const ended = await run(['solve'], { env: { NAPI_RS_NATIVE_LIBRARY_PATH: path } })
    assert.equal(ended.code, 1)
    assertPrintable(ended)
  })

  test('an unexpected error is printed escaped and cut', async () => {
    const script = `globalThis.fetch = async () => {
      throw new Error(${JSON.stringify(HOSTILE)} + 'x'.repeat(900_000))
    }`
    /** @type {[string, ...string[]]} */
    const command = [process.execPath, '--import', `data:text/javascript,${encodeURIComponent(script)}`, BIN]
    const ended = await run(['demo', '--quiet'], { command })
    assert.equal(ended.code, 1)
    assert.match(ended.stderr, /^error: unexpected error: a\\u\{1b\}\[2J/m)
    assertPrintable(ended)
    assert.ok(ended.stderr.length < 30_000, `${ended.stderr.length} characters`)
  })
})

describe('text of requests to a sandbox', { skip: process.platform === 'win32' }, () => {
  for (const output of [[], ['--json', '--progress']]) {
    test(`a hostile request path is logged escaped and cut, with ${output.join(' ') || 'no flags'}`, async t => {
      const { child, output: printed, ended, outputMatches } = start(['sandbox', ...output])
      t.after(() => child.kill('SIGKILL'))
      await outputMatches(/127\.0\.0\.1:\d+[\s\S]*\n/)
      const port = Number(/127\.0\.0\.1:(\d+)/.exec(printed.stdout)?.[1])
      const path = Buffer.concat([
        Buffer.from('/a\u202e'),
        Buffer.from([0x9b, 0x85]),
        Buffer.from('x'.repeat(9000)),
      ])
      const socket = connect(port, '127.0.0.1')
      socket.end(
        Buffer.concat([
          Buffer.from('GET '),
          path,
          Buffer.from(' HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n'),
        ]),
      )
      socket.resume()
      await new Promise(resolve => socket.once('close', resolve))
      const { account } = output.length > 0 ? JSON.parse(printed.stdout) : { account: undefined }
      await fetch(`http://127.0.0.1:${port}/getBalance`, {
        method: 'POST',
        body: JSON.stringify({ clientKey: account?.clientKey ?? 'x' }),
      })
      await outputMatches(/getBalance/)
      child.kill('SIGINT')
      const result = await ended
      assertPrintable(result)
      if (output.length === 0)
        for (const line of result.stderr.split('\n')) assert.ok(line.length < 500, line)
    })
  }
})

describe('escape.mjs', () => {
  test('escapeText() escapes every character that is not visible', () => {
    assert.equal(escapeText('plain: ünïcode 漢字 🔑'), 'plain: ünïcode 漢字 🔑')
    assert.equal(escapeText('\x1b[31m\r\n\t'), '\\u{1b}[31m\\u{d}\\u{a}\\u{9}')
    assert.equal(
      escapeText('\x9b\u202e\u200b\ufeff\u{e0041}\ud800'),
      '\\u{9b}\\u{202e}\\u{200b}\\u{feff}\\u{e0041}\\u{d800}',
    )
    assert.doesNotMatch(escapeText(HOSTILE), UNPRINTABLE)
  })

  test('truncate() cuts a text between characters and marks the cut', () => {
    assert.equal(truncate('abc', 3), 'abc')
    assert.equal(truncate('abcd', 3), 'abc…')
    assert.equal(truncate('🔑🔑', 1), '🔑…')
  })

  test('escapeJson() keeps the value and escapes every character that is not visible', () => {
    const value = { [HOSTILE]: [HOSTILE, 'ü漢🔑'] }
    for (const indent of [undefined, 2]) {
      const text = escapeJson(JSON.stringify(value, null, indent))
      assert.doesNotMatch(text, UNPRINTABLE)
      assert.deepEqual(JSON.parse(text), value)
      assert.match(text, /ü漢🔑/)
    }
  })
})
