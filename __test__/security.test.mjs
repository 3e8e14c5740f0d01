import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { root } from './support/child.mjs'

/** The rows of the threat model: each threat, and the tests that it names. */
const rows = readFileSync(join(root, 'SECURITY.md'), 'utf8')
  .split('\n## ')
  .find(section => section.startsWith('Threat model'))
  ?.split('\n')
  .filter(line => line.startsWith('| ') && !line.startsWith('| threat '))
  .map(line => line.split(' | '))
  .map(cells => ({
    threat: cells[0].slice(2),
    tests: [...(cells[2] ?? '').matchAll(/`([^`]+)`/g)].map(([, name]) => name),
  }))

const files = readdirSync(join(root, '__test__'), { recursive: true }).map(String)
const sources = readdirSync(join(root, 'src'), { recursive: true })
  .map(String)
  .filter(file => file.endsWith('.rs'))
  .map(file => readFileSync(join(root, 'src', file), 'utf8'))
  .join('\n')

/** @param {string} name of a test file, or of a test in Rust */
const exists = name =>
  name.endsWith('.mjs') ? files.some(file => file.split(/[\\/]/).at(-1) === name) : isRustTest(name)

/** @param {string} name */
const isRustTest = name =>
  /^[a-z0-9_]+$/.test(name) &&
  new RegExp(`#\\[(?:tokio::)?test[^\\]]*\\]\\s+(?:async )?fn ${name}\\(`).test(sources)

test('SECURITY.md names tests that exist for every threat', () => {
  assert.ok(rows && rows.length > 10)
  for (const { threat, tests } of rows) {
    assert.notDeepEqual(tests, [], threat)
    for (const name of tests) assert.ok(exists(name), `${threat}: there is no test ${name}`)
  }
})

test('a test that does not exist is not found', () => {
  assert.deepEqual(
    [exists('no-such.test.mjs'), exists('no_such_test'), exists('startSandbox')],
    [false, false, false],
  )
})
