import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fuzzPage, SHORT } from '../tools/fuzz/page.mjs'

test('no reply of a page breaks a promise of the page helper', async () => {
  const { findings, executions, outcomes } = await fuzzPage({ seed: '1', executions: SHORT })
  assert.deepEqual(findings, [])
  assert.equal(executions, SHORT)
  for (const outcome of [
    'find: widgets',
    'find: PAGE_SCRIPT_ERROR',
    'solve: bought',
    'solve: kept',
    'apply: applied',
  ])
    assert.ok((outcomes[outcome] ?? 0) > 0, `${outcome}: ${JSON.stringify(outcomes)}`)
})
