import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { after, before, beforeEach, describe, test } from 'node:test'
import { root, run } from './support/child.mjs'

/** A cargo-deny that records its arguments. It fails to download if the file `no-network` exists, and finds an advisory if `advisory` does. */
const program = (/** @type {string} */ folder) => `#!/bin/sh
cd '${folder}'
[ "$1" != --version ] || { echo 'cargo-deny 0.20.2'; exit; }
echo "$*" >>calls
case "$*" in
  'fetch db') [ ! -e no-network ] ;;
  *advisories) [ ! -e advisory ] ;;
esac
`

/** @type {string} */
let temporary

before(() => {
  temporary = mkdtempSync(join(tmpdir(), 'deny-'))
})
after(() => rmSync(temporary, { recursive: true }))
beforeEach(() => {
  rmSync(temporary, { recursive: true })
  mkdirSync(join(temporary, 'bin'), { recursive: true })
  mkdirSync(join(temporary, 'cargo'))
  writeFileSync(join(temporary, 'bin', 'cargo-deny'), program(temporary))
  chmodSync(join(temporary, 'bin', 'cargo-deny'), 0o755)
})

/** @param {string[]} files that tell the program what to do @param {string[]} args */
async function deny(files, args = []) {
  for (const name of files) writeFileSync(join(temporary, name), '')
  const env = {
    PATH: `${join(temporary, 'bin')}${delimiter}${process.env.PATH}`,
    CARGO_HOME: join(temporary, 'cargo'),
    XDG_CACHE_HOME: temporary,
  }
  const { code, stderr } = await run('bash', [join(root, '.ci', 'deny'), ...args], { env })
  const calls = readFileSync(join(temporary, 'calls'), 'utf8').trim().split('\n')
  return { code, stderr, calls }
}

const others = ['check bans licenses sources', 'fetch db']

describe('.ci/deny', { skip: process.platform === 'win32' && 'it is a script for bash' }, () => {
  test('checks the advisories of the downloaded database, and fails on one', async () => {
    assert.deepEqual(await deny([]), { code: 0, stderr: '', calls: [...others, 'check advisories'] })
    assert.equal((await deny(['advisory'])).code, 1)
    assert.equal((await deny(['advisory'], ['--require-advisories'])).code, 1)
  })

  test('passes with a warning if the database cannot be downloaded', async () => {
    const { code, stderr, calls } = await deny(['no-network'])
    assert.deepEqual([code, calls], [0, others])
    assert.match(stderr, /^!!! ADVISORIES NOT CHECKED/m)
  })

  test('fails if the database cannot be downloaded and advisories are required, even with a stored one', async () => {
    for (const stored of [false, true]) {
      if (stored) mkdirSync(join(temporary, 'cargo', 'advisory-dbs', 'database'), { recursive: true })
      const { code, stderr } = await deny(['no-network'], ['--require-advisories'])
      assert.equal(code, 1)
      assert.match(stderr, /^!!! The advisory database cannot be downloaded/m)
    }
  })

  test('checks with a stored database, and says so, if it cannot be downloaded', async () => {
    mkdirSync(join(temporary, 'cargo', 'advisory-dbs', 'database'), { recursive: true })
    const { code, stderr, calls } = await deny(['no-network'])
    assert.deepEqual([code, calls], [0, [...others, '--offline check advisories']])
    assert.match(stderr, /which may be old/)
  })

  test('is run by the release with the advisories required', () => {
    const workflow = readFileSync(join(root, '.github', 'workflows', 'release.yml'), 'utf8')
    assert.match(workflow, /^ {10}\.ci\/deny --require-advisories$/m)
  })

  test('refuses an unknown option', async () => {
    const { code, stderr } = await run('bash', [join(root, '.ci', 'deny'), '--required'])
    assert.deepEqual([code, stderr], [2, 'Unknown option: --required\n'])
  })
})
