/** Errors use the terms of the command line, and give only advice that helps. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { providers } from '../index.js'
import { adviceOn } from '../lib/cli/advice.mjs'
import { accountFlags, taskFlags, taskIdFlag, timeFlags } from '../lib/cli/flags.mjs'
import { messageOf, plainMessage, withFlags } from '../lib/cli/messages.mjs'
import { suggest } from '../lib/cli/suggestions.mjs'
import { KEY, openSandbox, run, runAll } from './support/cli.mjs'

const env = { YESCAPTCHA_API_KEY: KEY, EZCAPTCHA_API_KEY: KEY, CUSTOM_API_KEY: KEY }
const SOLVE = ['solve', '--provider', 'yescaptcha', '--sitekey', '0x4AAAAAAATestSitekey']
const TASK = [...SOLVE, '--url', 'https://shop.example']
/** Nothing listens on this port. */
const REFUSING = ['--base-url', 'http://127.0.0.1:1']

const flags = [...taskFlags.flags, taskIdFlag, ...accountFlags.flags, ...timeFlags(120_000).flags]
/** Options of the library that the command line sets. */
const options = [...flags.flatMap(({ option }) => option ?? []), 'clientKey', 'proxy', 'pollIntervalMs']
/** Names that are not words of English too. */
const OPTION_NAME = new RegExp(`\\b(${options.filter(name => /[A-Z]/.test(name)).join('|')})\\b`)

/** @param {Partial<import('../lib/cli/error-report.mjs').Invocation>} [more] */
const invocation = more => ({ command: 'solve', values: {}, flags, secrets: {}, ...more })
/** @param {string} message @param {Record<string, unknown>} fields */
const failure = (message, fields) =>
  /** @type {import('../index.js').TurnstileError} */ (
    /** @type {unknown} */ (Object.assign(new Error(message), { provider: 'yescaptcha', ...fields }))
  )

describe('a mistake is answered with a suggestion', { concurrency: 4 }, () => {
  /** @type {[args: string[], suggestion: string][]} */
  const cases = [
    ...['--pageurl', '--page-url', '--websiteURL', '--website', '--ulr', '-url'].map(
      flag => /** @type {[string[], string]} */ ([['solve', flag, 'x'], '--url']),
    ),
    ...['--site-key', '--websiteKey', '--data-sitekey', '--googlekey', '--sitekye'].map(
      flag => /** @type {[string[], string]} */ ([['solve', flag, 'x'], '--sitekey']),
    ),
    [['solve', '--type', 'x'], '--task-type'],
    [['solve', '--soft-id', '1'], '--developer-id'],
    [['solve', '--interval', '1'], '--poll-interval'],
    [['solve', '--endpoint', 'x'], '--base-url'],
    [['solve', '--service', 'x'], '--provider'],
    [['wait', '--id', 'x'], '--task-id'],
    [['sandbox', '--api-key', 'x'], '--key'],
    [['sandbox', '--client-key', 'x'], '--key'],
    [['sandbox', '--faults', 'x'], '--fault'],
    [['create'], 'solve'],
    [['getBalance'], 'balance'],
    [['resume'], 'wait'],
    [['balance', '--provider', 'yescapcha'], 'yescaptcha'],
    [['solve', '--provider', 'EZ-Captcha'], 'ezcaptcha'],
    [['sandbox', '--provider', 'yescapcha'], 'yescaptcha'],
    [['sandbox', '--fault', 'conection-reset'], 'connection-reset'],
  ]
  for (const [args, suggestion] of cases) {
    test(`'${args.join(' ')}' suggests ${suggestion}, once`, async () => {
      const { code, stderr } = await run(args, { env })
      assert.equal(code, 2)
      assert.deepEqual(stderr.match(/did you mean [^?]*\?/gi), [`Did you mean ${suggestion}?`], stderr)
    })
  }

  for (const flag of ['--api-key', '--key', '--apikey', '--apikye', '--client_key', '--token', '--secret']) {
    test(`${flag} is answered with where the key is read from`, async () => {
      for (const command of ['solve', 'wait', 'balance']) {
        const { code, stderr } = await run([command, flag, KEY], { env })
        assert.equal(code, 2)
        assert.match(stderr, /Set .*YESCAPTCHA_API_KEY.* --key-file PATH/)
      }
    })
  }

  test('no command suggests a flag that it does not have', async () => {
    const list = [
      ['demo', '--key', KEY],
      ['balance', '--proxy', 'x'],
      ['balance', '--pageurl', 'x'],
      ['wait', '--sitekey', 'x'],
    ]
    for (const { code, stderr } of await runAll(list.map(args => ({ args, env })))) {
      assert.equal(code, 2)
      assert.match(stderr, /is not a flag of this command\n {2}See turnstile-solver \w+ --help\./)
    }
  })

  test('suggest() prefers the same name, then an alias, then the nearest spelling', () => {
    const aliases = { url: ['page'], pages: [] }
    assert.equal(suggest('--URL', ['url', 'pages'], aliases), 'url')
    assert.equal(suggest('--page', ['url', 'pages'], aliases), 'url')
    assert.equal(suggest('--paegs', ['url', 'pages'], aliases), 'pages')
    assert.equal(suggest('--frobnicate', ['url', 'pages'], aliases), undefined)
  })
})

describe('an error of the library names flags', { concurrency: 4 }, () => {
  /** @type {[args: string[], message: RegExp, env?: Record<string, string>][]} */
  const cases = [
    [
      [...SOLVE, '--url', 'shop.example'],
      /^error: --url: must be a complete URL that begins with https:\/\//,
    ],
    [[...SOLVE, '--url', 'shop.example:8080/a'], /^error: --url: must be a complete URL/],
    [[...SOLVE, '--url', '//shop.example'], /Write it as --url https:\/\/HOST\/PATH\./],
    [[...TASK, '--base-url', 'api.example'], /^error: --base-url: must be a complete URL/],
    [[...TASK, '--action', 'login'], /^error: --action: .*--extra-task-fields can send any field/],
    [[...TASK, '--cdata', 'x'], /^error: --cdata: .*--extra-task-fields can send any field/],
    [
      [
        'solve',
        '--provider',
        'custom',
        ...TASK.slice(3),
        ...REFUSING,
        '--task-type',
        'x',
        '--developer-id',
        '1',
      ],
      /^error: --developer-id: .*--extra-request-fields can send any field/,
    ],
    [
      TASK,
      /^error: TURNSTILE_PROXY: .*\n.*\n {2}Correct or unset TURNSTILE_PROXY\./,
      { TURNSTILE_PROXY: 'http://192.0.2.1:80' },
    ],
    [[...TASK, '--timeout', '0'], /^error: --timeout: /],
    [[...TASK, '--request-timeout', '0'], /^error: --request-timeout: /],
    [[...TASK, '--poll-interval', '0'], /^error: --poll-interval: /],
    [[...TASK, '--task-type', 'x'], /^error: --task-type: /],
    [
      [...TASK, '--extra-task-fields', '{"websiteURL":1}'],
      /^error: --extra-task-fields \(websiteURL\): is set by another flag/,
    ],
    [['solve', '--provider', 'custom', ...TASK.slice(3)], /^error: --base-url: /],
    [['wait', '--provider', 'yescaptcha', '--task-id', ' '], /^error: --task-id: /],
  ]
  for (const [args, message, more] of cases) {
    const flag = /(--[a-z-]+|[A-Z_]{5,})/.exec(message.source)?.[0]
    test(`an error about ${flag} in '${args.slice(3).join(' ').slice(0, 60)}' names no option of the library`, async () => {
      const { code, stderr } = await run(args, { env: { ...env, ...more } })
      assert.equal(code, 2)
      assert.match(stderr, message)
      assert.doesNotMatch(stderr.replace('(websiteURL)', ''), OPTION_NAME)
    })
  }

  test('a refused connection names no option, in progress, error and JSON', async () => {
    const args = [...TASK, ...REFUSING, '--timeout', '1200']
    const list = [args, [...args, '--json', '--progress'], [...args, '--request-timeout', '1']]
    for (const { code, stdout, stderr } of await runAll(list.map(args => ({ args, env })))) {
      assert.ok(code === 7 || code === 8, `${code}`)
      assert.doesNotMatch(`${stdout}${stderr}`, OPTION_NAME)
      assert.match(
        `${stdout}${stderr}`,
        /Check --base-url, and that a server is listening there|--request-timeout/,
      )
    }
  })

  test('a request without a reply in time names --request-timeout', async t => {
    const { solve, env } = await openSandbox(t, {
      faults: [{ method: 'createTask', fault: 'no-response', times: 9 }],
    })
    const list = [[], ['--json']].map(more => ({
      args: [...solve, '--request-timeout', '1000', ...more],
      env,
    }))
    for (const { code, stdout, stderr } of await runAll(list)) {
      assert.equal(code, 8)
      assert.match(`${stdout}${stderr}`, /within --request-timeout \(1000 ms\)/)
      assert.doesNotMatch(`${stdout}${stderr}`, OPTION_NAME)
    }
  })

  for (const option of options) {
    test(`withFlags() replaces ${option} by its flag`, () => {
      const all = invocation({
        flags: [...flags, { name: 'poll-interval', description: '', option: 'pollIntervalMs' }],
      })
      assert.match(withFlags(`set \`${option}\` instead`, all), /^set --[a-z-]+ instead$/)
      if (/[A-Z]/.test(option))
        assert.match(withFlags(`the ${option} (5 ms)`, all), /^the --[a-z-]+ \(5 ms\)$/)
      else assert.equal(withFlags(`the ${option}`, all), `the ${option}`)
    })
  }

  test("names of fields in a provider's message stay as they are", () => {
    const error = failure('createTask failed: ERROR_X (websiteURL is wrong) [yescaptcha]', {
      code: 'PROVIDER_ERROR',
    })
    assert.equal(messageOf(error, invocation()), 'createTask failed: ERROR_X (websiteURL is wrong)')
    assert.equal(plainMessage(error, invocation()), 'createTask failed: ERROR_X (websiteURL is wrong)')
  })

  test('a missing or unknown provider is answered with the names of the providers, once', async () => {
    const names = providers.map(({ name }) => name)
    for (const more of [[], ['--provider', 'frobnicate']]) {
      const { stderr } = await run(['balance', ...more], { env })
      for (const name of names) assert.equal(stderr.split(name).length, 2, stderr)
    }
  })
})

describe('advice is only given where it helps', () => {
  const timeout = { code: 'TIMEOUT', mayBeCharged: false, elapsedMs: 900, polls: 0 }
  const MORE_TIME = /greater --timeout/

  test('a timeout without a cause is answered with a greater --timeout, unless it is the greatest', () => {
    assert.match(adviceOn(failure('', timeout), invocation({ values: { timeout: 900 } })) ?? '', MORE_TIME)
    assert.match(adviceOn(failure('', timeout), invocation()) ?? '', MORE_TIME)
    const greatest = invocation({ values: { timeout: 300_000 } })
    assert.doesNotMatch(adviceOn(failure('', timeout), greatest) ?? '', MORE_TIME)
  })

  /** @type {[cause: [message: string, fields: Record<string, unknown>], values: Record<string, unknown>, advice: RegExp][]} */
  const causes = [
    [
      ['could not connect: refused', { code: 'CONNECTION_FAILED' }],
      { 'base-url': 'http://127.0.0.1:1' },
      /a server is listening there/,
    ],
    [
      ['could not connect: refused', { code: 'CONNECTION_FAILED' }],
      { 'base-url': 'http://[::1]:1' },
      /a server is listening there/,
    ],
    [
      ['could not connect: refused', { code: 'CONNECTION_FAILED' }],
      { 'base-url': 'https://api.example' },
      /Check --base-url, the network/,
    ],
    [['could not connect: dns', { code: 'CONNECTION_FAILED' }], {}, /Check the network/],
    [["the server's certificate was refused", { code: 'CONNECTION_FAILED' }], {}, /NODE_EXTRA_CA_CERTS/],
    [['HTTPS_PROXY is no URL', { code: 'CONNECTION_FAILED' }], {}, /Check this variable/],
    [
      ['no complete reply within requestTimeoutMs (1 ms)', { code: 'CONNECTION_FAILED' }],
      {},
      /greater --request-timeout/,
    ],
    [['HTTP 404', { code: 'HTTP_ERROR' }], { 'base-url': 'https://api.example' }, /address of a task API/],
    [['HTTP 503', { code: 'HTTP_ERROR' }], {}, /Try again in a minute/],
    [['busy', { code: 'PROVIDER_ERROR', reason: 'busy' }], {}, /overloaded/],
  ]
  for (const [[message, fields], values, advice] of causes) {
    test(`a timeout after '${message}' with ${JSON.stringify(values)} is answered by its cause`, () => {
      const error = failure('', { ...timeout, cause: failure(message, fields) })
      const text = adviceOn(error, invocation({ values })) ?? ''
      assert.match(text, advice)
      assert.doesNotMatch(text, MORE_TIME)
      assert.match(text, /^Nothing was charged\. /)
      assert.doesNotMatch(adviceOn(error, invocation({ command: 'balance', values })) ?? '', /charged/)
    })
  }

  test('a task that wait got an id for is not said to be paid for', () => {
    const error = failure('', { ...timeout, taskId: 'a', mayBeCharged: true })
    assert.match(
      adviceOn(error, invocation({ command: 'wait' })) ?? '',
      /may still be available at yescaptcha/,
    )
    assert.match(adviceOn(error, invocation()) ?? '', /is paid for and continues at yescaptcha/)
  })

  test('a solution without a usable token is not said to have one', () => {
    const error = failure('', { code: 'INVALID_RESPONSE', taskId: 'a', mayBeCharged: true, raw: {} })
    const text = adviceOn(error, invocation()) ?? ''
    assert.match(text, /has no token that can be used/)
    assert.doesNotMatch(text, /available/)
  })
})
