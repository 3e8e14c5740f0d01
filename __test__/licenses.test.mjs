import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, describe, test } from 'node:test'
import {
  licencesFile,
  linkedCrates,
  lockedChecksums,
  mismatches,
  sbomFile,
} from '../tools/licenses/licenses.mjs'
import { root } from './support/child.mjs'

const read = (/** @type {string} */ name) => readFileSync(join(root, name), 'utf8')
const [licences, sbom] = [licencesFile, sbomFile].map(read)
const { version } = JSON.parse(read('package.json'))

/** @type {ReturnType<typeof linkedCrates>} */
let crates

before(() => {
  crates = linkedCrates()
})

/** @param {string} text @param {string | RegExp} from @param {string} to */
function changed(text, from, to) {
  const after = text.replace(from, to)
  assert.notEqual(after, text, `there is no ${from}`)
  return after
}

describe('what is linked in', () => {
  test('the linked crates are the dependencies of the manifest and theirs, in the versions of Cargo.lock', () => {
    const locked = lockedChecksums(read('Cargo.lock'))
    const names = crates.map(({ name }) => name)
    for (const name of ['hyper', 'napi', 'ring', 'rustls', 'tokio', 'webpki-roots'])
      assert.ok(names.includes(name), name)
    for (const { name, version, checksum } of crates) assert.equal(checksum, locked.get(`${name} ${version}`))
    assert.ok(!names.includes('turnstile-solver'))
  })

  test('the linked crates include no crate that only builds, tests or generates code', () => {
    const others = ['cc', 'napi-build', 'napi-derive', 'proptest', 'serde_derive', 'syn', 'tokio-macros']
    assert.deepEqual(
      crates.filter(({ name }) => others.includes(name)),
      [],
    )
  })

  test('the linked crates differ between systems, and the list says so', () => {
    const systems = Object.fromEntries(crates.map(({ name, systems }) => [name, systems]))
    assert.deepEqual(
      [systems['security-framework'], systems['windows-link'], systems.napi],
      [['macOS'], ['Windows'], []],
    )
  })
})

describe('the licences and the list of components', () => {
  test('are true to Cargo.lock', () => {
    assert.deepEqual(mismatches({ crates, version, licences, sbom }), [])
  })

  test('the licences and the list of components are reported as wrong after a crate was added', () => {
    const checksum = 'f'.repeat(64)
    const more = [...crates, { name: 'newcomer', version: '1.0.0', licence: 'MIT', systems: [], checksum }]
    assert.deepEqual(mismatches({ crates: more, version, licences, sbom }), [
      `${licencesFile} lacks newcomer 1.0.0`,
      `${sbomFile} lacks newcomer 1.0.0`,
      `${licencesFile} has no text for newcomer 1.0.0`,
      `${sbomFile} has not the checksum of newcomer 1.0.0 in Cargo.lock`,
    ])
  })

  test('the licences and the list of components are reported as wrong after a crate was removed', () => {
    const [gone, ...less] = crates
    assert.deepEqual(mismatches({ crates: less, version, licences, sbom }), [
      `${licencesFile} has ${gone.name} ${gone.version}, which is not linked in`,
      `${sbomFile} has ${gone.name} ${gone.version}, which is not linked in`,
    ])
  })

  test('the licences and the list of components are reported as wrong after a crate was updated', () => {
    const updated = crates.map(crate => (crate.name === 'ring' ? { ...crate, version: '99.0.0' } : crate))
    const found = mismatches({ crates: updated, version, licences, sbom })
    for (const file of [licencesFile, sbomFile]) {
      assert.ok(found.includes(`${file} lacks ring 99.0.0`))
      assert.ok(found.some(line => line.startsWith(`${file} has ring 0.`)))
    }
  })

  test('the licences and the list of components are reported as wrong if a text or a checksum is missing', () => {
    const { name, version: number, checksum } = crates[0]
    const without = changed(licences, new RegExp(`^- ${name} ${number}$`, 'gm'), '')
    assert.deepEqual(mismatches({ crates, version, licences: without, sbom }), [
      `${licencesFile} has no text for ${name} ${number}`,
    ])
    const other = changed(sbom, checksum, '0'.repeat(64))
    assert.deepEqual(mismatches({ crates, version, licences, sbom: other }), [
      `${sbomFile} has not the checksum of ${name} ${number} in Cargo.lock`,
    ])
  })

  test('are found false if they are of another version of the package', () => {
    assert.deepEqual(mismatches({ crates, version: '99.0.0', licences, sbom }), [
      `${sbomFile} is of version ${version}, and package.json of 99.0.0`,
    ])
  })

  test('the licences and the list of components contain no path of the build machine', () => {
    for (const path of ['/home/somebody/.cargo/x', 'file:///build/x', '/root/x', 'C:\\Users\\x']) {
      const found = mismatches({ crates, version, licences: `${licences}\n${path}\n`, sbom })
      assert.deepEqual(found, [`a path of some machine is in there: ${path}`])
    }
  })

  test('the licences and the list of components take every crate under a licence that is allowed', () => {
    const list = (/** @type {string} */ text, /** @type {string} */ name) =>
      [...(text.match(new RegExp(`^${name} = \\[([^\\]]*)\\]`, 'm'))?.[1] ?? '').matchAll(/"(.+?)"/g)]
        .map(([, id]) => id)
        .sort()
    const allowed = list(read('.cargo/deny.toml'), 'allow')
    assert.ok(allowed.length > 1)
    assert.deepEqual(list(read('tools/licenses/about.toml'), 'accepted'), allowed)
    const taken = [...licences.matchAll(/^\| [\w-]+ \| \d\S* \| .*? \| (.+?) \|/gm)].flatMap(([, ids]) =>
      ids.split(' and '),
    )
    assert.equal(licences.match(/^\| [\w-]+ \| \d/gm)?.length, crates.length)
    assert.deepEqual(
      [...new Set(taken)].filter(id => !allowed.includes(id)),
      [],
    )
  })

  test('the licences and the list of components give a text in full for every licence that is named', () => {
    const texts = [...licences.matchAll(/^### (\S+)\n[\s\S]*?^```text\n([\s\S]*?)^```$/gm)]
    assert.equal(texts.length, licences.match(/^### /gm)?.length)
    for (const [, id, text] of texts) assert.ok(text.length > 500, `${id}: ${text}`)
  })
})
