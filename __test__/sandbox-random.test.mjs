import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createIdentities, unit } from '../lib/sandbox/random.mjs'

test('the numbers of a seed are spread evenly over [0, 1)', () => {
  const counts = Array(10).fill(0)
  for (let n = 0; n < 10_000; n++) counts[Math.floor(unit('seed', `${n}`) * 10)]++
  assert.equal(counts.length, 10)
  for (const count of counts) assert.ok(count > 900 && count < 1100, counts.join())
})

test('no part of a token repeats another', () => {
  const token = createIdentities('seed').token(1)
  const parts = Array.from({ length: token.length - 7 }, (_, n) => token.slice(n, n + 8))
  assert.equal(new Set(parts).size, parts.length)
})
