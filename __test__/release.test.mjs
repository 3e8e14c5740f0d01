import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { obstacles } from '../tools/release/check.mjs'
import { isNewer, moveTo } from '../tools/release/version.mjs'

const fixture = fileURLToPath(new URL('fixtures/release', import.meta.url))
const repository = 'https://host.example/owner/turnstile-solver'
const release = { tag: 'v1.2.2', repository }

/** @type {string} */
let place
/** @type {string} */
let folder

before(() => {
  place = mkdtempSync(join(tmpdir(), 'release-'))
  folder = join(place, 'tree')
})
after(() => rmSync(place, { recursive: true }))
beforeEach(() => {
  rmSync(folder, { recursive: true, force: true })
  cpSync(fixture, folder, { recursive: true })
})

/** @param {string} file */
const read = file => readFileSync(join(folder, file), 'utf8')

/** @param {string} file @param {string | RegExp} from @param {string} to */
function change(file, from, to) {
  const changed = read(file).replace(from, to)
  assert.notEqual(changed, read(file), `${file} has no ${from}`)
  writeFileSync(join(folder, file), changed)
}

const linux = 'turnstile-solver-linux-x64-gnu'

/** @type {[what: string, file: string, from: string | RegExp, to: string, told: string[]][]} */
const ways = [
  [
    'Cargo.toml is of another version',
    'Cargo.toml',
    '1.2.2',
    '1.2.1',
    ['Cargo.toml is of version 1.2.1, and package.json of 1.2.2'],
  ],
  [
    'Cargo.lock is of another version',
    'Cargo.lock',
    /(?<="turnstile-solver"\n)version = "1.2.2"/,
    'version = "1.2.1"',
    ['Cargo.lock is of version 1.2.1, and package.json of 1.2.2'],
  ],
  [
    'the lockfile is of another version',
    'package-lock.json',
    '1.2.2',
    '1.2.1',
    ['package-lock.json is of version 1.2.1, and package.json of 1.2.2'],
  ],
  [
    "the lockfile's package is of another version",
    'package-lock.json',
    /(?<="": \{\n.*\n +"version": )"1.2.2"/,
    '"1.2.1"',
    ['package-lock.json, its first package, is of version 1.2.1, and package.json of 1.2.2'],
  ],
  [
    'the lockfile lacks a platform',
    'package-lock.json',
    '"npm/linux-x64-gnu": {',
    '"npm/other": {',
    ['package-lock.json, its npm/linux-x64-gnu, is of version undefined, and package.json of 1.2.2'],
  ],
  [
    'the list of components is of another version',
    'sbom.cdx.json',
    '"version": "1.2.2"',
    '"version": "1.2.1"',
    ['sbom.cdx.json is of version 1.2.1, and package.json of 1.2.2'],
  ],
  [
    "a platform's package is of another version",
    'npm/linux-x64-gnu/package.json',
    '1.2.2',
    '1.2.1',
    ['npm/linux-x64-gnu is of version 1.2.1, and package.json of 1.2.2'],
  ],
  [
    "a platform's package has another's name",
    'npm/linux-x64-gnu/package.json',
    linux,
    'turnstile-solver-linux-x64-musl',
    ['npm/linux-x64-gnu is called turnstile-solver-linux-x64-musl'],
  ],
  [
    'a platform is no optional dependency',
    'package.json',
    `,\n    "${linux}": "1.2.2"`,
    '',
    [`"optionalDependencies" of package.json has ${linux} not at all, and not exactly 1.2.2`],
  ],
  [
    'a platform is an optional dependency in a range of versions',
    'package.json',
    `"${linux}": "1.2.2"`,
    `"${linux}": "^1.2.2"`,
    [`"optionalDependencies" of package.json has ${linux} ^1.2.2, and not exactly 1.2.2`],
  ],
  [
    'an optional dependency has no package',
    'package-lock.json',
    `"${linux}": "1.2.2"`,
    `"${linux}": "1.2.2",\n        "turnstile-solver-aix-ppc64": "1.2.2"`,
    [
      '"optionalDependencies" of package-lock.json has turnstile-solver-aix-ppc64, for which there is no package under npm/',
    ],
  ],
  [
    'the changelog ends with the version before',
    'CHANGELOG.md',
    '## [1.2.2] - 2026-02-28',
    '## Soon',
    ['the newest version in CHANGELOG.md is 1.2.1, and not 1.2.2'],
  ],
  [
    'the date is of no calendar',
    'CHANGELOG.md',
    '2026-02-28',
    '2026-02-30',
    ['1.2.2 has no date in CHANGELOG.md: 2026-02-30'],
  ],
  [
    'the changelog has no date',
    'CHANGELOG.md',
    ' - 2026-02-28',
    '',
    ['1.2.2 has no date in CHANGELOG.md: undefined'],
  ],
  [
    'the changelog has nothing to say',
    'CHANGELOG.md',
    '- The one thing.\n',
    '',
    ['CHANGELOG.md says nothing of 1.2.2'],
  ],
]

describe('whether everything agrees on the version', () => {
  test('the version check passes for a tree whose versions agree, as a release and between releases', () => {
    assert.deepEqual(obstacles(folder, release), [])
    assert.deepEqual(obstacles(folder), [])
  })

  for (const [what, file, from, to, told] of ways) {
    test(`the version check fails where ${what}`, () => {
      change(file, from, to)
      assert.deepEqual(obstacles(folder), told)
      assert.deepEqual(obstacles(folder, release), told)
    })
  }

  test('the version check fails where there is no package for any platform', () => {
    rmSync(join(folder, 'npm'), { recursive: true })
    assert.ok(obstacles(folder).includes('there is no package under npm/'))
  })

  test('an open changelog stops a release and nothing else', () => {
    change('CHANGELOG.md', '2026-02-28', 'Unreleased')
    assert.deepEqual(obstacles(folder), [])
    assert.deepEqual(obstacles(folder, release), ['1.2.2 is still unreleased in CHANGELOG.md'])
  })

  test('unreleased changes in the changelog stop a release, and an empty heading for them does not', () => {
    change('CHANGELOG.md', '## [1.2.2]', '## [Unreleased]\n\n- A new thing.\n\n## [1.2.2]')
    assert.deepEqual(obstacles(folder), [])
    assert.deepEqual(obstacles(folder, release), ['CHANGELOG.md has changes of no version'])
    change('CHANGELOG.md', '- A new thing.\n', '')
    assert.deepEqual(obstacles(folder, release), [])
  })

  test('a tag of another version stops a release, and so does one without the v', () => {
    for (const tag of ['v1.2.1', '1.2.2', 'v1.2.2-1']) {
      assert.deepEqual(obstacles(folder, { tag }), [`the tag is ${tag}, and the version 1.2.2`])
    }
  })

  test('a README that denies that the package is on npm stops a release', () => {
    change('README.md', 'npm install', 'It is not on npm yet: npm install')
    assert.deepEqual(obstacles(folder), [])
    assert.deepEqual(obstacles(folder, release), ['README.md says that the package is not on npm yet'])
  })

  test('a package of another repository, or of none, stops a release', () => {
    change('npm/darwin-arm64/package.json', 'owner', 'other')
    change('package.json', '"url"', '"directory"')
    const told = (/** @type {string} */ place) =>
      `"repository" of ${place} is not ${repository}, so npm refuses its provenance`
    assert.deepEqual(obstacles(folder, release), [told('package.json'), told('npm/darwin-arm64')])
  })
})

describe('moving to a version', () => {
  beforeEach(() => change('CHANGELOG.md', '## [1.2.2]', '## [Unreleased]\n\n- A new thing.\n\n## [1.2.2]'))

  test('moving to a version moves everything, and what is moved can be released', () => {
    moveTo(folder, '1.10.0', '2026-03-01')
    assert.deepEqual(obstacles(folder, { tag: 'v1.10.0', repository }), [])
    assert.match(
      read('CHANGELOG.md'),
      /^# Changelog\n\n## \[1\.10\.0\] - 2026-03-01\n\n- A new thing\.\n\n## \[1\.2\.2\] - /,
    )
  })

  test('moving to a version leaves everything else as it was, to the byte, of the same version too', () => {
    /** How often something else is of the version before. */
    const others = {
      'Cargo.toml': 1,
      'Cargo.lock': 1,
      'package.json': 0,
      'package-lock.json': 1,
      'sbom.cdx.json': 1,
    }
    const before = Object.fromEntries(Object.keys(others).map(file => [file, read(file)]))
    moveTo(folder, '1.3.0', '2026-03-01')
    for (const [file, count] of Object.entries(others)) {
      assert.equal(read(file).match(/1\.2\.2/g)?.length ?? 0, count, file)
      assert.equal(read(file).replaceAll('1.3.0', '1.2.2'), before[file], file)
    }
  })

  test('moving to a version dates a version that the tree is already at', () => {
    change('CHANGELOG.md', /## \[Unreleased\][^#]*## \[1\.2\.2\] - \S+/, '## [1.2.2] - Unreleased')
    moveTo(folder, '1.2.2', '2026-03-01')
    assert.match(read('CHANGELOG.md'), /^## \[1\.2\.2\] - 2026-03-01$/m)
    assert.deepEqual(obstacles(folder, release), [])
  })

  /** @type {[what: string, version: string, told: RegExp][]} */
  const refused = [
    ['what is no version', '1.3', /1\.3 is no version/],
    ['a version with a v', 'v1.3.0', /v1\.3\.0 is no version/],
    ['the version before', '1.2.1', /1\.2\.1 does not come after 1\.2\.2/],
    ['what led up to the version', '1.2.2-beta.1', /1\.2\.2-beta\.1 does not come after 1\.2\.2/],
  ]
  for (const [what, version, told] of refused) {
    test(`moving to a version refuses ${what}, and changes nothing`, () => {
      const before = ['CHANGELOG.md', 'package.json', 'Cargo.toml'].map(read)
      assert.throws(() => moveTo(folder, version, '2026-03-01'), told)
      assert.deepEqual(['CHANGELOG.md', 'package.json', 'Cargo.toml'].map(read), before)
    })
  }

  test('moving to a version refuses a version that the changelog does not mention', () => {
    change('CHANGELOG.md', /## \[Unreleased\][^#]*/, '')
    assert.throws(() => moveTo(folder, '1.3.0', '2026-03-01'), /CHANGELOG\.md has nothing that is unreleased/)
    change('CHANGELOG.md', '2026-02-28', 'Unreleased')
    assert.throws(
      () => moveTo(folder, '1.3.0', '2026-03-01'),
      /CHANGELOG\.md prepares 1\.2\.2, and not 1\.3\.0/,
    )
  })

  test('moving to a version compares versions as numbers, and what leads up to one as older than it', () => {
    for (const [newer, older] of [
      ['1.10.0', '1.9.9'],
      ['2.0.0', '2.0.0-rc.1'],
      ['2.0.0-rc.10', '2.0.0-rc.9'],
      ['2.0.0-rc.1', '2.0.0-beta.7'],
    ]) {
      assert.equal(isNewer(newer, older), true, `${newer} after ${older}`)
      assert.equal(isNewer(older, newer), false, `${older} after ${newer}`)
    }
    assert.equal(isNewer('1.0.0', '1.0.0'), false)
  })
})
