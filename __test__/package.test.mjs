import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { root, run, runScript } from './support/child.mjs'

const require = createRequire(import.meta.url)
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

const names = [
  'TurnstileError',
  'createTask',
  'getBalance',
  'getTaskResult',
  'isTurnstileError',
  'providers',
  'solveTurnstile',
  'waitForTask',
]
const sandboxNames = ['errorCodes', 'faults', 'startSandbox']

describe('the package', () => {
  test('the package is required by its name with exactly the named exports', () => {
    assert.deepEqual(Object.keys(require('turnstile-solver')).sort(), names)
  })

  test('the package is imported by its name with exactly the named exports, and with them all as the default', async () => {
    const module = await import('turnstile-solver')
    const own = Object.keys(module).filter(name => name !== 'default' && name !== 'module.exports')
    assert.deepEqual(own.sort(), names)
    assert.deepEqual(Object.keys(/** @type {any} */ (module).default).sort(), names)
  })

  test('has the same functions with require and with import', async () => {
    /** @type {Record<string, any>} */
    const required = require('turnstile-solver')
    /** @type {Record<string, any>} */
    const imported = await import('turnstile-solver')
    for (const name of names) assert.equal(imported[name], required[name])
  })

  test('the package names its functions as they are exported, and each takes the one options object', async () => {
    /** @type {Record<string, any>} */
    const module = await import('turnstile-solver')
    const functions = names.filter(name => name !== 'providers')
    for (const name of functions) assert.equal(module[name].name, name)
    for (const name of functions.filter(name => !/Error$/.test(name))) assert.equal(module[name].length, 1)
  })

  test('exports the sandbox as turnstile-solver/sandbox', async () => {
    const sandbox = await import('turnstile-solver/sandbox')
    assert.deepEqual(Object.keys(sandbox).sort(), sandboxNames)
    assert.equal(sandbox.startSandbox, (await import('../lib/sandbox/index.mjs')).startSandbox)
    assert.match(require.resolve('turnstile-solver/sandbox'), /sandbox[\\/]index\.mjs$/)
  })

  test('exports no other file', () => {
    for (const path of [
      'lib/client.js',
      'lib/loader.js',
      'index.js',
      'lib/page/index.mjs',
      'lib/sandbox/index.mjs',
      'lib/sandbox/http/server.mjs',
      'lib/cli/turnstile-solver.mjs',
    ]) {
      const error = { code: 'ERR_PACKAGE_PATH_NOT_EXPORTED' }
      assert.throws(() => require.resolve(`turnstile-solver/${path}`), error, path)
    }
    assert.equal(require('turnstile-solver/package.json').name, 'turnstile-solver')
  })

  test('the package loads from CommonJS and from a module in a process of its own', async () => {
    const [required, imported] = await Promise.all([
      run(process.execPath, ['-p', "Object.keys(require('turnstile-solver')).sort().join()"]),
      runScript(`import { ${names} } from 'turnstile-solver'; console.log([${names}].every(Boolean))`),
    ])
    assert.deepEqual([required.code, required.stdout], [0, `${names}\n`])
    assert.deepEqual([imported.code, imported.stdout], [0, 'true\n'])
  })

  test('the sandbox alone does not load the addon', async () => {
    const script = `
      import { startSandbox } from 'turnstile-solver/sandbox'
      const sandbox = await startSandbox()
      await sandbox.close()
      console.log(process.report.getReport().sharedObjects.some(path => path.endsWith('.node')))`
    const { code, stdout } = await runScript(script)
    assert.deepEqual([code, stdout], [0, 'false\n'])
  })

  test('the package depends on nothing at run time', () => {
    for (const kind of ['dependencies', 'peerDependencies', 'bundleDependencies', 'bundledDependencies']) {
      assert.deepEqual(manifest[kind] ?? {}, {}, kind)
    }
    const scripts = Object.keys(manifest.scripts)
    assert.deepEqual(
      scripts.filter(name => /^(install|prepare|prepublishOnly)$/.test(name)),
      [],
    )
  })

  test('has no script that npm runs by itself, before or after another', () => {
    const scripts = Object.keys(manifest.scripts)
    const own = ['install', 'pack', 'publish', 'version', 'restart', 'shrinkwrap', 'dependencies']
    const around = [...scripts, ...own].flatMap(name => [`pre${name}`, `post${name}`])
    assert.deepEqual(
      scripts.filter(name => around.includes(name)),
      [],
    )
  })

  test('the package lists in its manifest only files that are there', () => {
    /** @param {unknown} target @returns {string[]} */
    const targets = target =>
      typeof target === 'string' ? [target] : Object.values(/** @type {object} */ (target)).flatMap(targets)
    const paths = [...targets(manifest.exports), ...targets(manifest.bin), manifest.main, manifest.types]
    for (const path of paths) assert.doesNotThrow(() => readFileSync(join(root, path)), path)
  })
})

test('cargo builds only the addon unless another package of the workspace is named', async () => {
  const { stdout } = await run('cargo', ['metadata', '--no-deps', '--locked', '--format-version', '1'])
  const { packages, workspace_default_members: defaults } = JSON.parse(stdout)
  const names = (/** @type {any[]} */ list) => list.map(({ name }) => name).sort()
  assert.deepEqual(names(packages.filter((/** @type {any} */ { id }) => defaults.includes(id))), [
    'turnstile-solver',
  ])
  assert.ok(packages.length > 3, names(packages).join())
  const locks = await run('git', ['ls-files', '--', '*Cargo.lock', ':(exclude)__test__'])
  assert.equal(locks.stdout, 'Cargo.lock\n')
})

test('the fuzz targets have the dependencies of the addon', () => {
  const dependencies = (/** @type {string} */ manifest) => {
    const [, section] = readFileSync(join(root, manifest), 'utf8').split('\n[dependencies]\n')
    return section.split(/\n\[/)[0].trim().split('\n')
  }
  assert.ok(dependencies('Cargo.toml').length > 10)
  assert.deepEqual(dependencies('tools/fuzz/core/Cargo.toml'), dependencies('Cargo.toml'))
})
