/** The installed package in every supported runtime. */

import assert from 'node:assert/strict'
import { copyFileSync, cpSync, readdirSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { startSandbox } from '../../lib/sandbox/index.mjs'
import { capture } from '../dev/child.mjs'
import { context, root, runtimes, target } from './lib/context.mjs'
import { usual as npm, project } from './lib/managers.mjs'

const { work } = context()
const packageName = `turnstile-solver-${target}`
const page = {
  websiteURL: 'https://shop.example/login',
  websiteKey: '0x4AAAAAAAExampleSitekey',
  pollIntervalMs: 1000,
}

/** The columns of the table that smoke.mjs fills. */
const smoke = /** @type {const} */ (['import', 'solve', 'abort', 'errors', 'worker', 'sandbox', 'exit'])

/** @type {Record<'whole' | 'missing' | 'cut', string>} */
let folders
/** @type {import('../../lib/sandbox/index.mjs').Sandbox[]} */
let sandboxes
let [options, quick] = ['', '']

before(async () => {
  const [whole, missing] = [project(npm), project(npm)]
  await Promise.all([whole.install(npm.add), missing.install(npm.addWithoutOptional ?? [])])
  const cut = `${whole.folder}-cut`
  cpSync(whole.folder, cut, { recursive: true })
  truncateSync(join(cut, 'node_modules', packageName, `turnstile-solver.${target}.node`), 100_000)
  folders = { whole: whole.folder, missing: missing.folder, cut }
  const consumers = join(root, 'tools', 'packaging', 'consumers')
  for (const folder of Object.values(folders)) {
    for (const name of readdirSync(consumers)) copyFileSync(join(consumers, name), join(folder, name))
  }
  sandboxes = await Promise.all([
    startSandbox({ provider: 'yescaptcha', solveTimeMs: 0 }),
    startSandbox({ provider: 'ezcaptcha', solveTimeMs: 100_000 }),
  ])
  const [fast, slow] = sandboxes.map(({ account }) => ({ ...account, ...page }))
  options = JSON.stringify({ quick: fast, slow })
  quick = JSON.stringify(fast)
})

after(() => Promise.all(sandboxes.map(sandbox => sandbox.close())))

describe('the package', { concurrency: 3 }, () => {
  for (const { name, command, typed, locked } of runtimes) {
    /** @type {import('./lib/table.mjs').Result['checks']} */
    const checks = {}

    describe(`in ${name}`, { concurrency: 2 }, () => {
      after(async () => {
        const { stdout } = await within('whole', command.slice(0, 1), '--version')
        const version = stdout.match(/\d+\.\d+\.\d+/)?.[0] ?? ''
        writeFileSync(
          join(work, 'runtimes', `${name}.json`),
          JSON.stringify({ runtime: name, version, checks }),
        )
      })

      test('loads, solves, aborts, distinguishes errors, works in a thread and ends by itself', async () => {
        const { code, stdout, stderr } = await within('whole', command, 'smoke.mjs', options)
        const done = stdout.trim().split('\n')
        for (const check of smoke) checks[check] = done.includes(check)
        assert.deepEqual([code, stderr], [0, ''], stdout)
        assert.deepEqual(done.sort(), ['same', ...smoke].sort())
      })

      test('solves from CommonJS', async () => {
        const { stdout, stderr, code } = await within('whole', command, 'solve.cjs', quick)
        checks.require = code === 0 && stderr === '' && /^0\.\S{100,}\n$/.test(stdout)
        assert.ok(checks.require, stdout + stderr)
      })

      if (typed) {
        test('runs TypeScript as it is', async () => {
          const { stdout, stderr, code } = await within('whole', typed, 'typed.mts')
          checks.typescript = code === 0 && /^0\.\S{100,}\nERROR_ZERO_BALANCE\n$/.test(stdout)
          assert.ok(checks.typescript, stdout + stderr)
        })
      }

      test('says why the binary does not load', async () => {
        checks.failure = false
        await assertLoadError(
          'missing',
          command,
          'missing',
          /^It needs the optional package \S+, which is not installed\.$/m,
        )
        await assertLoadError(
          'cut',
          command,
          'corrupt',
          /turnstile-solver\.linux-x64-gnu\.node is cut short\.$/m,
        )
        if (locked)
          await assertLoadError(
            'whole',
            locked,
            'addons-disabled',
            /^To fix it, start (Deno|Node\.js) .*--allow-(ffi|addons)/m,
          )
        checks.failure = true
      })
    })
  }
})

/**
 * @param {keyof typeof folders} folder
 * @param {string[]} command
 * @param {string} reason
 * @param {RegExp} text
 */
async function assertLoadError(folder, command, reason, text) {
  const { code, stdout, stderr } = await within(folder, command, 'load.cjs')
  assert.deepEqual([code, stderr], [0, ''])
  const { message, ...fields } = JSON.parse(stdout)
  const system = { platform: 'linux', arch: 'x64', libc: 'glibc' }
  assert.deepEqual(fields, { code: 'ERR_TURNSTILE_SOLVER_BINARY', reason, ...system, packageName })
  assert.match(message, text)
}

/**
 * @param {keyof typeof folders} folder
 * @param {string[]} command
 * @param {string[]} args
 */
function within(folder, [command, ...first], ...args) {
  return capture(command, [...first, ...args], { cwd: folders[folder], env: { NO_COLOR: '1' } })
}
