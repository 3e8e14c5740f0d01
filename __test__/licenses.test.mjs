import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { before, describe, test } from 'node:test'
import { label, linkedCrates, lockedChecksums } from '../tools/licenses/crates.mjs'
import { inventories, licencesFile, machinePaths, sbomFile } from '../tools/licenses/inventories.mjs'
import { allowedLicences, noticeIn, takenLicences, textsOf } from '../tools/licenses/texts.mjs'
import { root } from './support/child.mjs'

const read = (/** @type {string} */ name) => readFileSync(join(root, name), 'utf8')
const allowed = ['MIT', 'ISC', 'Apache-2.0']

/** @type {import('../tools/licenses/crates.mjs').Crate[]} */
let crates
/** @type {Record<string, string>} */
let made

before(() => {
  const linked = linkedCrates()
  crates = linked.crates
  made = inventories(linked)
})

describe('the linked crates', () => {
  test('are the dependencies of the addon and theirs, in the versions of Cargo.lock', () => {
    const locked = lockedChecksums(read('Cargo.lock'))
    const names = crates.map(({ name }) => name)
    for (const name of ['hyper', 'napi', 'ring', 'rustls', 'tokio', 'webpki-roots']) {
      assert.ok(names.includes(name), name)
    }
    for (const crate of crates) assert.equal(crate.checksum, locked.get(label(crate)), label(crate))
    assert.ok(!names.some(name => name.startsWith('turnstile-solver')))
  })

  test('have no crate that only builds, tests, fuzzes or generates code', () => {
    const others = [
      'cc',
      'napi-build',
      'napi-derive',
      'proptest',
      'serde_derive',
      'libfuzzer-sys',
      'cpu-time',
    ]
    assert.deepEqual(
      crates.filter(({ name }) => others.includes(name)),
      [],
    )
  })

  test('name the systems that they are linked on', () => {
    const systems = Object.fromEntries(crates.map(({ name, systems }) => [name, systems]))
    assert.deepEqual(
      [systems['security-framework'], systems['windows-link'], systems.napi],
      [['macOS'], ['Windows'], []],
    )
  })
})

describe('the list of licences', () => {
  test('has a row and a text for every linked crate', () => {
    const licences = made[licencesFile]
    const rows = [...licences.matchAll(/^\| ([\w-]+) \| (\d\S*) \|/gm)].map(
      ([, name, version]) => `${name} ${version}`,
    )
    assert.deepEqual(rows, crates.map(label))
    const texts = licences.slice(licences.indexOf('\n## Texts'))
    for (const crate of crates) assert.ok(new RegExp(`^- ${label(crate)}[ ,]`, 'm').test(texts), label(crate))
  })

  test('has the notices of code that a crate contains from others', () => {
    const texts = made[licencesFile].replaceAll(/\s+/g, ' ')
    for (const holder of [
      '2010-2011 Dmitry Vyukov',
      '2014, Intel Corporation',
      '2014 Mathijs van de Nes',
      '(c) LongYinan',
    ]) {
      assert.ok(texts.includes(holder), holder)
    }
  })

  test('takes every crate under a licence that deny.toml allows', () => {
    const list = allowedLicences()
    assert.ok(list.length > 3)
    for (const crate of crates) {
      for (const id of takenLicences(crate, list)) assert.ok(list.includes(id), `${label(crate)}: ${id}`)
    }
  })
})

describe('the list of components', () => {
  test('has every linked crate with its checksum, and the crates that it depends on', () => {
    const { components, dependencies, metadata } = JSON.parse(made[sbomFile])
    const found = components.filter((/** @type {any} */ { hashes }) => hashes)
    assert.deepEqual(
      found.map((/** @type {any} */ { name, version, hashes }) => [`${name} ${version}`, hashes[0].content]),
      crates.map(crate => [label(crate), crate.checksum]),
    )
    assert.equal(metadata.component.version, JSON.parse(read('package.json')).version)
    const refs = [metadata.component, ...components].map(
      (/** @type {any} */ component) => component['bom-ref'],
    )
    for (const { ref, dependsOn } of dependencies) {
      assert.deepEqual(
        [ref, ...dependsOn].filter(name => !refs.includes(name)),
        [],
      )
    }
    const [own] = dependencies
    assert.ok(own.dependsOn.some((/** @type {string} */ ref) => ref.startsWith('pkg:cargo/hyper@')))
    assert.ok(!own.dependsOn.some((/** @type {string} */ ref) => ref.startsWith('pkg:cargo/mio@')))
  })

  test('contains no path of the machine, and neither do the licences', () => {
    assert.deepEqual(Object.values(made).flatMap(machinePaths), [])
    for (const path of ['/home/somebody/.cargo/x', 'file:///build/x', '/root/x', 'C:\\Users\\x']) {
      assert.deepEqual(machinePaths(`text\n${path}\n`), [path])
    }
  })
})

describe('the licence of a crate', () => {
  const crate = { name: 'sample', version: '1.0.0' }

  test('is the first allowed one of its alternatives, or all that are required', () => {
    /** @type {[string, string[]][]} */
    const cases = [
      ['MIT', ['MIT']],
      ['Apache-2.0 OR MIT', ['MIT']],
      ['Unlicense OR Apache-2.0', ['Apache-2.0']],
      ['Apache-2.0 AND ISC', ['Apache-2.0', 'ISC']],
      ['GPL-3.0 AND MIT OR ISC', ['ISC']],
    ]
    for (const [licence, taken] of cases)
      assert.deepEqual(takenLicences({ ...crate, licence }, allowed), taken)
  })

  test('is an error if none is allowed, or if its manifest names none', () => {
    for (const licence of ['GPL-3.0', 'MIT AND GPL-3.0', '']) {
      assert.throws(() => takenLicences({ ...crate, licence }, allowed), {
        message: `sample 1.0.0: no licence of "${licence}" is allowed by .cargo/deny.toml.`,
      })
    }
  })
})

describe('the texts of a crate', () => {
  /** @param {Record<string, string>} files @param {string[]} taken @param {string[]} authors */
  function sources(files, taken, authors = []) {
    const folder = mkdtempSync(join(tmpdir(), 'crate-'))
    try {
      for (const [path, text] of Object.entries(files)) {
        mkdirSync(dirname(join(folder, path)), { recursive: true })
        writeFileSync(join(folder, path), text)
      }
      const crate = {
        name: 'sample',
        version: '1.0.0',
        licence: '',
        systems: [],
        checksum: '',
        dependencies: [],
      }
      return textsOf({ ...crate, authors, folder }, taken).map(({ source, text }) => [
        source,
        text.split('\n')[0],
      ])
    } finally {
      rmSync(folder, { recursive: true })
    }
  }
  const notice =
    'Copyright (c) 2011 Somebody Else.\n *\n * Redistribution and use in source and binary forms are permitted.'

  test('are those of the licence taken, of other notices and of copied code', () => {
    const files = {
      'LICENSE-MIT': 'MIT text',
      'LICENSE-APACHE': 'Apache text',
      'LICENSE-THIRD-PARTY': 'others',
      'src/copied/LICENSE': 'copied',
      'src/queue.rs': `/* ${notice}\n */\nfn queue() {}`,
      'tests/all.rs': `/* ${notice.replace('Else', 'Other')} */`,
    }
    assert.deepEqual(sources(files, ['MIT']), [
      ['LICENSE-MIT', 'MIT text'],
      ['LICENSE-THIRD-PARTY', 'others'],
      ['src/copied/LICENSE', 'copied'],
      ['src/queue.rs', 'Copyright (c) 2011 Somebody Else.'],
    ])
  })

  test('are all licence files if none is named after the licence taken', () => {
    assert.deepEqual(sources({ LICENSE: 'one', 'LICENSE-other': 'two' }, ['ISC']), [
      ['LICENSE', 'one'],
      ['LICENSE-other', 'two'],
    ])
  })

  test('are those of another crate of the same repository if the crate has no file', () => {
    const all = crates.filter(({ name }) => name === 'alloc-stdlib' || name === 'alloc-no-stdlib')
    const [crate] = all.filter(({ name }) => name === 'alloc-stdlib')
    const [{ source, text }] = textsOf(crate, ['BSD-3-Clause'], all)
    assert.match(`${source}: ${text}`, /^LICENSE of alloc-no-stdlib \S+: Copyright \(c\) 2016 Dropbox/)
  })

  test('are the standard text with the authors if there is no file, and an error without a standard text', () => {
    assert.deepEqual(sources({ 'src/lib.rs': '' }, ['MIT'], ['A. Author']), [['', 'MIT License']])
    assert.throws(() => sources({}, ['ISC'], ['A. Author']), /sample 1\.0\.0 has no licence file/)
    assert.throws(() => sources({}, ['MIT']), /sample 1\.0\.0 has no licence file/)
  })

  test('have no notice of a source without the text of a licence', () => {
    assert.equal(noticeIn('// Copyright 2020 The Authors.\n\nfn main() {}'), undefined)
    assert.equal(noticeIn('fn main() {}\n// Permission is hereby granted'), undefined)
    assert.match(
      noticeIn('// Copyright 2020 X\n// Permission to use, copy this.\n//! Docs') ?? '',
      /copy this\.$/,
    )
  })
})
