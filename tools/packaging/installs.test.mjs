/** The packages, installed by every package manager, and the ways in which an installation fails. */

import assert from 'node:assert/strict'
import { copyFileSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { startSandbox } from '../../lib/sandbox/index.mjs'
import { blocksOf } from '../dev/markdown.mjs'
import { root, target } from './lib/context.mjs'
import { managers, project, usual } from './lib/managers.mjs'

/** @typedef {import('./lib/managers.mjs').Manager} Manager */
/** @typedef {import('./lib/managers.mjs').Project} Project */

const wanted = `turnstile-solver-${target}`
const missing = new RegExp(`^It needs the optional package ${wanted}, which is not installed\\.$`, 'm')
const foreign = /^It needs the package \S+, and installed is turnstile-solver-darwin-arm64: /m

const examples = blocksOf(readFileSync(join(root, 'README.md'), 'utf8')).filter(
  ({ heading, language }) => heading === 'Usage' && language === 'js',
)
/** The README's example with a provider, sent to the sandbox. */
const [{ code: withSandbox }, { code: withProvider }] = examples
const account = "provider: 'yescaptcha',"
const atSandbox = withProvider.replace(account, `${account}\n  baseURL: process.env.SANDBOX_URL,`)

/** @type {import('../../lib/sandbox/index.mjs').Sandbox} */
let sandbox
before(async () => {
  assert.notEqual(atSandbox, withProvider, `the README's example has no ${account}`)
  sandbox = await startSandbox({ provider: 'yescaptcha', solveTimeMs: 0 })
})
after(() => sandbox.close())

describe('the package', { concurrency: 2 }, () => {
  for (const manager of managers) {
    const { name, add, addWithoutOptional, frozen, lockfile, mac, losesSystems } = manager
    const [word] = name.toLowerCase().split(' ')

    describe(`with ${name}`, { concurrency: 3 }, () => {
      test('installs the binary of this system and of no other, and the README’s example runs', async () => {
        const user = project(manager)
        await user.install(add)
        const names = installed(user)
        assert.ok(names.includes('turnstile-solver') && names.includes(wanted), `${names}`)
        // Some managers do not distinguish C libraries.
        const others = names.filter(found => !found.startsWith('turnstile-solver-linux-x64-'))
        assert.deepEqual(others, ['turnstile-solver'])
        await runsExample(user)
      })

      test('installs the same from its lockfile', async () => {
        const user = project(manager)
        await user.install(add)
        const before = readFileSync(join(user.folder, lockfile), 'utf8')
        await user.renew(frozen)
        assert.equal(readFileSync(join(user.folder, lockfile), 'utf8'), before)
        await loads(user)
      })

      if (addWithoutOptional) {
        test('leaves the binary out without optional packages; the error says so, and its command fixes it', async () => {
          const user = project(manager)
          await user.install(addWithoutOptional)
          const [command] = commandsIn(await refusal(user, missing), word)
          await user.install(command)
          await loads(user)
        })
      }

      if (mac) {
        test('installs the binary of this system from a lockfile that was made on a Mac', async () => {
          const user = await fromMac(manager)
          await user.renew(frozen)
          await loads(user)
        })
      }

      if (mac && !name.includes('Play')) {
        test('made node_modules on a Mac; the error says so, and its command fixes it', async () => {
          const user = await fromMac(manager)
          const message = await refusal(user, foreign)
          assert.match(message, /^To fix it, delete node_modules and run: /m)
          await user.renew(commandsIn(message, word)[0])
          await loads(user)
        })
      }

      if (word === 'npm') {
        const ending = losesSystems
          ? 'has lost the other systems; the error says so, and its last command fixes it'
          : 'still has the other systems'
        test(`with a lockfile that was renewed from node_modules on a Mac ${ending}`, async () => {
          const user = await fromMac(manager)
          rmSync(join(user.folder, lockfile))
          await user.install(['install', ...(mac?.flags ?? [])])
          await user.renew(frozen)
          if (!losesSystems) return loads(user)
          const [first, last] = commandsIn(await refusal(user, missing), word)
          await user.install(first)
          await refusal(user, missing)
          await user.install(last)
          await loads(user)
        })
      }
    })
  }
})

describe('what npm installed', { concurrency: 2 }, () => {
  test('has the command, which shows its demo', async () => {
    const user = project(usual)
    await user.install(usual.add)
    const command = join('node_modules', '.bin', 'turnstile-solver')
    assert.ok(existsSync(join(user.folder, command)))
    const { code, stdout, stderr } = await user.node([command, 'demo'])
    assert.equal(code, 0, stderr)
    assert.match(stdout, /^2 tokens verified in /m)
  })

  test('has the sandbox, as the README shows it', async () => {
    const user = project(usual)
    await user.install(usual.add)
    writeFileSync(join(user.folder, 'sandbox.mjs'), withSandbox)
    const { code, stdout, stderr } = await user.node(['sandbox.mjs'])
    assert.equal(code, 0, stderr)
    assert.match(stdout, /^0\.\S{100,}\n$/)
  })
})

/** A project that was installed for another system. @param {Manager} manager */
async function fromMac(manager) {
  const { add, mac: { flags = [], file = ['', ''] } = {}, files = {} } = manager
  const [name, text] = file
  const user = project(manager, name ? { [name]: text } : {})
  await user.install([...add, ...flags])
  if (files[name]) user.write(files)
  else if (name) rmSync(join(user.folder, name))
  return user
}

/** The names of the installed packages of this project. @param {Project} user */
function installed({ store }) {
  const names = readdirSync(store).map(
    name => name.match(/^turnstile-solver(-(linux|darwin|win32)(-\w+)+?)?(?=@|-npm-|$)/)?.[0],
  )
  return names.filter(name => name !== undefined)
}

/** @param {Project} user */
async function loads(user) {
  const { loaded, message } = await load(user)
  assert.ok(loaded?.includes('solveTurnstile'), message)
}

/** The message of the error with which it does not load. @param {Project} user @param {RegExp} text */
async function refusal(user, text) {
  const { code, reason, message } = await load(user)
  assert.deepEqual([code, reason], ['ERR_TURNSTILE_SOLVER_BINARY', 'missing'])
  assert.match(message ?? '', text)
  return message ?? ''
}

/** @param {Project} user @returns {Promise<{ loaded?: string[], code?: string, reason?: string, message?: string }>} */
async function load(user) {
  copyFileSync(join(root, 'tools', 'packaging', 'consumers', 'load.cjs'), join(user.folder, 'load.cjs'))
  const { code, stdout, stderr } = await user.node(['load.cjs'])
  assert.deepEqual([code, stderr], [0, ''])
  return JSON.parse(stdout)
}

/** The arguments of the commands that an error names, for this manager. @param {string} message @param {string} word */
function commandsIn(message, word) {
  const lines = [...message.matchAll(/(?:^|run: )(\w+) ((?:install|add) .*|install)$/gm)]
  assert.ok(lines.length > 0, message)
  return lines.map(([, command, args]) => {
    assert.equal(command, word, message)
    return args.split(' ')
  })
}

/** @param {Project} user */
async function runsExample(user) {
  writeFileSync(join(user.folder, 'example.mjs'), atSandbox)
  const env = { YESCAPTCHA_API_KEY: sandbox.account.clientKey, SANDBOX_URL: sandbox.baseURL }
  const { code, stdout, stderr } = await user.node(['example.mjs'], env)
  assert.deepEqual([code, stderr], [0, ''])
  assert.match(stdout, /^0\.\S{100,}\n$/)
}
