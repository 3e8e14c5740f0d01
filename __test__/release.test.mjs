import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { releaseBlockers } from '../tools/release/check.mjs'
import { isNewer, moveTo } from '../tools/release/version.mjs'

const fixture = fileURLToPath(new URL('fixtures/release', import.meta.url))
const repository = 'https://host.example/owner/turnstile-solver'
const release = { tag: 'v1.2.2', repository }

/** @type {string} */
let temporary
/** @type {string} */
let folder

before(() => {
  temporary = mkdtempSync(join(tmpdir(), 'release-'))
  folder = join(temporary, 'tree')
})
after(() => rmSync(temporary, { recursive: true }))
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

/** @type {[what: string, file: string, from: string | RegExp, to: string, expected: string[]][]} */
const ways = [
  [
    'Cargo.toml has another version',
    'Cargo.toml',
    '1.2.2',
    '1.2.1',
    ['Cargo.toml has version 1.2.1, and package.json 1.2.2'],
  ],
  [
    'Cargo.lock has another version',
    'Cargo.lock',
    /(?<="turnstile-solver"\n)version = "1.2.2"/,
    'version = "1.2.1"',
    ['Cargo.lock has version 1.2.1, and package.json 1.2.2'],
  ],
  [
    'the lockfile has another version',
    'package-lock.json',
    '1.2.2',
    '1.2.1',
    ['package-lock.json has version 1.2.1, and package.json 1.2.2'],
  ],
  [
    "the lockfile's package has another version",
    'package-lock.json',
    /(?<="": \{\n.*\n +"version": )"1.2.2"/,
    '"1.2.1"',
    ['package-lock.json, its first package, has version 1.2.1, and package.json 1.2.2'],
  ],
  [
    'a platform is missing in the lockfile',
    'package-lock.json',
    '"npm/linux-x64-gnu": {',
    '"npm/other": {',
    ['package-lock.json, its npm/linux-x64-gnu, has version undefined, and package.json 1.2.2'],
  ],
  [
    "a platform's package has another version",
    'npm/linux-x64-gnu/package.json',
    '1.2.2',
    '1.2.1',
    ['npm/linux-x64-gnu has version 1.2.1, and package.json 1.2.2'],
  ],
  [
    "a platform's package has another's name",
    'npm/linux-x64-gnu/package.json',
    linux,
    'turnstile-solver-linux-x64-musl',
    ['npm/linux-x64-gnu has the name turnstile-solver-linux-x64-musl'],
  ],
  [
    'a platform is not an optional dependency',
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
    'the newest version in the changelog is an older one',
    'CHANGELOG.md',
    '## [1.2.2] - 2026-02-28',
    '## Soon',
    ['the newest version in CHANGELOG.md is 1.2.1, and not 1.2.2'],
  ],
  [
    'the date is not valid',
    'CHANGELOG.md',
    '2026-02-28',
    '2026-02-30',
    ['1.2.2 has no valid date in CHANGELOG.md: 2026-02-30'],
  ],
  [
    'the changelog has no date',
    'CHANGELOG.md',
    ' - 2026-02-28',
    '',
    ['1.2.2 has no valid date in CHANGELOG.md: undefined'],
  ],
  [
    'the changelog lists no changes',
    'CHANGELOG.md',
    '- The one thing.\n',
    '',
    ['CHANGELOG.md has no changes for 1.2.2'],
  ],
]

describe('releaseBlockers', () => {
  test('finds nothing in a tree with one version, as a release and between releases', () => {
    assert.deepEqual(releaseBlockers(folder, release), [])
    assert.deepEqual(releaseBlockers(folder), [])
  })

  for (const [what, file, from, to, expected] of ways) {
    test(`names the problem if ${what}`, () => {
      change(file, from, to)
      assert.deepEqual(releaseBlockers(folder), expected)
      assert.deepEqual(releaseBlockers(folder, release), expected)
    })
  }

  test('names the problem if there is no package for any platform', () => {
    rmSync(join(folder, 'npm'), { recursive: true })
    assert.ok(releaseBlockers(folder).includes('there is no package under npm/'))
  })

  test('an unreleased entry in the changelog prevents a release only', () => {
    change('CHANGELOG.md', '2026-02-28', 'Unreleased')
    assert.deepEqual(releaseBlockers(folder), [])
    assert.deepEqual(releaseBlockers(folder, release), ['1.2.2 is still unreleased in CHANGELOG.md'])
  })

  test('changes without a version prevent a release, an empty heading for them does not', () => {
    change('CHANGELOG.md', '## [1.2.2]', '## [Unreleased]\n\n- A new thing.\n\n## [1.2.2]')
    assert.deepEqual(releaseBlockers(folder), [])
    assert.deepEqual(releaseBlockers(folder, release), ['CHANGELOG.md has changes without a version'])
    change('CHANGELOG.md', '- A new thing.\n', '')
    assert.deepEqual(releaseBlockers(folder, release), [])
  })

  test('a tag of another version, or one without the v, prevents a release', () => {
    for (const tag of ['v1.2.1', '1.2.2', 'v1.2.2-1']) {
      assert.deepEqual(releaseBlockers(folder, { tag }), [`the tag is ${tag}, but the version is 1.2.2`])
    }
  })

  test('a README that says that the package is not on npm prevents a release', () => {
    change('README.md', 'npm install', 'It is not on npm yet: npm install')
    assert.deepEqual(releaseBlockers(folder), [])
    assert.deepEqual(releaseBlockers(folder, release), ['README.md says that the package is not on npm yet'])
  })

  test('a package of another repository, or of none, prevents a release', () => {
    change('npm/darwin-arm64/package.json', 'owner', 'other')
    change('package.json', '"url"', '"directory"')
    const expected = (/** @type {string} */ file) =>
      `"repository" of ${file} is not ${repository}, so npm refuses its provenance`
    assert.deepEqual(releaseBlockers(folder, release), [
      expected('package.json'),
      expected('npm/darwin-arm64'),
    ])
  })
})

describe('setting a version', () => {
  beforeEach(() => change('CHANGELOG.md', '## [1.2.2]', '## [Unreleased]\n\n- A new thing.\n\n## [1.2.2]'))

  test('changes all files, and the result can be released', () => {
    moveTo(folder, '1.10.0', '2026-03-01')
    assert.deepEqual(releaseBlockers(folder, { tag: 'v1.10.0', repository }), [])
    assert.match(
      read('CHANGELOG.md'),
      /^# Changelog\n\n## \[1\.10\.0\] - 2026-03-01\n\n- A new thing\.\n\n## \[1\.2\.2\] - /,
    )
  })

  test('changes nothing else, not even where something else has the same version', () => {
    /** How often something else has the previous version. */
    const others = {
      'Cargo.toml': 1,
      'Cargo.lock': 1,
      'package.json': 0,
      'package-lock.json': 1,
    }
    const before = Object.fromEntries(Object.keys(others).map(file => [file, read(file)]))
    moveTo(folder, '1.3.0', '2026-03-01')
    for (const [file, count] of Object.entries(others)) {
      assert.equal(read(file).match(/1\.2\.2/g)?.length ?? 0, count, file)
      assert.equal(read(file).replaceAll('1.3.0', '1.2.2'), before[file], file)
    }
  })

  test('dates a version that the files already have', () => {
    change('CHANGELOG.md', /## \[Unreleased\][^#]*## \[1\.2\.2\] - \S+/, '## [1.2.2] - Unreleased')
    moveTo(folder, '1.2.2', '2026-03-01')
    assert.match(read('CHANGELOG.md'), /^## \[1\.2\.2\] - 2026-03-01$/m)
    assert.deepEqual(releaseBlockers(folder, release), [])
  })

  /** @type {[what: string, version: string, expected: RegExp][]} */
  const refused = [
    ['something that is not a version', '1.3', /1\.3 is not a version/],
    ['a version with a v', 'v1.3.0', /v1\.3\.0 is not a version/],
    ['an older version', '1.2.1', /1\.2\.1 is not newer than 1\.2\.2/],
    ['a prerelease of the version', '1.2.2-beta.1', /1\.2\.2-beta\.1 is not newer than 1\.2\.2/],
  ]
  for (const [what, version, expected] of refused) {
    test(`refuses ${what}, and changes nothing`, () => {
      const before = ['CHANGELOG.md', 'package.json', 'Cargo.toml'].map(read)
      assert.throws(() => moveTo(folder, version, '2026-03-01'), expected)
      assert.deepEqual(['CHANGELOG.md', 'package.json', 'Cargo.toml'].map(read), before)
    })
  }

  test('refuses a version that the changelog does not list', () => {
    change('CHANGELOG.md', /## \[Unreleased\][^#]*/, '')
    assert.throws(() => moveTo(folder, '1.3.0', '2026-03-01'), /CHANGELOG\.md has nothing unreleased/)
    change('CHANGELOG.md', '2026-02-28', 'Unreleased')
    assert.throws(() => moveTo(folder, '1.3.0', '2026-03-01'), /CHANGELOG\.md prepares 1\.2\.2, not 1\.3\.0/)
  })

  test('compares versions as numbers, and a prerelease as older than its version', () => {
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
