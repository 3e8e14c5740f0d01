import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { licencesFile, linkedCrates, lockedChecksums, mismatches, sbomFile } from '../scripts/licenses.mjs'
import { root } from './support/child.mjs'

const read = (/** @type {string} */ name) => readFileSync(join(root, name), 'utf8')

describe('the crates that are linked in', () => {
  const crates = linkedCrates()
  const names = new Set([...crates.keys()].map(crate => crate.split(' ')[0]))

  test('are those that the manifest asks for and that those ask for, in the versions of Cargo.lock', () => {
    const locked = lockedChecksums(read('Cargo.lock'))
    for (const name of ['napi', 'reqwest', 'ring', 'rustls', 'tokio', 'webpki-roots'])
      assert.ok(names.has(name), name)
    for (const [crate, checksum] of crates) assert.equal(checksum, locked.get(crate))
    assert.ok(!names.has('turnstile-solver'))
  })

  test('include those of one system alone', () => {
    for (const name of ['security-framework', 'windows-link']) assert.ok(names.has(name), name)
  })

  test('do not include what builds, tests or writes the code', () => {
    for (const name of ['cc', 'napi-build', 'napi-derive', 'proptest', 'serde_derive', 'syn', 'tokio-macros'])
      assert.ok(!names.has(name), name)
  })
})

describe('the inventories', () => {
  const crates = new Map([
    ['ring 0.17.14', 'a'.repeat(64)],
    ['wasi 0.11.1+preview1', 'b'.repeat(64)],
  ])
  const licences =
    '## MIT\n\n- ring 0.17.14\n- wasi 0.11.1+preview1, by Somebody, Others\n\n```text\nThe text.\n```\n'
  const sbom = JSON.stringify({
    metadata: { component: { version: '1.2.3' } },
    components: [...crates].map(([crate, content]) => {
      const [name, version] = crate.split(' ')
      return { name, version, hashes: [{ alg: 'SHA-256', content }], purl: `pkg:cargo/${name}@${version}` }
    }),
  })
  const right = { crates, version: '1.2.3', licences, sbom }

  test('match when they list every crate at its version, with its checksum', () => {
    assert.deepEqual(mismatches(right), [])
  })

  test('do not match when a crate is missing, in whichever of them', () => {
    const more = new Map([...crates, ['newcomer 1.0.0', 'c'.repeat(64)]])
    assert.deepEqual(mismatches({ ...right, crates: more }), [
      `${licencesFile} lacks newcomer 1.0.0`,
      `${sbomFile} lacks newcomer 1.0.0`,
    ])
  })

  test('do not match when a crate is listed in another version', () => {
    const updated = new Map([...crates].map(([crate, sum]) => [crate.replace('0.17.14', '0.17.15'), sum]))
    assert.deepEqual(mismatches({ ...right, crates: updated }), [
      `${licencesFile} lacks ring 0.17.15`,
      `${sbomFile} lacks ring 0.17.15`,
    ])
  })

  test('do not match when a checksum is another than that of Cargo.lock', () => {
    const changed = new Map([...crates, ['ring 0.17.14', 'd'.repeat(64)]])
    assert.deepEqual(mismatches({ ...right, crates: changed }), [
      `${sbomFile} has another checksum of ring 0.17.14 than Cargo.lock`,
    ])
  })

  test('do not match when they are of another version of the package', () => {
    assert.deepEqual(mismatches({ ...right, version: '1.2.4' }), [
      `${sbomFile} is of version 1.2.3, and package.json of 1.2.4`,
    ])
  })

  test('contain no path of the machine that made them', () => {
    for (const path of ['/home/somebody/.cargo/x', 'file:///build/x', '/root/x', 'C:\\Users\\x']) {
      const found = mismatches({ ...right, licences: `${licences}\n${path}\n` })
      assert.deepEqual(found, [`a path of the machine is in there: ${path}`])
    }
  })
})

test('the licences that about.toml accepts are those that deny.toml allows', () => {
  const list = (/** @type {string} */ text, /** @type {string} */ name) =>
    [...(text.match(new RegExp(`^${name} = \\[([^\\]]*)\\]`, 'm'))?.[1] ?? '').matchAll(/"(.+?)"/g)]
      .map(([, id]) => id)
      .sort()
  const allowed = list(read('deny.toml'), 'allow')
  assert.ok(allowed.length > 1)
  assert.deepEqual(list(read('scripts/licenses/about.toml'), 'accepted'), allowed)
})
