import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { currentBuild, refuseDebugBuild, sourceDigest, stampBuild } from '../tools/dev/build-stamp.mjs'

/** A checkout with nothing in it but a source and an addon. @param {import('node:test').TestContext} t */
function checkout(t) {
  const root = mkdtempSync(join(tmpdir(), 'stamp-'))
  t.after(() => rmSync(root, { recursive: true, force: true }))
  mkdirSync(join(root, 'src'))
  const write = (/** @type {string} */ name, /** @type {string} */ text) =>
    writeFileSync(join(root, name), text)
  const source = (/** @type {string} */ text) => write('src/lib.rs', text)
  const addon = (/** @type {string} */ text) => write('turnstile-solver.linux-x64-gnu.node', text)
  source('one')
  addon('built of one')
  return { root, source, addon }
}

test('a build is current until a source changes, and again when it changes back', t => {
  const { root, source } = checkout(t)
  assert.equal(currentBuild(root), undefined)
  stampBuild(root, 'release', sourceDigest(root))
  assert.equal(currentBuild(root), 'release')
  source('two')
  assert.equal(currentBuild(root), undefined)
  source('one')
  assert.equal(currentBuild(root), 'release')
})

test('a debug build is not taken for a release build', t => {
  const { root, addon } = checkout(t)
  stampBuild(root, 'release', sourceDigest(root))
  // A debug build that is cut short before its stamp.
  addon('built of one without optimisation')
  assert.equal(currentBuild(root), undefined)
  stampBuild(root, 'debug', sourceDigest(root))
  assert.equal(currentBuild(root), 'debug')
})

test('a build is not current if a source changed while it ran', t => {
  const { root, source } = checkout(t)
  const before = sourceDigest(root)
  source('two')
  stampBuild(root, 'debug', before)
  assert.equal(currentBuild(root), undefined)
})

test('a debug build is refused for measurements, stale or not', t => {
  const { root, source } = checkout(t)
  refuseDebugBuild(root)
  stampBuild(root, 'release', sourceDigest(root))
  refuseDebugBuild(root)
  stampBuild(root, 'debug', sourceDigest(root))
  source('two')
  assert.throws(() => refuseDebugBuild(root), /The addon is a debug build\. Run: npm run build/)
})
