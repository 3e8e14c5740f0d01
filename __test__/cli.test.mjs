import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { providers } from '../index.js'
import { exitCodeOf, exitCodeTable } from '../lib/cli/exit-codes.mjs'
import { quote, wrapCommand } from '../lib/cli/shell.mjs'
import { closest } from '../lib/cli/suggestions.mjs'
import { KEY, run, runAll } from './support/cli.mjs'

const root = fileURLToPath(new URL('../', import.meta.url))
const COMMANDS = ['demo', 'solve', 'wait', 'balance', 'sandbox']
const ESCAPE = '\x1b'
const env = { YESCAPTCHA_API_KEY: KEY }
const names = providers.map(({ name }) => name)
const oneOfProviders = new Intl.ListFormat('en-GB', { type: 'disjunction' }).format(names)

describe('help and version', { concurrency: 4 }, () => {
  test('--help prints every command and every exit code on standard output', async () => {
    const { code, stdout, stderr } = await run(['--help'])
    assert.equal(code, 0)
    assert.equal(stderr, '')
    for (const name of COMMANDS) assert.match(stdout, new RegExp(`^  ${name} `, 'm'))
    for (const [codes] of exitCodeTable) assert.match(stdout, new RegExp(`^  ${codes} `, 'm'))
    const [help, short] = await runAll([{ args: ['help'] }, { args: ['-h'] }])
    assert.deepEqual(help, { code, stdout, stderr, signal: null })
    assert.deepEqual(short, help)
  })

  for (const name of COMMANDS) {
    test(`${name} --help fits into 80 columns, except for commands to copy, and has no escape codes`, async () => {
      const ways = [
        [name, '--help'],
        ['help', name],
        [name, '-h', '--nonsense'],
      ]
      const [help, ...same] = await runAll(ways.map(args => ({ args })))
      const { code, stdout, stderr } = help
      assert.equal(code, 0)
      assert.equal(stderr, '')
      assert.match(stdout, new RegExp(`^  turnstile-solver ${name}`, 'm'))
      assert.ok(!stdout.includes(ESCAPE))
      const long = stdout.split('\n').filter(line => line.length > 80 && !line.includes('turnstile-solver'))
      assert.deepEqual(long, [])
      assert.deepEqual(same, [help, help])
    })
  }

  test('without a command the help is printed on standard error and the exit code is 2', async () => {
    const { code, stdout, stderr } = await run([])
    assert.equal(code, 2)
    assert.equal(stdout, '')
    assert.equal(stderr, (await run(['--help'])).stdout)
  })

  test('--version prints the version of the package', async () => {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
    assert.deepEqual(await run(['--version']), { code: 0, signal: null, stdout: `${version}\n`, stderr: '' })
    assert.equal((await run(['-v'])).stdout, `${version}\n`)
  })

  test('if npm started the program, the commands to copy begin with npx', async () => {
    const { stdout } = await run(['wait', '--help'], { env: { npm_command: 'exec' } })
    assert.match(stdout, /^ {2}npx turnstile-solver wait/m)
  })

  test('closing the pipe of --help early causes no error', {
    skip: process.platform === 'win32',
  }, async () => {
    const shell = `"${process.execPath}" "${join(root, 'lib/cli/turnstile-solver.mjs')}" --help | true`
    const { code, stderr } = await run([shell], { command: ['sh', '-c'] })
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' })
  })

  test('if the addon does not load, --help works and solve explains how to fix it, without a stack', async t => {
    const folder = mkdtempSync(join(tmpdir(), 'turnstile-solver-'))
    t.after(() => rmSync(folder, { recursive: true }))
    for (const name of ['index.js', 'lib', 'package.json'])
      cpSync(join(root, name), join(folder, name), { recursive: true })
    const bin = join(folder, 'lib/cli/turnstile-solver.mjs')
    assert.equal((await run(['--help'], { bin })).code, 0)
    const { code, stdout, stderr } = await run(['solve'], { bin })
    assert.equal(code, 1)
    assert.equal(stdout, '')
    assert.match(
      stderr,
      /^error: turnstile-solver cannot load its native binary on .*\n {2}It needs .*\n {2}To fix it, run: npm install/,
    )
    assert.doesNotMatch(stderr, /^\s+at /m)
  })
})

describe('wrong usage', { concurrency: 4 }, () => {
  /** @type {[args: string[], output: RegExp, mistake: string][]} */
  const cases = [
    [['slove'], /there is no command 'slove'\n {2}Did you mean solve\?/, 'a misspelt command'],
    [
      ['solve', '--sitkey', 'x'],
      /--sitkey: is not a flag .*\n {2}Did you mean --sitekey\?/,
      'a misspelt flag',
    ],
    [['solve', '--websiteURL', 'x'], /Did you mean --url\?/, "an option's name in the library"],
    [['solve', '--timeoutMs=5'], /Did you mean --timeout\?/, "an option's name in the library, with a value"],
    [['solve', '--site-key', 'x'], /Did you mean --sitekey\?/, 'a flag with an extra dash'],
    [
      ['solve', '--frobnicate'],
      /--frobnicate: is not a flag of this command\n {2}See turnstile-solver solve --help\./,
      'a flag unlike any other',
    ],
    [['balance', '--url', 'x'], /--url: is not a flag of this command/, "another command's flag"],
    [['solve', '--url'], /--url: needs a value: --url URL/, 'a missing value at the end'],
    [['solve', '--url', '--json'], /--url: needs a value/, 'a missing value before another flag'],
    [['solve', '--quiet=yes'], /--quiet: takes no value/, 'a value for a flag that takes none'],
    [
      ['solve', 'https://shop.example'],
      /an argument without a flag\n {2}Every value follows/,
      'an argument without a flag',
    ],
    [['solve', '--timeout', '30s'], /--timeout: must be a number, in digits/, 'a number with a unit'],
    [['solve', '--extra-task-fields', '{a:1}'], /--extra-task-fields: is not valid JSON/, 'invalid JSON'],
    [['solve', '--progress'], /--progress: requires --json/, '--progress without --json'],
    [
      ['solve', '--json', '--progress', '--quiet'],
      /--progress: and --quiet exclude/,
      '--progress and --quiet',
    ],
    [['solve'], new RegExp(`--provider: is required\\n {2}It is ${oneOfProviders}\\.`), 'a missing provider'],
    [['solve', '--provider', 'nocaptcha'], /--provider: must be 'ezcaptcha'/, 'an unknown provider'],
    [['solve', '--provider', 'yescaptcha'], /--url: is required/, 'a missing URL'],
    [
      ['solve', '--provider', 'yescaptcha', '--url', 'https://a.example', '--sitekey', 'x', '--timeout', '0'],
      /--timeout: must be a whole number from 1 to 300000, not 0/,
      'a number out of range',
    ],
    [
      [
        'solve',
        '--provider',
        'yescaptcha',
        '--url',
        'https://a.example',
        '--sitekey',
        'x',
        '--action',
        'login',
      ],
      /--action: 'yescaptcha' documents no such field/,
      'a field that the provider does not have',
    ],
    [
      [
        'solve',
        '--provider',
        'yescaptcha',
        '--url',
        'https://a.example',
        '--sitekey',
        'x',
        '--extra-task-fields',
        '{"type":"y"}',
      ],
      /--extra-task-fields \(type\): is set by another flag/,
      'a field that --extra-task-fields must not set',
    ],
    [['wait', '--provider', 'yescaptcha'], /--task-id: is required/, 'a missing task id'],
    [
      ['balance', '--provider', 'custom', '--base-url', 'http://a.example'],
      /--base-url: plain http/,
      'a base URL with http',
    ],
    [['sandbox', '--port', '99999'], /--port: must be from 0 to 65535/, "a sandbox's port out of range"],
    [['sandbox', '--balance=-1'], /--balance: must be points from 0/, "a sandbox's negative balance"],
    [
      ['sandbox', '--solve-time', '5000-2000'],
      /--solve-time: must begin with the shorter time: 2000-5000/,
      'a range of solve times in the wrong order',
    ],
    [
      ['sandbox', '--solve-time', 'soon'],
      /--solve-time: must be milliseconds/,
      "a sandbox's solve time that is no number",
    ],
    [['sandbox', '--fault', 'flood'], /--fault: unknown fault 'flood'/, 'an unknown fault'],
    [
      ['sandbox', '--provider', 'nocaptcha'],
      /--provider: must be one of/,
      'a provider that no sandbox mocks',
    ],
  ]
  const runs = cases.map(([args]) => ({ args, env: { ...env, CUSTOM_API_KEY: KEY } }))
  /** @type {ReturnType<typeof runAll> | undefined} */
  let ended
  for (const [index, [args, expected, mistake]] of cases.entries()) {
    test(`${mistake} is refused with exit code 2 and without a stack`, async () => {
      ended ??= runAll(runs)
      const { code, stdout, stderr } = (await ended)[index]
      assert.match(args.includes('--json') ? stdout : stderr, expected)
      assert.equal(code, 2)
      assert.equal(args.includes('--json') ? stderr : stdout, '')
      assert.doesNotMatch(stderr, /^\s+at /m)
    })
  }

  for (const flag of ['--key', '--client-key', '--api-key', '--apikey', '--clientKey', '--proxy']) {
    test(`${flag} is refused with an explanation that does not contain its value`, async () => {
      const ways = [
        ['solve', flag, KEY],
        ['solve', `${flag}=${KEY}`],
      ]
      for (const { code, stderr } of await runAll(ways.map(args => ({ args })))) {
        assert.equal(code, 2)
        assert.match(stderr, /is refused: arguments are visible in process lists/)
        assert.match(
          stderr,
          flag === '--proxy' ? /TURNSTILE_PROXY.*--proxy-file/ : /YESCAPTCHA_API_KEY.*--key-file/,
        )
      }
    })
  }

  test('an error does not contain a secret that was given in the wrong place', async () => {
    const wrong = [
      [KEY],
      ['solve', KEY],
      ['balance', '--provider', KEY],
      ['balance', '--provider', 'yescaptcha', '--key-file', KEY],
    ]
    for (const { code } of await runAll(wrong.map(args => ({ args, env })))) assert.equal(code, 2)
  })

  test('with --json wrong usage is reported as a document on standard output', async () => {
    const { code, stdout, stderr } = await run(['solve', '--json', '--ulr', 'x'])
    assert.equal(code, 2)
    assert.equal(stderr, '')
    assert.deepEqual(JSON.parse(stdout), {
      error: {
        code: 'USAGE',
        message: '--ulr: is not a flag of this command',
        flag: '--ulr',
        next: 'Did you mean --url?',
        exitCode: 2,
      },
    })
  })

  test('with --json an error of the library about an option has the option and the flag', async () => {
    const { stdout } = await run(['solve', '--json', '--provider', 'yescaptcha'], { env })
    const { error } = JSON.parse(stdout)
    assert.equal(error.code, 'INVALID_OPTIONS')
    assert.equal(error.option, 'websiteURL')
    assert.equal(error.flag, '--url')
  })
})

describe('the modules of the command line', () => {
  test('exitCodeOf() has an exit code for every code and reason', () => {
    const reasons = {
      account: 3,
      banned: 4,
      busy: 4,
      unsolvable: 5,
      expired: 5,
      request: 6,
      proxy: 6,
      unknown: 6,
    }
    for (const [reason, code] of Object.entries(reasons)) {
      assert.equal(exitCodeOf({ code: 'PROVIDER_ERROR', reason: /** @type {any} */ (reason) }), code)
    }
    const codes = {
      INVALID_OPTIONS: 2,
      TIMEOUT: 7,
      CONNECTION_FAILED: 8,
      HTTP_ERROR: 9,
      INVALID_RESPONSE: 9,
      ABORT_ERR: 130,
    }
    for (const [code, exitCode] of Object.entries(codes)) {
      assert.equal(exitCodeOf({ code: /** @type {any} */ (code) }), exitCode)
    }
    assert.equal(exitCodeOf({ code: 'ABORT_ERR' }, 'SIGTERM'), 143)
  })

  test('quote() quotes an argument that a shell would change', () => {
    assert.equal(quote('https://a.example:80/b-c_d', 'linux'), 'https://a.example:80/b-c_d')
    assert.equal(quote("it's $HOME", 'linux'), `'it'\\''s $HOME'`)
    assert.equal(quote('', 'linux'), "''")
    assert.equal(quote('a b', 'win32'), '"a b"')
  })

  test('wrapCommand() breaks a long command before flags, never inside quotes', () => {
    const command = "turnstile-solver solve --extra-task-fields '{ --a }' --url https://a.example | cat"
    assert.deepEqual(wrapCommand(command, 100, 'linux'), [command])
    assert.deepEqual(wrapCommand(command, 56, 'linux'), [
      "turnstile-solver solve --extra-task-fields '{ --a }' \\",
      '  --url https://a.example | cat',
    ])
    assert.deepEqual(wrapCommand(command, 10, 'win32'), [command])
  })

  test('closest() finds a name only if it is near', () => {
    /** @type {[string, string][]} */
    const known = [
      ['sitekey', 'sitekey'],
      ['websiteKey', 'sitekey'],
      ['url', 'url'],
      ['poll-interval', 'poll-interval'],
    ]
    assert.equal(closest('--site-kye', known), 'sitekey')
    assert.equal(closest('--pollInterval', known), 'poll-interval')
    assert.equal(closest('--poll', known), 'poll-interval')
    assert.equal(closest('--ulr', known), 'url')
    assert.equal(closest('--verbose', known), undefined)
  })
})
