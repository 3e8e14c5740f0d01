/** README.md and docs/ say what is true: every block of code runs, every command is understood. docs/page.md needs a browser: see browser/. */

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import * as api from '../index.js'
import * as sandboxApi from '../lib/sandbox/index.mjs'
import { outOfTime } from './support/calls.mjs'
import { root, run } from './support/child.mjs'
import { blocksOf, read, readme } from './support/documents.mjs'
import { startScriptedServer } from './support/scripted-server.mjs'

/** @typedef {import('../lib/sandbox/index.mjs').Sandbox} Sandbox */
/** @typedef {import('../lib/sandbox/index.mjs').SandboxOptions} SandboxOptions */

const KEY = 'test-key-0123456789abcdef'
const TOKEN = /^0\.\S{100,}\n$/

const manifest = JSON.parse(read('package.json'))

/**
 * What a JavaScript block prints, and what it leaves behind at the sandboxes that stand in for the providers.
 *
 * `sandbox` are the options of those, whose tasks are ready for the poll after `readyAfterPolls`. The call `timesOut` has a `timeoutMs` that
 * leaves time for a fault of the sandbox. `ending` ends what the block leaves running.
 *
 * @typedef {object} Expectation
 * @property {RegExp} prints
 * @property {number} [created]
 * @property {number} [delivered]
 * @property {RegExp} [complains]
 * @property {SandboxOptions & { readyAfterPolls?: number }} [sandbox]
 * @property {string} [timesOut]
 * @property {string} [ending]
 */

/** @type {Expectation} */
const refused = {
  prints: /^$/,
  complains: /^account ERROR_ZERO_BALANCE \S.*\n$/,
  sandbox: { balance: 0 },
}

/** By document and heading; each block, in order, in one situation or several. @type {Record<string, Record<string, (Expectation | Expectation[])[]>>} */
const expectations = {
  'README.md': {
    Usage: [{ prints: TOKEN }, { prints: TOKEN, created: 1, delivered: 1 }],
    'Resume a paid task': [
      [
        { prints: TOKEN, created: 1, delivered: 1 },
        {
          prints: TOKEN,
          created: 1,
          delivered: 1,
          // The first poll is not answered, so solveTurnstile times out.
          sandbox: { faults: [{ method: 'getTaskResult', fault: 'no-response' }] },
          timesOut: 'solveTurnstile',
        },
        { ...refused, complains: /^createTask failed: ERROR_ZERO_BALANCE .*\n$/ },
      ],
    ],
  },
  'docs/errors.md': { Example: [refused], 'In your tests': [{ prints: /^true TIMEOUT 42\n$/ }] },
  'docs/events.md': {
    onProgress: [
      {
        prints: /^created, 0 polls, \d+ ms\nprocessing, 1 polls, \d+ ms\nready, 2 polls, \d+ ms\n$/,
        created: 1,
        delivered: 1,
        sandbox: { readyAfterPolls: 1 },
      },
    ],
    // What it prints of a call is in diagnostics.test.mjs.
    'The channel': [{ prints: /^$/ }],
  },
  'docs/sandbox.md': {
    'In a test': [{ prints: /\bpass 1\n.*\bfail 0\n/s }],
    Dashboard: [{ prints: /^http:\/\/127\.0\.0\.1:\d+\/sandbox\n$/, ending: 'await sandbox.close()' }],
  },
  'docs/time-and-money.md': {
    'Create and wait separately': [
      {
        prints: /^10000 points\ntask [0-9a-f-]{36}\nprocessing\n0\.\S{100,} is valid until 20\S+Z\n$/,
        created: 1,
        delivered: 1,
        sandbox: { readyAfterPolls: 1 },
      },
    ],
  },
}

describe('the code of the documents runs', { concurrency: 8 }, () => {
  const home = stage()
  after(() => rmSync(home, { recursive: true }))
  for (const document of documents()) {
    /** @type {Record<string, number>} */
    const seen = {}
    for (const { language, heading, code } of blocksOf(read(document))) {
      if (language !== 'js') continue
      const nth = seen[heading] ?? 0
      seen[heading] = nth + 1
      const situations = [expectations[document]?.[heading]?.[nth]].flat()
      for (const [index, expected] of situations.entries()) {
        const name = `${document}-${heading}-${nth}-${index}`.replaceAll(/\W+/g, '-')
        test(`${document}: block ${nth + 1} under "${heading}", situation ${index + 1}`, async t => {
          assert.ok(expected, 'the expectations say nothing of this block')
          await behaves(t, join(home, `${name}.mjs`), code, expected)
        })
      }
    }

    test(`${document}: every expectation has its block`, () => {
      for (const [heading, { length }] of Object.entries(expectations[document] ?? {}))
        assert.equal(seen[heading], length, heading)
    })
  }

  test('every document with an expectation is there, and every block has a known language', () => {
    for (const document of Object.keys(expectations)) assert.ok(documents().includes(document), document)
    for (const document of documents()) {
      for (const { language, heading } of blocksOf(read(document)))
        assert.ok(
          ['js', 'json', 'sh', 'text'].includes(language),
          `${document}: "${language}" under "${heading}"`,
        )
    }
  })
})

describe('the commands of the documents run', { concurrency: 8 }, () => {
  const text = documents().map(read)
  const lines = text
    .flatMap(blocksOf)
    .filter(({ language }) => language === 'sh')
    .flatMap(({ code }) => code.trim().split('\n'))
  const inline = text
    .flatMap(markdown => [...markdown.matchAll(/`(npx\s+turnstile-solver[^`]*)`/g)])
    .map(([, line]) => line.replaceAll(/\s+/g, ' '))
  const commands = [...new Set([...lines, ...inline])].filter(line => line.startsWith('npx turnstile-solver'))

  for (const line of commands) {
    const args = line.split(' ').slice(2)
    test(`${line.slice(0, 60)} is understood`, async t => {
      assert.doesNotMatch(line, /['"\\$|<>]/, 'this test splits at spaces, which a shell would not')
      const [provider] = await startProviders(t, { provider: argument(args, '--provider') })
      await accepted(args, provider)
    })
  }

  test('each command of the program is shown', async () => {
    const { stdout } = await cli(['--help'])
    const names = [...(stdout.split('Commands\n')[1]?.split('\n\n')[0] ?? '').matchAll(/^ {2}(\w+)/gm)]
    assert.ok(names.length >= 5, stdout)
    for (const [, name] of names)
      assert.ok(
        commands.some(line => line.split(' ')[2] === name),
        name,
      )
  })
})

describe('the README', () => {
  test('the README shows the bodies that are sent', async t => {
    const server = await startScriptedServer([
      { path: '/createTask', body: { errorId: 0, taskId: 'task-1' } },
      { path: '/getTaskResult', body: { errorId: 0, status: 'ready', solution: { token: 'token-1' } } },
    ])
    t.after(() => server.close())
    const account = /** @type {const} */ ({ provider: 'ezcaptcha', clientKey: KEY, baseURL: server.baseURL })
    const widget = { websiteURL: 'https://shop.example/login', websiteKey: '0x4AAAAAAAExampleSitekey' }
    await api.solveTurnstile({ ...account, ...widget, action: 'login', pollIntervalMs: 10 })
    const shown = blocksOf(readme).filter(({ language }) => language === 'json')
    const filled = shown.map(({ code }) => ({ ...JSON.parse(code), clientKey: KEY }))
    assert.deepEqual(
      server.requests.map(({ body }) => body),
      filled.map(body => ('taskId' in body ? { ...body, taskId: 'task-1' } : body)),
    )
  })

  test('the README names the host of every provider', () => {
    const hosts = api.providers.flatMap(({ baseURL }) => (baseURL ? [new URL(baseURL).host] : []))
    assert.ok(hosts.length >= 2)
    for (const host of hosts) assert.ok(readme.includes(`\`${host}\``), host)
  })
})

/** All but the one whose code needs a browser. */
function documents() {
  const docs = readdirSync(join(root, 'docs')).filter(name => name.endsWith('.md') && name !== 'page.md')
  return ['README.md', ...docs.map(name => `docs/${name}`)]
}

/**
 * @param {import('node:test').TestContext} t
 * @param {string} file
 * @param {string} code
 * @param {Expectation} expected
 */
async function behaves(t, file, code, expected) {
  const { prints, complains = /^$/, created = 0, delivered = 0, sandbox, timesOut, ending = '' } = expected
  writeFileSync(file, `${code}\n${ending}`)
  const runs = async (/** @type {Record<string, object>} */ options) => {
    const providers = await startProviders(t, sandbox)
    const README_OPTIONS = JSON.stringify(options)
    const env = { ...keys, NODE_TEST_CONTEXT: undefined, README_OPTIONS, ...addresses(providers) }
    return { providers, ended: await run(process.execPath, [file], { cwd: join(file, '..'), env }) }
  }
  const { providers, ended } = timesOut
    ? await outOfTime(
        timeoutMs => runs({ [timesOut]: { timeoutMs } }),
        ({ providers }) => providers.some(provider => Object.keys(provider.stats().faults).length > 0),
      )
    : await runs({})
  assert.match(ended.stdout, prints)
  assert.match(ended.stderr, complains)
  assert.deepEqual([ended.code, ended.signal], [0, null])
  const sum = (/** @type {'created' | 'delivered'} */ what) =>
    providers.reduce((total, provider) => total + provider.stats().tasks[what], 0)
  assert.deepEqual({ created: sum('created'), delivered: sum('delivered') }, { created, delivered })
}

const keys = { EZCAPTCHA_API_KEY: KEY, YESCAPTCHA_API_KEY: KEY, CUSTOM_API_KEY: KEY }

/**
 * A folder in which `turnstile-solver` is this package, but for one thing: a call without a `baseURL` of its own goes to the
 * sandbox that stands in for its provider. Keys come from the environment, as in the documents.
 */
function stage() {
  const home = mkdtempSync(join(tmpdir(), 'turnstile-solver-readme-'))
  const folder = join(home, 'node_modules', 'turnstile-solver')
  mkdirSync(folder, { recursive: true })
  const calls = Object.entries(api).flatMap(([name, value]) =>
    typeof value === 'function' && /^[a-z]/.test(name) && !name.startsWith('is') ? [name] : [],
  )
  const url = (/** @type {string} */ path) => JSON.stringify(pathToFileURL(join(root, path)).href)
  writeFileSync(
    join(folder, 'package.json'),
    JSON.stringify({ type: 'module', exports: { '.': './index.js', './sandbox': './sandbox.js' } }),
  )
  writeFileSync(join(folder, 'sandbox.js'), `export * from ${url(manifest.exports['./sandbox'].default)}\n`)
  writeFileSync(
    join(folder, 'index.js'),
    `import * as real from ${url(manifest.exports['.'].default)}
export * from ${url(manifest.exports['.'].default)}
const more = JSON.parse(process.env.README_OPTIONS)
const there = name => options => {
  if ('baseURL' in options) return real[name](options)
  const polls = name === 'solveTurnstile' || name === 'waitForTask' ? { pollIntervalMs: 10 } : {}
  const patient = { timeoutMs: 300_000, requestTimeoutMs: 300_000 }
  return real[name]({ baseURL: process.env['README_' + options.provider], ...patient, ...polls, ...options, ...more[name] })
}
${calls.map(name => `export const ${name} = there('${name}')`).join('\n')}
`,
  )
  return home
}

/**
 * @param {import('node:test').TestContext} t
 * @param {SandboxOptions & { readyAfterPolls?: number }} [options]
 */
async function startProviders(t, { readyAfterPolls, ...options } = {}) {
  let ahead = 0
  const begun = Date.now()
  const waiting = { solveTimeMs: 60_000, now: () => begun + ahead }
  const providers = /** @type {const} */ (['ezcaptcha', 'yescaptcha'])
  const played = options.provider ? [options.provider] : providers
  return Promise.all(
    played.map(async provider => {
      const sandbox = await sandboxApi.startSandbox({
        clientKey: KEY,
        solveTimeMs: 0,
        ...(readyAfterPolls ? waiting : {}),
        ...options,
        provider,
      })
      t.after(() => sandbox.close())
      sandbox.events.on('*', event => {
        if (event.type === 'task:polled' && event.polls === readyAfterPolls)
          setImmediate(() => (ahead = 60_000))
      })
      return sandbox
    }),
  )
}

/** @param {Sandbox[]} sandboxes */
const addresses = sandboxes =>
  Object.fromEntries(sandboxes.map(({ account, baseURL }) => [`README_${account.provider}`, baseURL]))

/** As `npx` starts it. */
const npx = { ...keys, npm_command: 'exec' }
const program = join(root, manifest.bin['turnstile-solver'])

/** @param {string[]} args */
const cli = args => run(process.execPath, [program, ...args], { env: npx })

/**
 * Runs a command of a document for real, at a sandbox; one that only names a command is asked for its help.
 * @param {string[]} args
 * @param {Sandbox} sandbox
 */
async function accepted(args, sandbox) {
  const [name, ...flags] = args
  if (name === 'sandbox' && flags.length > 0 && !flags.includes('--list-faults')) return listens(args)
  const patient = ['--timeout', '300000', '--request-timeout', '300000']
  const there = [
    '--base-url',
    sandbox.baseURL,
    ...patient,
    ...(name === 'balance' ? [] : ['--poll-interval', '10']),
  ]
  const whole =
    flags.length === 0 ? [name, '--help'] : flags[0].startsWith('--p') ? [...args, ...there] : args
  const id = whole.indexOf('--task-id') + 1
  if (id > 0) {
    const task = { websiteURL: 'https://shop.example/login', websiteKey: '0x4AAAAAAAExampleSitekey' }
    const { taskId } = await api.createTask({ ...sandbox.account, ...task })
    whole[id] = taskId
  }
  const { code, stdout, stderr } = await cli(whole)
  assert.equal(code, 0, stderr)
  assert.notEqual(stdout.trim(), '')
}

/**
 * A sandbox runs until it gets a signal.
 * @param {string[]} args
 */
async function listens(args) {
  const child = spawn(process.execPath, [program, ...args], { env: { ...process.env, ...npx } })
  const ended = once(child, 'close')
  const refused = ended.then(([code]) => assert.fail(`it ended by itself, with exit code ${code}`))
  await Promise.race([once(child.stdout, 'data'), refused])
  child.kill()
  refused.catch(() => {})
  assert.deepEqual(await ended, [0, null])
}

/**
 * @param {string[]} args
 * @param {string} flag
 */
const argument = (args, flag) =>
  /** @type {'ezcaptcha' | 'yescaptcha' | undefined} */ (
    args.includes(flag) ? args[args.indexOf(flag) + 1] : undefined
  )
