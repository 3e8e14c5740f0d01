/** When the native binary does not load: one error that says what was looked for, why it did not serve and what mends it. */

import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
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
/** @typedef {import('./fixtures/load/stage.mjs').Told} Told */

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
 * @param {Told} told
 * @param {{ reason: string, why: string | RegExp, mend: string | RegExp }} expected
 * @param {{ name?: string, packageName?: string }} [system]
 */
function explains(told, { reason, why, mend }, { name = hostName, packageName: wanted = packageName } = {}) {
  assert.equal(told.loaded, undefined, 'it loaded')
  const [what, because, ...rest] = (told.message ?? '').split('\n')
  assert.equal(what, `turnstile-solver cannot load its native binary on ${name}.`)
  const match = (/** @type {string} */ text, /** @type {string | RegExp} */ pattern) =>
    pattern instanceof RegExp ? assert.match(text, pattern) : assert.equal(text, pattern)
  match(because, why)
  match(rest.join('\n'), mend)
  const [platform, arch, , libc] = name.split(' ')
  assert.deepEqual(told.fields, {
    code: 'ERR_TURNSTILE_SOLVER_BINARY',
    reason,
    platform,
    arch,
    ...(libc ? { libc } : {}),
    packageName: wanted,
  })
}

describe('the package of this system', together, () => {
  test('is loaded by require and by import', async t => {
    const staged = stage(t, { packages: platformPackage(here, binary) })
    const required = await staged.load()
    assert.ok(required.loaded?.includes('solveTurnstile'), JSON.stringify(required))
    const imported = await staged.load({ how: 'import' })
    assert.ok(imported.loaded?.includes('solveTurnstile'), JSON.stringify(imported))
  })

  test('that is not installed is named, with the commands that add it', async t => {
    const expected = {
      reason: 'missing',
      why: `It needs the optional package ${packageName}, which is not installed.`,
      mend: [
        'To mend it, run: npm install --include=optional',
        'Where that changes nothing, the lockfile comes from another system and leaves the package out. Add it then by its name:',
        `npm install --save-optional --save-exact ${packageName}@${version}`,
      ].join('\n'),
    }
    const staged = stage(t)
    for (const how of /** @type {const} */ (['require', 'import'])) {
      const told = await staged.load({ how })
      explains(told, expected)
      assert.match(told.cause ?? '', new RegExp(`^Cannot find module '${packageName}'`))
    }
  })

  test('that is not installed fills no screen where nobody catches the error', async t => {
    const { code, stderr } = await stage(t).run("require('turnstile-solver')")
    assert.equal(code, 1)
    assert.match(stderr, new RegExp(`^Error: turnstile-solver cannot load .* ${hostName}\\.\n`, 'm'))
    assert.equal(stderr.split('[cause]').length, 2, stderr)
    assert.doesNotMatch(stderr, /wasi|npm has a bug/i)
  })

  test('that is missing where that of another system is installed says where node_modules comes from', async t => {
    const other = targets.find(name => name !== here) ?? ''
    const staged = stage(t, { packages: platformPackage(other, 'not looked at') })
    explains(await staged.load(), {
      reason: 'missing',
      why: `It needs the package ${packageName}, and installed is turnstile-solver-${other}: node_modules comes from another system.`,
      mend: `To mend it, ${reinstall}`,
    })
  })

  test('that has lost its binary is broken', async t => {
    const packages = platformPackage(here, binary)
    delete packages[packageName][`turnstile-solver.${here}.node`]
    explains(await stage(t, { packages }).load(), {
      reason: 'broken',
      why: `${packageName} is installed, but its binary is gone.`,
      mend: `To mend it, ${reinstall}`,
    })
  })

  test('that is added later is found by the next require of the same process', async t => {
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

  test('is asked to be built where the package is a clone', async t => {
    const staged = stage(t, { files: { 'Cargo.toml': '' } })
    explains(await staged.load(), {
      reason: 'missing',
      why: 'This is a clone, and none was built in it yet.',
      mend: 'To mend it, run: npm run build',
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
    test(`and is ${what} is no library`, async t => {
      const told = (await loads(t))[i]
      const why = new RegExp(`^${file} is not a library\\.$`)
      explains(told, { reason: 'broken', why, mend: `To mend it, ${reinstall}` })
      assert.ok(told.cause)
    })
  }

  for (const part of [0.5, 0.1, 0.001]) {
    test(`and ends after ${part * 100} % of its bytes is cut short, and does not crash the process`, async t => {
      const bytes = binary.subarray(0, binary.length * part)
      const staged = stage(t, { packages: platformPackage(here, bytes) })
      const why = new RegExp(`^${file} ${isLinux ? 'is cut short' : '.*'}\\.$`)
      explains(await staged.load(), { reason: 'broken', why, mend: `To mend it, ${reinstall}` })
    })
  }

  for (const [i, [made]] of foreign.entries()) {
    test(`and is made for ${made} says so`, async t => {
      const why = new RegExp(`^${file} is made for ${made}( with glibc)?\\.$`)
      const told = (await loads(t))[none.length + i]
      explains(told, { reason: 'foreign', why, mend: `To mend it, ${reinstall}` })
    })
  }

  test('and is made for the other libc says so', { skip: !isLinux }, async t => {
    const other = Buffer.from(binary)
    const at = other.indexOf('\0libc.so.6\0')
    assert.ok(at > 0)
    other.write('libc.musl', at + 1, 'latin1')
    const staged = stage(t, { packages: platformPackage(here, other) })
    const told = await staged.load()
    const why = new RegExp(`^${file} is made for linux ${process.arch} with musl\\.$`)
    explains(told, { reason: 'foreign', why, mend: `To mend it, ${reinstall}` })
    assert.match(told.cause ?? '', /libc\.musl/)
  })

  test('and needs a newer glibc says which', { skip: !isLinux }, async t => {
    const newer = newerGlibc(binary)
    const staged = stage(t, { packages: platformPackage(here, newer) })
    const why = new RegExp(`^${file} needs glibc 2\\.9\\d, which is newer than this system's\\.$`)
    const mend =
      'To mend it, run it on a newer system, or build the binary on this one and let NAPI_RS_NATIVE_LIBRARY_PATH name it.'
    explains(await staged.load(), { reason: 'foreign', why, mend })
  })

  test('and of another version than the package is not used', async t => {
    const staged = stage(t, {
      changes: { version: '99.1.2' },
      packages: platformPackage(here, binary, { version: '99.1.2' }),
    })
    const why = new RegExp(`^turnstile-solver is 99\\.1\\.2, but ${file} is ${escaped(version)}\\.$`)
    explains(await staged.load(), { reason: 'version', why, mend: `To mend it, ${reinstall}` })
  })

  test('and is older than the version it would tell is not used', async t => {
    const packages = platformPackage(here, '')
    packages[packageName] = {
      'package.json': JSON.stringify({ name: packageName, version, main: 'old.js' }),
      'old.js': 'module.exports = { solveTurnstile() {} }',
    }
    const why = /^turnstile-solver is \S+, but .*old\.js is of another version\.$/
    explains(await stage(t, { packages }).load(), {
      reason: 'version',
      why,
      mend: `To mend it, ${reinstall}`,
    })
  })

  test('and may not be loaded by this process says what allows it', async t => {
    const staged = stage(t, { packages: platformPackage(here, binary) })
    const told = await staged.load({ flags: ['--no-addons'] })
    explains(told, {
      reason: 'denied',
      why: /^This process may not load addons: Cannot load native addon because loading addons is disabled\.$/,
      mend: 'To mend it, start Node.js without --no-addons, and with --allow-addons where it has --permission.',
    })
  })
})

describe('NAPI_RS_NATIVE_LIBRARY_PATH', together, () => {
  const unset = 'To mend it, unset NAPI_RS_NATIVE_LIBRARY_PATH or'

  test('names a binary that is loaded where no package is installed', async t => {
    const staged = stage(t, { files: { 'own.node': binary } })
    const env = { NAPI_RS_NATIVE_LIBRARY_PATH: join(staged.folder, 'own.node') }
    assert.ok((await staged.load({ env })).loaded)
    rmSync(join(staged.folder, 'own.node'))
    explains(await staged.load({ env }), {
      reason: 'missing',
      why: `NAPI_RS_NATIVE_LIBRARY_PATH names ${env.NAPI_RS_NATIVE_LIBRARY_PATH}, and there is no such file.`,
      mend: `${unset} correct it.`,
    })
  })

  test('that names a foreign or an outdated binary is told of, and the installed package is not taken instead', async t => {
    const packages = platformPackage(here, binary)
    const staged = stage(t, { packages, files: { 'own.node': foreign[0][1] } })
    const file = join(staged.folder, 'own.node')
    const env = { NAPI_RS_NATIVE_LIBRARY_PATH: file }
    const mend = `${unset} let it name a binary of this system and version.`
    const told = await staged.load({ env })
    explains(told, { reason: 'foreign', why: /own\.node is made for /, mend })

    const outdated = stage(t, { changes: { version: '99.1.2' }, files: { 'own.node': binary } })
    const path = join(outdated.folder, 'own.node')
    explains(await outdated.load({ env: { NAPI_RS_NATIVE_LIBRARY_PATH: path } }), {
      reason: 'version',
      why: /^turnstile-solver is 99\.1\.2, but .*own\.node is \d/,
      mend,
    })
  })

  test('is not blamed for what another variable of the loader does', async t => {
    const staged = stage(t, { packages: platformPackage(here, binary) })
    explains(await staged.load({ env: { NAPI_RS_FORCE_WASI: 'error' } }), {
      reason: 'broken',
      why: /\.node loads, but native\.js says: WASI binding not found and NAPI_RS_FORCE_WASI is set to error$/,
      mend: 'To mend it, see what leads native.js elsewhere, such as variables that begin with NAPI_RS_.',
    })
  })
})

describe('a system', together, () => {
  test('has its name in this test for every package that there is', () => {
    assert.deepEqual(Object.keys(systems).sort(), targets.toSorted())
  })

  /** @param {System} system */
  const nameOf = ({ platform, arch, libc }) => `${platform} ${arch}${libc ? ` with ${libc}` : ''}`

  /** Every system with its package installed, and every one without it, in one process. */
  const loads = once(async t => {
    const missing = stage(t)
    const stand = { 'package.json': JSON.stringify({ version, main: 'main.js' }), 'main.js': standIn }
    const installed = Object.keys(systems).map(target =>
      stage(t, { packages: { [`turnstile-solver-${target}`]: stand } }),
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

    test(`that is ${name} loads ${wanted}, and names it where it is missing`, async t => {
      const all = await loads(t)
      assert.ok(all[2 * i].loaded, 'native.js and load.js look for the same')
      const expected = { reason: 'missing', why: /which is not installed\.$/, mend: /--include=optional/ }
      explains(all[2 * i + 1], expected, { name, packageName: wanted })
    })
  }

  test('without a readable ldd is musl by what the process has loaded, and its own reports stay as they were', async t => {
    const system = { platform: 'linux', arch: 'arm64', libc: 'unread' }
    const name = 'linux arm64 with musl'
    const expected = { reason: 'missing', why: /which is not installed\.$/, mend: /--include=optional/ }
    const told = await stage(t).load({ system })
    explains(told, expected, { name, packageName: 'turnstile-solver-linux-arm64-musl' })
    assert.equal(told.excludeNetwork, false)
  })

  for (const [i, [name, wanted]] of others.entries()) {
    test(`that is ${name} is told which systems there are binaries for`, async t => {
      const told = (await loads(t))[2 * targets.length + i]
      const expected = {
        reason: 'unsupported',
        why: `None is made for it; there are ${targets.join(', ')}.`,
        mend: 'To mend it, build one from the source and let NAPI_RS_NATIVE_LIBRARY_PATH name its file.',
      }
      explains(told, expected, { name, packageName: `turnstile-solver-${wanted}` })
    })
  }
})

describe('a bundle', together, () => {
  const expected = {
    reason: 'bundled',
    why: `A bundler took the JavaScript in, but ${packageName} cannot be bundled.`,
    mend: "To mend it, leave turnstile-solver out of the bundle: add it to the bundler's externals.",
  }

  test('that left native.js and the binary behind is told of', async t => {
    explains(await stage(t, { without: ['native.js'] }).load(), expected)
  })
})

describe('docs/loading.md', () => {
  const document = read('docs/loading.md')

  test('lists every reason in its table, in order', () => {
    const [, union] = /@typedef \{(.+)\} Reason/.exec(read('lib/loader.js')) ?? []
    const reasons = union.split('|').map(word => word.trim().replaceAll("'", '`'))
    const listed = [...document.matchAll(/^\| (`[\w-]+`) \|/gm)].map(([, reason]) => reason)
    assert.deepEqual(
      listed.filter(word => word !== '`reason`'),
      reasons,
    )
  })

  test('shows the error as it is', async t => {
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

/** What a stand-in of a binary must have for load.js to take it. */
const standIn = `module.exports = { version: ${JSON.stringify(version)} }`

/**
 * The same binary, but the newest glibc that it asks for is one that nobody has: the name and the hash by which the loader finds it.
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
