/** The contents of the tarballs. */

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { capture } from '../dev/child.mjs'
import { context, root, target, tool } from './lib/context.mjs'
import { budgets, commonJsOf, folders, notices, repositoryOnly, topFiles } from './lib/shipped.mjs'

const { packed } = context()
const [main] = packed.filter(({ name }) => name === 'turnstile-solver')
const [own] = packed.filter(({ name }) => name === `turnstile-solver-${target}`)
const platforms = packed.filter(({ name }) => name !== main.name)

/** The manifest as it is in the tarball. @param {string} tarball */
const manifestIn = tarball =>
  JSON.parse(execFileSync('tar', ['-xzOf', tarball, 'package/package.json'], { encoding: 'utf8' }))

describe('the main package', () => {
  test('has the listed files at its top, and no others', () => {
    const top = main.files.map(({ path }) => path).filter(path => !path.includes('/'))
    assert.deepEqual(top.sort(), topFiles.toSorted())
  })

  test('has in its folders what is committed there with its CommonJS builds, and nothing else', () => {
    const paths = [...Object.keys(folders), ...repositoryOnly.map(path => `:!${path}`)]
    const committed = execFileSync('git', ['ls-files', '-z', ...paths], { cwd: root, encoding: 'utf8' })
    const within = main.files.map(({ path }) => path).filter(path => path.includes('/'))
    const sources = committed.split('\0').filter(Boolean)
    assert.deepEqual(within.sort(), sources.flatMap(path => [path, commonJsOf(path) ?? []].flat()).sort())
    for (const path of within) {
      const [folder] = path.split('/')
      assert.ok(Object.hasOwn(folders, folder), `no folder of that name ships: ${path}`)
      assert.match(path, folders[/** @type {keyof typeof folders} */ (folder)])
    }
  })

  test('names one binary package for each system, of its own version and no other', () => {
    const { version, optionalDependencies, dependencies = {} } = manifestIn(main.tarball)
    const wanted = Object.fromEntries(platforms.map(({ name }) => [name, version]))
    assert.deepEqual(optionalDependencies, wanted)
    assert.deepEqual(dependencies, {})
    for (const { name, tarball } of platforms) assert.equal(manifestIn(tarball).version, version, name)
  })

  test('has a version that the changelog lists', () => {
    const { version } = manifestIn(main.tarball)
    assert.ok(readFileSync(join(root, 'CHANGELOG.md'), 'utf8').includes(`\n## [${version}]`))
  })

  test('has types that resolve in CommonJS and in ESM', async () => {
    // No supported TypeScript resolves as for Node.js 10.
    const flags = ['--profile', 'node16', '--no-color', '--no-emoji']
    const { code, stdout } = await cli('@arethetypeswrong/cli', 'attw', [main.tarball, ...flags])
    assert.equal(code, 0, stdout)
    assert.match(stdout, /"turnstile-solver\/sandbox"/)
  })
})

describe('the package of a binary', () => {
  for (const { name, files, tarball } of platforms) {
    test(`${name} has the binary with its notices, and requires its system`, () => {
      const system = name.slice('turnstile-solver-'.length)
      const binary = `turnstile-solver.${system}.node`
      const paths = files.map(({ path }) => path)
      assert.deepEqual(paths.sort(), [...notices, 'README.md', binary, 'package.json'].sort())
      const { main: entry, os, cpu, libc } = manifestIn(tarball)
      const abi = system.includes('musl') ? ['musl'] : system.startsWith('linux') ? ['glibc'] : undefined
      assert.deepEqual([entry, `${os}-${cpu}`, libc], [binary, system.split('-', 2).join('-'), abi])
    })
  }
})

describe('each tarball', () => {
  for (const { name, tarball } of [main, own]) {
    test(`of ${name} is faultless to publint`, async () => {
      const { code, stdout, stderr } = await cli('publint', 'publint', ['run', tarball, '--strict'])
      assert.equal(code, 0, stderr)
      assert.match(stdout, /All good!/)
    })
  }

  for (const [{ name, size, unpackedSize }, budget] of /** @type {const} */ ([
    [main, budgets.main],
    [own, budgets.binary],
  ])) {
    test(`of ${name} is within its budget`, t => {
      t.diagnostic(`${name}: ${size} bytes packed, ${unpackedSize} unpacked`)
      assert.ok(size <= budget.size, `${size} bytes packed`)
      assert.ok(unpackedSize <= budget.unpackedSize, `${unpackedSize} bytes unpacked`)
    })
  }
})

/**
 * @param {string} packageName
 * @param {string} command
 * @param {string[]} args
 */
function cli(packageName, command, args) {
  const { bin } = JSON.parse(readFileSync(tool(packageName, 'package.json'), 'utf8'))
  const script = typeof bin === 'string' ? bin : bin[command]
  return capture(process.execPath, [tool(packageName, script), ...args])
}
