import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { mainManifest, packageFiles, packageFolders } from '../tools/cross-build/packages.mjs'
import { markdown, text } from '../tools/cross-build/table.mjs'
import { binaryName, named, packageName, targets } from '../tools/cross-build/targets.mjs'
import { section, withSection } from '../tools/dev/section.mjs'
import { root, run } from './support/child.mjs'

const require = createRequire(import.meta.url)

describe('the targets', () => {
  test('the targets are those that the package declares, in its order', () => {
    const declared = mainManifest().napi.targets
    assert.deepEqual(targets.map(({ triple }) => triple).sort(), [...declared].sort())
  })

  test('have the names that napi uses, and the loader lists each package', () => {
    const { parseTriple } = require('@napi-rs/cli')
    const bundled = readFileSync(join(root, 'lib', 'bundled-packages.js'), 'utf8')
    const packages = targets.map(packageName)
    assert.deepEqual(Object.keys(mainManifest().optionalDependencies), packages)
    assert.deepEqual(
      [...bundled.matchAll(/case '(.+)':\s+return \{ native: require\('(.+)'\) \}/g)].map(found =>
        found.slice(1),
      ),
      packages.map(name => [name, name]),
    )
    for (const target of targets) {
      const { platformArchABI, platform, arch } = parseTriple(target.triple)
      assert.deepEqual([target.name, target.os, target.cpu], [platformArchABI, platform, arch])
    }
  })

  test('have one package each under npm/, and there is no other', () => {
    assert.deepEqual(packageFolders(), targets.map(({ name }) => name).sort())
  })

  test('are selected by their names, all if none is named', () => {
    assert.deepEqual(named([]), targets)
    assert.deepEqual(
      named(['darwin-arm64', 'linux-x64-gnu']).map(({ name }) => name),
      ['linux-x64-gnu', 'darwin-arm64'],
    )
    assert.throws(
      () => named(['linux-x64']),
      /^Error: No such target: linux-x64\. There are: linux-x64-gnu, /,
    )
  })

  test('are listed by the script, which refuses unknown targets and options', async () => {
    const script = (/** @type {string[]} */ ...args) =>
      run(process.execPath, ['tools/cross-build/cross-build.mjs', ...args])
    const [list, unknown, flag] = await Promise.all([script('--list'), script('amiga'), script('--lst')])
    assert.equal(list.code, 0)
    assert.deepEqual(
      list.stdout
        .trim()
        .split('\n')
        .map(line => line.split(' ')[0]),
      targets.map(({ name }) => name),
    )
    assert.deepEqual([unknown.code, /No such target: amiga/.test(unknown.stderr)], [1, true])
    assert.notEqual(flag.code, 0)
  })
})

describe('the package of each target', () => {
  for (const target of targets) {
    test(`${packageName(target)} names its platform, and has the version of the main package`, () => {
      for (const [name, text] of Object.entries(packageFiles(target, mainManifest()))) {
        const path = join(root, 'npm', target.name, name)
        assert.equal(
          readFileSync(path, 'utf8'),
          text,
          `${path}: renew it with tools/cross-build/cross-build.mjs --packages`,
        )
      }
      const manifest = require(`../npm/${target.name}/package.json`)
      const { version, license, engines } = mainManifest()
      assert.deepEqual([manifest.version, manifest.license, manifest.engines], [version, license, engines])
      assert.equal(manifest.main, binaryName(target))
      assert.deepEqual(manifest.files, [binaryName(target), 'THIRD-PARTY-LICENSES.md', 'sbom.cdx.json'])
      assert.deepEqual([manifest.os, manifest.cpu], [[target.os], [target.cpu]])
      const libc = /-(gnu|musl)/.exec(target.os === 'linux' ? target.name : '')?.[1]
      assert.deepEqual(manifest.libc, { gnu: ['glibc'], musl: ['musl'] }[libc ?? ''])
      // Nothing runs when they are installed.
      assert.deepEqual([manifest.scripts, manifest.dependencies], [undefined, undefined])
    })
  }
})

describe('the table of results', () => {
  const [linux, mac] = named(['linux-x64-gnu', 'darwin-arm64'])
  const results = {
    'linux-x64-gnu': {
      bytes: 4_000_000,
      sha256: '',
      built: { seconds: 81.6, compiler: 'rustc 1.96.0' },
      runs: [
        { node: '20.20.2', libc: 'glibc 2.31', through: '', seconds: 6.25, checks: 6 },
        { node: '24.22.0', through: 'QEMU', seconds: 20, checks: 6 },
      ],
    },
    'darwin-arm64': { bytes: 4_100_000, sha256: '', runs: [] },
  }

  test('has sizes and times for the terminal', () => {
    assert.deepEqual(
      text([linux, mac], results)
        .split('\n')
        .map(line => line.split(/ {2,}/)),
      [
        ['target', 'bytes', 'built in', 'run in'],
        [
          'linux-x64-gnu',
          '4000000',
          '82 s',
          'Node.js 20.20.2 with glibc 2.31, 6 checks in 6.3 s; Node.js 24.22.0 in QEMU, 6 checks in 20.0 s',
        ],
        ['darwin-arm64', '4100000', '-', 'not run: format, exports and libraries checked'],
      ],
    )
  })

  test('has no sizes and times for the document, and names what was not run or not built', () => {
    assert.deepEqual(markdown([linux, mac, ...named(['darwin-x64'])], results).split('\n'), [
      '| platform | package | needs at least | local build tested in |',
      '|---|---|---|---|',
      '| Linux x64 (glibc) | `turnstile-solver-linux-x64-gnu` | glibc 2.17 | Node.js 20.20.2 with glibc 2.31; Node.js 24.22.0 in QEMU |',
      '| macOS arm64 | `turnstile-solver-darwin-arm64` | macOS 11.0 | not run: format, exports and libraries checked |',
      '| macOS x64 | `turnstile-solver-darwin-x64` | macOS 11.0 | not built |',
    ])
  })

  test('the table of runs is put between its markers, and nowhere else', () => {
    const [begin, end] = ['<!-- platforms:begin -->', '<!-- platforms:end -->']
    const document = `a\n${begin}\nold\n${end}\nb`
    assert.equal(section(document, 'platforms'), 'old')
    assert.equal(withSection(document, 'platforms', 'new'), `a\n${begin}\nnew\n${end}\nb`)
    for (const bad of ['a', begin, end, `${end}\n${begin}`])
      assert.throws(() => withSection(bad, 'platforms', 'new'), /has no <!-- platforms:begin -->/)
  })
})

test('every build tool of PyPI is pinned by version and by the hashes of its archives', () => {
  for (const folder of ['tools/cross-build/requirements', 'tools/dev/requirements']) {
    const names = readdirSync(join(root, folder))
    assert.ok(names.length > 0, folder)
    for (const name of names) {
      const text = readFileSync(join(root, folder, name), 'utf8').replaceAll('\\\n', '')
      for (const line of text.trim().split('\n')) {
        assert.match(line, /^[\w-]+==[\d.]+(?: ; [^#]+?)?(?:\s+--hash=sha256:[0-9a-f]{64})+$/, name)
      }
    }
  }
  for (const file of ['tools/cross-build/toolchain.mjs', 'tools/dev/lint-workflows.mjs']) {
    const installs = readFileSync(join(root, file), 'utf8').match(/'pip', 'install'/g) ?? []
    const checked = readFileSync(join(root, file), 'utf8').match(/'--require-hashes'/g) ?? []
    assert.deepEqual([installs.length, checked.length], [1, 1], file)
  }
})
