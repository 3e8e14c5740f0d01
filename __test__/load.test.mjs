/** When the native binary does not load: one error that says what the system needs, what is wrong and how to fix it. */

import assert from 'node:assert/strict'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import {
  builtBinary,
  heads,
  hostTarget,
  loadEach,
  manifest,
  once,
  otherSystems as others,
  platformPackage,
  stage,
  systems,
  targets,
} from './fixtures/load/stage.mjs'
import { blocksOf, read } from './support/documents.mjs'

/** @typedef {import('./fixtures/load/stage.mjs').System} System */
/** @typedef {import('./fixtures/load/stage.mjs').LoadReport} LoadReport */

const { version } = manifest
const here = hostTarget()
const packageName = `turnstile-solver-${here}`
const isLinux = process.platform === 'linux'
const hostName = `${process.platform} ${process.arch}${isLinux ? ' with glibc' : ''}`
const binary = builtBinary()
const foreign = Object.entries(heads).filter(([made]) => !hostName.startsWith(made))
const reinstall = 'delete node_modules and run: npm install --include=optional'
const together = { concurrency: 4 }

/**
 * The error's whole shape: the three lines of its message, and the fields that a program branches on.
 *
 * @param {LoadReport} report
 * @param {{ reason: string, problem: string | RegExp, fix: string | RegExp }} expected
 * @param {{ name?: string, packageName?: string }} [system]
 */
function explains(
  report,
  { reason, problem, fix },
  { name = hostName, packageName: wanted = packageName } = {},
) {
  assert.equal(report.loaded, undefined, 'it loaded')
  const [what, because, ...rest] = (report.message ?? '').split('\n')
  assert.equal(what, `turnstile-solver cannot load its native binary on ${name}.`)
  const match = (/** @type {string} */ text, /** @type {string | RegExp} */ pattern) =>
    pattern instanceof RegExp ? assert.match(text, pattern) : assert.equal(text, pattern)
  match(because, problem)
  match(rest.join('\n'), fix)
  const [platform, arch, , libc] = name.split(' ')
  assert.deepEqual(report.fields, {
    code: 'ERR_TURNSTILE_SOLVER_BINARY',
    reason,
    platform,
    arch,
    ...(libc ? { libc } : {}),
    packageName: wanted,
  })
}

describe('the package of this system', together, () => {
  test('the package of this system is loaded by require and by import', async t => {
    const staged = stage(t, { packages: platformPackage(here, binary) })
    const required = await staged.load()
    assert.ok(required.loaded?.includes('solveTurnstile'), JSON.stringify(required))
    const imported = await staged.load({ how: 'import' })
    assert.ok(imported.loaded?.includes('solveTurnstile'), JSON.stringify(imported))
  })

  test('the package of this system that is not installed is named in the error, with the commands that add it', async t => {
    const expected = {
      reason: 'missing',
      problem: `It needs the optional package ${packageName}, which is not installed.`,
      fix: [
        'To fix it, run: npm install --include=optional',
        'Where that changes nothing, the lockfile comes from another system and leaves the package out. Add it then by its name:',
        `npm install --save-optional --save-exact ${packageName}@${version}`,
      ].join('\n'),
    }
    const staged = stage(t)
    for (const how of /** @type {const} */ (['require', 'import'])) {
      const report = await staged.load({ how })
      explains(report, expected)
      assert.match(report.cause ?? '', new RegExp(`^Cannot find module '${packageName}/package.json'`))
    }
  })

  test('the package of this system that is not installed prints a few lines if the error is not caught', async t => {
    const { code, stderr } = await stage(t).run("require('turnstile-solver')")
    assert.equal(code, 1)
    assert.match(stderr, new RegExp(`^Error: turnstile-solver cannot load .* ${hostName}\\.\n`, 'm'))
    assert.equal(stderr.split('[cause]').length, 2, stderr)
    assert.doesNotMatch(stderr, /wasi|npm has a bug/i)
  })

  test('the package of this system that is missing where that of another system is installed says where node_modules comes from', async t => {
    const other = targets.find(name => name !== here) ?? ''
    const staged = stage(t, { packages: platformPackage(other, 'not looked at') })
    explains(await staged.load(), {
      reason: 'missing',
      problem: `It needs the package ${packageName}, and installed is turnstile-solver-${other}: node_modules comes from another system.`,
      fix: `To fix it, ${reinstall}`,
    })
  })

  test('the package of this system that has lost its binary is corrupt', async t => {
    const packages = platformPackage(here, binary)
    delete packages[packageName][`turnstile-solver.${here}.node`]
    explains(await stage(t, { packages }).load(), {
      reason: 'corrupt',
      problem: `${packageName} is installed, but its binary is gone.`,
      fix: `To fix it, ${reinstall}`,
    })
  })

  test('the package of this system that is added later is found by the next require of the same process', async t => {
    const staged = stage(t)
    writeFileSync(join(staged.home, 'binary.node'), binary)
    const { stdout, stderr } = await staged.run(`
      const { copyFileSync, mkdirSync, writeFileSync } = require('node:fs')
      try { require('turnstile-solver') } catch (error) { console.log(error.reason) }
      mkdirSync('node_modules/${packageName}')
      copyFileSync('binary.node', 'node_modules/turnstile-solver/turnstile-solver.${here}.node')
      console.log(typeof require('turnstile-solver').solveTurnstile)`)
    assert.equal(stdout, 'missing\nfunction\n', stderr)
  })

  /** @type {[what: string, files: Record<string, object>][]} */
  const fromFiles = [
    [
      'a tarball',
      { 'package.json': { dependencies: { 'turnstile-solver': 'file:../turnstile-solver-0.1.0.tgz' } } },
    ],
    ['a folder', { 'package.json': { devDependencies: { 'turnstile-solver': 'file:../turnstile-solver' } } }],
    [
      'a path',
      { 'package.json': { optionalDependencies: { 'turnstile-solver': '../packed/turnstile-solver.tgz' } } },
    ],
    [
      'a tarball, without being saved',
      {
        'node_modules/.package-lock.json': {
          packages: { 'node_modules/turnstile-solver': { resolved: 'file:../turnstile-solver-0.1.0.tgz' } },
        },
      },
    ],
  ]
  for (const [what, files] of fromFiles) {
    test(`the package of this system that is missing where turnstile-solver was installed from ${what} is packed with it`, async t => {
      const staged = stage(t)
      for (const [path, content] of Object.entries(files)) {
        writeFileSync(join(staged.home, path), JSON.stringify(content))
      }
      explains(await staged.load(), {
        reason: 'missing',
        problem: `It needs the optional package ${packageName}, which is not installed. turnstile-solver was installed from a file or a folder.`,
        fix: 'To fix it, run in the clone of turnstile-solver: npm run pack\nThen run here the npm install that it prints.',
      })
    })
  }

  test('the package of this system that is missing where turnstile-solver came from a registry has the usual commands', async t => {
    const staged = stage(t)
    const manifest = { dependencies: { 'turnstile-solver': '^0.1.0' } }
    const resolved = 'https://registry.example/turnstile-solver/-/turnstile-solver-0.1.0.tgz'
    const lock = { packages: { 'node_modules/turnstile-solver': { resolved } } }
    writeFileSync(join(staged.home, 'package.json'), JSON.stringify(manifest))
    writeFileSync(join(staged.home, 'node_modules', '.package-lock.json'), JSON.stringify(lock))
    const problem = `It needs the optional package ${packageName}, which is not installed.`
    explains(await staged.load(), {
      reason: 'missing',
      problem,
      fix: /^To fix it, run: npm install --include=optional\n/,
    })
  })

  test('in a clone the error says how to build the binary', async t => {
    const staged = stage(t, { files: { 'Cargo.toml': '' } })
    explains(await staged.load(), {
      reason: 'missing',
      problem: 'This is a clone, and none was built in it yet.',
      fix: 'To fix it, run: npm run build',
    })
  })
})

describe('a binary that is there', together, () => {
  const path = join('node_modules', packageName, `turnstile-solver.${here}.node`)
  const file = `\\S.*${escaped(path)}`

  const none = Object.entries({
    empty: Buffer.alloc(0),
    'a line of text': 'version https://git-lfs.github.com/spec/v1\n',
    'all zeros': Buffer.alloc(binary.length),
  })
  const loads = once(t =>
    loadEach([...none, ...foreign].map(([, bytes]) => stage(t, { packages: platformPackage(here, bytes) }))),
  )

  for (const [i, [what]] of none.entries()) {
    test(`a binary that is there and is ${what} is no library`, async t => {
      const report = (await loads(t))[i]
      const problem = new RegExp(`^${file} is not a library\\.$`)
      explains(report, { reason: 'corrupt', problem, fix: `To fix it, ${reinstall}` })
      assert.ok(report.cause)
    })
  }

  for (const part of [0.5, 0.1, 0.001]) {
    test(`a binary that is there and ends after ${part * 100} % of its bytes is cut short, and does not crash the process`, async t => {
      const bytes = binary.subarray(0, binary.length * part)
      const staged = stage(t, { packages: platformPackage(here, bytes) })
      const problem = new RegExp(`^${file} ${isLinux ? 'is cut short' : '.*'}\\.$`)
      explains(await staged.load(), { reason: 'corrupt', problem, fix: `To fix it, ${reinstall}` })
    })
  }

  for (const [i, [made]] of foreign.entries()) {
    test(`a binary that is there and is made for ${made} is reported as incompatible`, async t => {
      const problem = new RegExp(`^${file} is made for ${made}( with glibc)?\\.$`)
      const report = (await loads(t))[none.length + i]
      explains(report, { reason: 'incompatible', problem, fix: `To fix it, ${reinstall}` })
    })
  }

  test('a binary that is there and is made for the other libc is reported as incompatible', {
    skip: !isLinux,
  }, async t => {
    const other = Buffer.from(binary)
    const at = other.indexOf('\0libc.so.6\0')
    assert.ok(at > 0)
    other.write('libc.musl', at + 1, 'latin1')
    const staged = stage(t, { packages: platformPackage(here, other) })
    const report = await staged.load()
    const problem = new RegExp(`^${file} is made for linux ${process.arch} with musl\\.$`)
    explains(report, { reason: 'incompatible', problem, fix: `To fix it, ${reinstall}` })
    assert.match(report.cause ?? '', /libc\.musl/)
  })

  test('a binary that is there and needs a newer glibc is reported with that version', {
    skip: !isLinux,
  }, async t => {
    const newer = newerGlibc(binary)
    const staged = stage(t, { packages: platformPackage(here, newer) })
    const problem = new RegExp(`^${file} needs glibc 2\\.9\\d, which is newer than this system's\\.$`)
    const fix =
      'To fix it, run it on a newer system, or build the binary on this one and let NAPI_RS_NATIVE_LIBRARY_PATH name it.'
    explains(await staged.load(), { reason: 'incompatible', problem, fix })
  })

  test('a binary that is there and whose package is of another version is not loaded', async t => {
    const staged = stage(t, {
      changes: { version: '99.1.2' },
      packages: platformPackage(here, 'not looked at'),
    })
    const problem = `turnstile-solver is 99.1.2, but ${packageName} is ${version}.`
    explains(await staged.load(), { reason: 'version', problem, fix: `To fix it, ${reinstall}` })
  })

  test('a binary that is there and is of another version than its package says is not used', async t => {
    const staged = stage(t, {
      changes: { version: '99.1.2' },
      packages: platformPackage(here, binary, { version: '99.1.2' }),
    })
    const problem = new RegExp(`^turnstile-solver is 99\\.1\\.2, but ${file} is ${escaped(version)}\\.$`)
    explains(await staged.load(), { reason: 'version', problem, fix: `To fix it, ${reinstall}` })
  })

  test('a binary that is there and must not be loaded by this process is reported with what allows it', async t => {
    const staged = stage(t, { packages: platformPackage(here, binary) })
    const report = await staged.load({ flags: ['--no-addons'] })
    explains(report, {
      reason: 'addons-disabled',
      problem:
        /^This process may not load addons: Cannot load native addon because loading addons is disabled\.$/,
      fix: 'To fix it, start Node.js without --no-addons, and with --allow-addons where it has --permission.',
    })
  })
})

describe('a package for another system', together, () => {
  /** What it runs if it is loaded leaves a file behind. @param {string} name */
  const hostile = (name, more = {}) => ({
    [name]: {
      'package.json': JSON.stringify({ name, version, main: 'hostile.js', ...more }),
      'hostile.js': `require('node:fs').writeFileSync('ran', '')\nmodule.exports = { version: '${version}' }`,
    },
  })

  test('a package for another system is never run where the binary is missing, whatever name a generated loader might try', async t => {
    const packages = hostile('turnstile-solver-wasm32-wasi')
    const staged = stage(t, { packages })
    const expected = { reason: 'missing', problem: /which is not installed\.$/, fix: /--include=optional/ }
    for (const env of [{}, { NAPI_RS_FORCE_WASI: 'true' }]) explains(await staged.load({ env }), expected)
    assert.equal(existsSync(join(staged.home, 'ran')), false)
  })

  for (const [name, target] of /** @type {const} */ ([
    ['android arm64', 'android-arm64'],
    ['freebsd x64', 'freebsd-x64'],
    ['win32 ia32', 'win32-ia32-msvc'],
    ['linux s390x with glibc', 'linux-s390x-gnu'],
    ['linux riscv64 with musl', 'linux-riscv64-musl'],
  ])) {
    test(`a package for another system is never run on ${name}, for which there is none`, async t => {
      const [platform, arch, , libc] = name.split(' ')
      const packageName = `turnstile-solver-${target}`
      const staged = stage(t, { packages: hostile(packageName) })
      const expected = { reason: 'unsupported', problem: /^None is made for it/, fix: /build one from/ }
      explains(await staged.load({ system: { platform, arch, libc } }), expected, { name, packageName })
      assert.equal(existsSync(join(staged.home, 'ran')), false)
    })
  }

  test('a package for another system is not run where its version is not that of turnstile-solver', async t => {
    const staged = stage(t, { packages: hostile(packageName, { version: '0.0.1' }) })
    explains(await staged.load(), {
      reason: 'version',
      problem: new RegExp(`^turnstile-solver is ${escaped(version)}, but ${packageName} is 0\\.0\\.1\\.$`),
      fix: `To fix it, ${reinstall}`,
    })
    assert.equal(existsSync(join(staged.home, 'ran')), false)
  })

  test('a package for another system is not run by what it calls its main file: only the binary is loaded', async t => {
    const staged = stage(t, { packages: hostile(packageName) })
    explains(await staged.load(), {
      reason: 'corrupt',
      problem: `${packageName} is installed, but its binary is gone.`,
      fix: `To fix it, ${reinstall}`,
    })
    assert.equal(existsSync(join(staged.home, 'ran')), false)
  })
})

describe('NAPI_RS_NATIVE_LIBRARY_PATH', together, () => {
  const unset = 'To fix it, unset NAPI_RS_NATIVE_LIBRARY_PATH or'

  test('NAPI_RS_NATIVE_LIBRARY_PATH names a binary that is loaded where no package is installed', async t => {
    const staged = stage(t, { files: { 'own.node': binary } })
    const env = { NAPI_RS_NATIVE_LIBRARY_PATH: join(staged.folder, 'own.node') }
    assert.ok((await staged.load({ env })).loaded)
    rmSync(join(staged.folder, 'own.node'))
    explains(await staged.load({ env }), {
      reason: 'missing',
      problem: `NAPI_RS_NATIVE_LIBRARY_PATH names ${env.NAPI_RS_NATIVE_LIBRARY_PATH}, and there is no such file.`,
      fix: `${unset} correct it.`,
    })
  })

  test('NAPI_RS_NATIVE_LIBRARY_PATH that names a binary of another system or version fails, although the right package is installed', async t => {
    const packages = platformPackage(here, binary)
    const staged = stage(t, { packages, files: { 'own.node': foreign[0][1] } })
    const file = join(staged.folder, 'own.node')
    const env = { NAPI_RS_NATIVE_LIBRARY_PATH: file }
    const fix = `${unset} let it name a binary of this system and version.`
    const report = await staged.load({ env })
    explains(report, { reason: 'incompatible', problem: /own\.node is made for /, fix })

    const outdated = stage(t, { changes: { version: '99.1.2' }, files: { 'own.node': binary } })
    const path = join(outdated.folder, 'own.node')
    explains(await outdated.load({ env: { NAPI_RS_NATIVE_LIBRARY_PATH: path } }), {
      reason: 'version',
      problem: /^turnstile-solver is 99\.1\.2, but .*own\.node is \d/,
      fix,
    })
  })

  test('NAPI_RS_NATIVE_LIBRARY_PATH that names a binary which reports no version fails', async t => {
    const staged = stage(t, { files: { 'old.js': 'module.exports = { solveTurnstile() {} }' } })
    explains(await staged.load({ env: { NAPI_RS_NATIVE_LIBRARY_PATH: join(staged.folder, 'old.js') } }), {
      reason: 'version',
      problem: /^turnstile-solver is \S+, but .*old\.js is of another version\.$/,
      fix: `${unset} let it name a binary of this system and version.`,
    })
  })

  test('NAPI_RS_NATIVE_LIBRARY_PATH is the only variable of the generated loaders of napi that has an effect', async t => {
    const staged = stage(t, { packages: platformPackage(here, binary) })
    const env = {
      NAPI_RS_FORCE_WASI: 'error',
      NAPI_RS_WASI_FLAVOR: 'other',
      NAPI_RS_ENFORCE_VERSION_CHECK: '0',
    }
    assert.ok((await staged.load({ env })).loaded)
  })
})

describe('a system', together, () => {
  test('this test has a system for every package', () => {
    assert.deepEqual(Object.keys(systems).sort(), targets.toSorted())
  })

  /** @param {System} system */
  const nameOf = ({ platform, arch, libc }) => `${platform} ${arch}${libc ? ` with ${libc}` : ''}`

  /** Every system with its package installed, and every one without it, in one process. */
  const loads = once(async t => {
    const missing = stage(t)
    // The binary is this system's own under the other's name, since no other can be loaded here.
    const installed = Object.keys(systems).map(target =>
      stage(t, { packages: platformPackage(target, binary) }),
    )
    const list = Object.values(systems).flatMap((system, i) => [
      { home: installed[i].home, system },
      { home: missing.home, system },
    ])
    return loadEach([...list, ...others.map(([, , system]) => ({ home: missing.home, system }))])
  })

  for (const [i, [target, system]] of Object.entries(systems).entries()) {
    const wanted = `turnstile-solver-${target}`
    const name = nameOf(system)

    test(`a system that is ${name} loads ${wanted}, and names it where it is missing`, async t => {
      const all = await loads(t)
      assert.ok(all[2 * i].loaded)
      const expected = { reason: 'missing', problem: /which is not installed\.$/, fix: /--include=optional/ }
      explains(all[2 * i + 1], expected, { name, packageName: wanted })
    })
  }

  for (const [libc, ldd, abi] of /** @type {const} */ ([
    ['glibc', 'musl', 'gnu'],
    ['musl', 'glibc', 'musl'],
    ['musl', 'none', 'musl'],
  ])) {
    test(`a system whose process reports ${libc} has ${libc} although ldd is of ${ldd}, and its own reports stay as they were`, async t => {
      const system = { platform: 'linux', arch: 'arm64', libc, ldd }
      const expected = { reason: 'missing', problem: /which is not installed\.$/, fix: /@[\d.]+$/ }
      const report = await stage(t).load({ system })
      const packageName = `turnstile-solver-linux-arm64-${abi}`
      explains(report, expected, { name: `linux arm64 with ${libc}`, packageName })
      assert.equal(report.excludeNetwork, false)
    })
  }

  for (const [ldd, libc, other] of /** @type {const} */ ([
    ['musl', 'musl', 'glibc'],
    ['glibc', 'glibc', 'musl'],
    ['none', 'glibc', 'musl'],
  ])) {
    test(`a system whose process reports no C library, with an ldd of ${ldd}, has ${libc}, and the error names the variable for ${other}`, async t => {
      const system = { platform: 'linux', arch: 'x64', ldd, reported: false }
      const fix = new RegExp(
        `\\nIf this system has ${other}, let NAPI_RS_NATIVE_LIBRARY_PATH name the binary for ${other}\\.$`,
      )
      const report = await stage(t).load({ system })
      const packageName = `turnstile-solver-linux-x64-${libc === 'musl' ? 'musl' : 'gnu'}`
      const expected = { reason: 'missing', problem: /which is not installed\.$/, fix }
      explains(report, expected, { name: `linux x64 with ${libc}`, packageName })
    })
  }

  for (const [i, [name, wanted]] of others.entries()) {
    test(`a system that is ${name} is refused with the list of systems that have binaries`, async t => {
      const report = (await loads(t))[2 * targets.length + i]
      const expected = {
        reason: 'unsupported',
        problem: `None is made for it; there are ${targets.join(', ')}.`,
        fix: 'To fix it, build one from the source and let NAPI_RS_NATIVE_LIBRARY_PATH name its file.',
      }
      explains(report, expected, { name, packageName: `turnstile-solver-${wanted}` })
    })
  }
})

describe('a bundle', together, () => {
  const expected = {
    reason: 'bundled',
    problem: `A bundler took the JavaScript in, but ${packageName} cannot be bundled.`,
    fix: "To fix it, leave turnstile-solver out of the bundle: add it to the bundler's externals.",
  }

  /** The library's own code, in a file of a bundle. @param {import('node:test').TestContext} t @param {Parameters<typeof stage>[1]} [more] */
  const bundle = (t, more) =>
    stage(t, { changes: { exports: './dist/main.js' }, files: { 'dist/main.js': bundled }, ...more })
  const bundled = read('lib/loader.js').replaceAll("require('./", "require('../lib/")

  test('a bundle that does not contain the binary reports that', async t => {
    explains(await bundle(t).load(), expected)
  })

  test('a bundle loads the package of this system where that is installed', async t => {
    assert.ok((await bundle(t, { packages: platformPackage(here, binary) }).load()).loaded)
  })

  test('a bundle that has a URL in place of the binary reports that', async t => {
    const packages = platformPackage(here, binary)
    packages[packageName]['package.json'] = JSON.stringify({ name: packageName, version, main: 'address.js' })
    packages[packageName]['address.js'] = "module.exports = './assets/binary.node'"
    explains(await bundle(t, { packages }).load(), expected)
  })
})

describe('docs/loading.md', () => {
  const document = read('docs/loading.md')

  test('docs/loading.md lists every reason in its table, in order', () => {
    const [, union] = /@typedef \{(.+)\} Reason/.exec(read('lib/loader.js')) ?? []
    const reasons = union.split('|').map(word => word.trim().replaceAll("'", '`'))
    const listed = [...document.matchAll(/^\| (`[\w-]+`) \|/gm)].map(([, reason]) => reason)
    assert.deepEqual(
      listed.filter(word => word !== '`reason`'),
      reasons,
    )
  })

  test('docs/loading.md shows the error as it is', async t => {
    const [shown] = blocksOf(document)
    const system = { platform: 'linux', arch: 'x64', libc: 'glibc' }
    const { message } = await stage(t).load({ system })
    assert.equal(`Error: ${message}\n`, shown?.code.replace(/@\d\S+/, `@${version}`))
  })
})

/** @param {string} text */
function escaped(text) {
  return text.replaceAll(/[\\.]/g, '\\$&')
}

/**
 * The same binary, but the newest glibc that it needs does not exist. The loader finds it by its name and its hash.
 *
 * @param {Buffer} bytes
 */
function newerGlibc(bytes) {
  const names = [...bytes.toString('latin1').matchAll(/\0GLIBC_(2\.\d\d?)(?=\0)/g)].map(([, name]) => name)
  const [newest] = names.toSorted((a, b) => Number(b.slice(2)) - Number(a.slice(2)))
  const changed = Buffer.from(bytes)
  const from = `\0GLIBC_${newest}\0`
  const to = newest.length === 4 ? '\0GLIBC_2.99\0' : '\0GLIBC_2.9\0'
  changed.write(to, changed.indexOf(from), 'latin1')
  return changed
}
