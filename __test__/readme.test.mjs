/** The documents say what is true: every block of code in the README runs, every table says what the types say, every link leads somewhere. */

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { summary } from '../benchmark/lib/summary.mjs'
import { exitCodeTable } from '../bin/exit-codes.mjs'
import * as api from '../index.js'
import * as sandboxApi from '../sandbox/index.mjs'
import { section as programmed } from '../scripts/section.mjs'
import { root, run } from './support/child.mjs'
import {
  anchors,
  blocksOf,
  fieldsOf,
  membersOf,
  read,
  readme,
  section,
  tableUnder,
  types,
} from './support/documents.mjs'

/** @typedef {import('../sandbox/index.mjs').Sandbox} Sandbox */
/** @typedef {import('../sandbox/index.mjs').SandboxOptions} SandboxOptions */

const KEY = 'test-key-0123456789abcdef'
const documents = ['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'SECURITY.md']

const manifest = JSON.parse(read('package.json'))
const blocks = blocksOf(readme)

/**
 * What each JavaScript block of a section must print, in order, and leave behind at the sandboxes that stand in for the vendors.
 *
 * `sandbox` are the options of those, whose tasks are ready for the poll after `readyAfterPolls`, and `hurry` are options that make a
 * call quicker than the README needs to be.
 *
 * @typedef {object} Expectation
 * @property {RegExp} prints
 * @property {number} [created]
 * @property {number} [delivered]
 * @property {RegExp} [complains]
 * @property {SandboxOptions & { readyAfterPolls?: number }} [sandbox]
 * @property {Record<string, Record<string, unknown>>} [hurry]
 */

/** @type {Record<string, Expectation[]>} */
const expectations = {
  Usage: [{ prints: /^0\.\S{100,}\n$/, created: 1, delivered: 1 }],
  Options: [
    {
      prints: /^created, 0 polls, \d+ ms\nprocessing, 1 polls, \d+ ms\nready, 2 polls, \d+ ms\n$/,
      created: 1,
      delivered: 1,
      sandbox: { readyAfterPolls: 1 },
    },
  ],
  Errors: [
    {
      prints: /^$/,
      complains: /^account ERROR_ZERO_BALANCE \S.*\n$/,
      created: 0,
      delivered: 0,
      sandbox: { balance: 0 },
    },
  ],
  'Resume a paid task': [
    {
      prints: /^[0-9a-f-]{36} 0\.\S{100,}\n$/,
      created: 1,
      delivered: 1,
      sandbox: { solveTimeMs: 2500 },
      hurry: { solveTurnstile: { timeoutMs: 1500 } },
    },
  ],
  'Lower-level functions': [
    {
      prints: /^10000 points\ntask [0-9a-f-]{36}\nprocessing\n0\.\S{100,} is good until 20\S+Z\n$/,
      created: 1,
      delivered: 1,
      sandbox: { readyAfterPolls: 1 },
    },
  ],
  Sandbox: [{ prints: /\bpass 1\n.*\bfail 0\n/s, created: 0, delivered: 0 }],
}

describe('the code of the README runs', { concurrency: 8 }, () => {
  const home = stage()
  after(() => rmSync(home, { recursive: true }))
  const javascript = blocks.filter(({ language }) => language === 'js')
  /** @type {Record<string, number>} */
  const seen = {}
  for (const { heading, code } of javascript) {
    const nth = (seen[heading] ?? 0) + 1
    seen[heading] = nth
    test(`block ${nth} under "${heading}" does what it says`, async t => {
      const expected = expectations[heading]?.[nth - 1]
      assert.ok(expected, `expectations say nothing of block ${nth} under "${heading}"`)
      const { prints, complains = /^$/, created = 0, delivered = 0, sandbox, hurry = {} } = expected
      const vendors = await startVendors(t, sandbox)
      const file = join(home, `${heading.toLowerCase().replaceAll(/\W+/g, '-')}-${nth}.mjs`)
      writeFileSync(file, code)
      const env = {
        ...keys,
        NODE_TEST_CONTEXT: undefined,
        README_HURRY: JSON.stringify(hurry),
        ...addresses(vendors),
      }
      const ended = await run(process.execPath, [file], { cwd: home, env })
      assert.match(ended.stdout, prints)
      assert.match(ended.stderr, complains)
      assert.deepEqual([ended.code, ended.signal], [0, null])
      const sum = (/** @type {'created' | 'delivered'} */ what) =>
        vendors.reduce((total, vendor) => total + vendor.stats().tasks[what], 0)
      assert.deepEqual({ created: sum('created'), delivered: sum('delivered') }, { created, delivered })
    })
  }

  test('every expectation has its block', () => {
    for (const [heading, { length }] of Object.entries(expectations))
      assert.equal(seen[heading], length, heading)
  })

  test('every block tells its language', () => {
    for (const { language, heading } of blocks)
      assert.ok(['js', 'sh', 'text'].includes(language), `"${language}" under "${heading}"`)
  })
})

describe('the commands of the README run', { concurrency: 8 }, () => {
  const lines = blocks
    .filter(({ language }) => language === 'sh')
    .flatMap(({ code }) => code.trim().split('\n'))
  const inline = [...readme.matchAll(/`(npx\s+turnstile-solver[^`]*)`/g)].map(([, line]) =>
    line.replaceAll(/\s+/g, ' '),
  )
  const commands = [...new Set([...lines, ...inline])].filter(line => line.startsWith('npx turnstile-solver'))

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

  for (const line of commands) {
    const args = line.split(' ').slice(2)
    test(`${line.slice(0, 60)} is understood`, async t => {
      assert.doesNotMatch(line, /['"\\$|<>]/, 'this test splits at spaces, which a shell would not')
      const [vendor] = await startVendors(t, { provider: argument(args, '--provider') })
      await accepted(args, vendor)
    })
  }

  test('the demo prints what the README shows', async () => {
    const shown = blocks.find(({ heading, language }) => heading === 'Demo' && language === 'text')
    assert.ok(shown)
    const { stdout, stderr, code } = await cli(['demo'])
    assert.equal(code, 0, stderr)
    assert.equal(steady(stdout + stderr), steady(shown.code))
  })

  test('every script of npm that the documents name is there', () => {
    for (const document of documents) {
      const names = [...read(document).matchAll(/npm run (?:--silent )?(\w+)/g)].map(([, name]) => name)
      for (const name of names) assert.ok(manifest.scripts[name], `${document}: npm run ${name}`)
    }
  })
})

describe('the tables of the README are those of the types', () => {
  const groups = ['AccountOptions', 'TaskOptions', 'TaskIdOptions', 'PollingOptions']

  test('every option stands in the table, in order, in the same words, with its default', () => {
    const expected = groups.flatMap(fieldsOf).map(({ name, text, byDefault, optional }) => {
      return [`\`${name}\``, text, optional ? (byDefault ?? 'none') : 'required']
    })
    const rows = tableUnder('Options').map(([name, text, byDefault]) => [
      name,
      text,
      byDefault.replaceAll('`', ''),
    ])
    assert.deepEqual(rows, expected)
  })

  test('no option interface is left out', () => {
    const declared = [...types.matchAll(/^export interface (\w+Options) \{\n/gm)].map(([, name]) => name)
    assert.deepEqual(declared.sort(), groups.toSorted())
  })

  test('every field of a solution stands in the table, in the same words', () => {
    const expected = fieldsOf('Solution').map(({ name, text }) => [`\`${name}\``, text])
    assert.deepEqual(tableUnder('Result'), expected)
  })

  test('every error code and every reason stands in its table, in the same words', () => {
    const expected = ['TurnstileErrorCode', 'ProviderErrorReason'].flatMap(membersOf)
    assert.deepEqual(
      tableUnder('Errors').map(([name, text]) => [name, text]),
      expected,
    )
  })

  test('every error code tells the fields that come with it', () => {
    const table = new Map(tableUnder('Errors').map(([name, , fields = '']) => [name, fields]))
    const everywhere = ['message', 'code', 'provider', 'taskId', 'mayBeCharged']
    for (const { name, text } of fieldsOf('Failure')) {
      const codes = /^(?:`[A-Z_]+`(?:, )?)+(?=:)/.exec(text)?.[0].split(', ') ?? []
      assert.notEqual(
        codes.length === 0,
        everywhere.includes(name) === false,
        `${name} comes with some code or with all`,
      )
      for (const code of codes)
        assert.match(table.get(code) ?? '', new RegExp(`\`${name}\``), `${code}: ${name}`)
      if (codes.length === 0 && name !== 'message') assert.match(section('Errors'), new RegExp(`\`${name}\``))
    }
  })

  test('every exit code stands in the table, in the same words', () => {
    assert.deepEqual(tableUnder('Command line').slice(-exitCodeTable.length), exitCodeTable)
  })

  test('every exported name is told of', () => {
    for (const name of [...Object.keys(api), ...Object.keys(sandboxApi)]) {
      if (name !== 'default' && name !== 'module.exports')
        assert.match(readme, new RegExp(`\\b${name}\\b`), name)
    }
  })

  test('the cost of a solve is what the benchmark measured', () => {
    const results = JSON.parse(read('benchmark/results/final.json'))
    assert.equal(programmed(readme, 'cost'), summary(results))
  })

  test('every fault of the sandbox is named', () => {
    for (const { name } of sandboxApi.faultTable) assert.ok(section('Sandbox').includes(`\`${name}\``), name)
  })
})

describe('the documents hold together', () => {
  test('the version of the package stands in the changelog', () => {
    assert.match(
      read('CHANGELOG.md'),
      new RegExp(`^## \\[${manifest.version.replaceAll('.', '\\.')}\\] - \\S+`, 'm'),
    )
  })

  test('no relative link is dead', () => {
    for (const document of documents) {
      const links = [...read(document).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target)
      for (const link of links.filter(target => !/^[a-z]+:/.test(target))) {
        const [path, anchor] = link.split('#')
        const target = path === '' ? document : path
        assert.ok(existsSync(join(root, dirname(document), target)), `${document}: ${link}`)
        if (anchor !== undefined) assert.ok(anchors(read(target)).includes(anchor), `${document}: ${link}`)
      }
    }
  })

  test('the parts of the crate and the folders of the package are all told of', () => {
    const contributing = read('CONTRIBUTING.md')
    const modules = [...read('src/lib.rs').matchAll(/^pub mod (\w+);/gm)].map(([, name]) => name)
    assert.ok(modules.length >= 9, `${modules}`)
    for (const name of modules) assert.match(contributing, new RegExp(`\`src/${name}(\\.rs|/)\``), name)
    for (const name of manifest.files) assert.match(contributing, new RegExp(`\`${name}/?\``), name)
  })
})

const keys = { EZCAPTCHA_API_KEY: KEY, YESCAPTCHA_API_KEY: KEY, CUSTOM_API_KEY: KEY }

/**
 * A folder in which `turnstile-solver` is this package, but for one thing: a call without a `baseURL` of its own goes to the
 * sandbox that stands in for its vendor. Keys come from the environment, as the README says.
 */
function stage() {
  const home = mkdtempSync(join(tmpdir(), 'turnstile-solver-readme-'))
  const folder = join(home, 'node_modules', 'turnstile-solver')
  mkdirSync(folder, { recursive: true })
  const calls = Object.keys(api).filter(name => /^[a-z]/.test(name) && !/^(default|is)/.test(name))
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
const hurry = JSON.parse(process.env.README_HURRY)
const there = name => options => {
  if ('baseURL' in options) return real[name](options)
  const polls = name === 'solveTurnstile' || name === 'waitForTask' ? { pollIntervalMs: 10 } : {}
  return real[name]({ baseURL: process.env['README_' + options.provider], ...polls, ...options, ...hurry[name] })
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
async function startVendors(t, { readyAfterPolls, ...options } = {}) {
  let ahead = 0
  const waiting = { solveTimeMs: 60_000, now: () => Date.now() + ahead }
  const providers = /** @type {const} */ (['ezcaptcha', 'yescaptcha'])
  const played = options.provider ? [options.provider] : providers
  return Promise.all(
    played.map(async provider => {
      const vendor = await sandboxApi.startSandbox({
        clientKey: KEY,
        solveTimeMs: 0,
        ...(readyAfterPolls ? waiting : {}),
        ...options,
        provider,
      })
      t.after(() => vendor.close())
      vendor.events.on('event', event => {
        if (event.type === 'polled' && event.polls === readyAfterPolls) setImmediate(() => (ahead = 60_000))
      })
      return vendor
    }),
  )
}

/** @param {Sandbox[]} vendors */
const addresses = vendors =>
  Object.fromEntries(vendors.map(({ account, baseURL }) => [`README_${account.provider}`, baseURL]))

/** As `npx` starts it. */
const npx = { ...keys, npm_command: 'exec' }
const program = join(root, manifest.bin['turnstile-solver'])

/** @param {string[]} args */
const cli = args => run(process.execPath, [program, ...args], { env: npx })

/**
 * Runs a command of the README for real, at the vendor's stand-in; one that only names a command is asked for its help.
 * @param {string[]} args
 * @param {Sandbox} vendor
 */
async function accepted(args, vendor) {
  const [name, ...flags] = args
  if (name === 'sandbox' && flags.length > 0 && !flags.includes('--list-faults')) return listens(args)
  const there = ['--base-url', vendor.baseURL, ...(name === 'balance' ? [] : ['--poll-interval', '20'])]
  const whole =
    flags.length === 0 ? [name, '--help'] : flags[0].startsWith('--p') ? [...args, ...there] : args
  const id = whole.indexOf('--task-id') + 1
  if (id > 0) {
    const task = { websiteURL: 'https://shop.example/login', websiteKey: '0x4AAAAAAAExampleSitekey' }
    const { taskId } = await api.createTask({ ...vendor.account, ...task })
    whole[id] = taskId
  }
  const { code, stdout, stderr } = await cli(whole)
  assert.equal(code, 0, stderr)
  assert.notEqual(stdout.trim(), '')
}

/**
 * A sandbox runs until it is told to end.
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

/** The demo's output without its progress, and without what differs from run to run. @param {string} text */
const steady = text =>
  text
    .replaceAll(/^\w+captcha: .*\n?/gm, '')
    .replaceAll(/\d\d:\d\d:\d\d/g, 'CLOCK')
    .replaceAll(/\d+\.\d s/g, 'SECONDS')
    .replaceAll(/:\d+$/gm, ':PORT')
    .replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, 'TASK')
    .replaceAll(/0\.[\w-]{10}\.\.\.\w{6}/g, 'TOKEN')
    .replaceAll(/\d+ polls?/g, 'POLLS')
    .replaceAll(/\d+ characters/g, 'CHARACTERS')
    .trim()
