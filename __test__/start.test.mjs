/** What comes before a call: the runtime that has to start. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { run } from './support/child.mjs'

const account = `{ provider: 'yescaptcha', clientKey: 'test-key-0123456789abcdef', baseURL: 'http://127.0.0.1:9', timeoutMs: 100 }`

test('a runtime that cannot start fails the call that needed it, and the next call starts it', async () => {
  const script = `
    import { closeSync, openSync } from 'node:fs'
    import { getBalance } from 'turnstile-solver'
    const outcome = () => getBalance(${account}).then(() => 'an answer', error => error.code + ' ' + error.message)
    const taken = []
    try { for (;;) taken.push(openSync('/dev/null')) } catch {}
    const first = await outcome()
    for (const descriptor of taken) closeSync(descriptor)
    console.log(first + '\\n' + await outcome())
  `
  const node = `exec '${process.execPath}' --input-type=module -e "$SCRIPT"`
  const ended = await run('bash', ['-c', `ulimit -n 64 && ${node}`], { env: { SCRIPT: script } })
  assert.equal(ended.code, 0, ended.stderr)
  const [first, next] = ended.stdout.split('\n')
  assert.match(first, /could not start: Too many open files/)
  assert.match(next, /^(CONNECTION_FAILED|TIMEOUT) /)
})
