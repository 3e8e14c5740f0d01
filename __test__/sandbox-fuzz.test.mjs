import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fuzzSandbox, SHORT } from '../tools/fuzz/sandbox.mjs'

test('random requests and rules end with a reply, and the sandbox still works afterwards', async () => {
  const { findings, executions, replies } = await fuzzSandbox({ seed: '1', executions: SHORT })
  assert.deepEqual(findings, [])
  assert.equal(executions, SHORT)
  // The requests reach every part: replies of the API, the guard, the HTTP parser and the limit of bodies.
  for (const status of ['200', '400', '403', '404', '405', '413', '415', '429', '500'])
    assert.ok(replies[status] > 0, `${status}: ${JSON.stringify(replies)}`)
})
