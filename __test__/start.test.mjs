/** What stands between a call and its promise: the runtime that has to start, and the wake-ups that settle. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { run, runScript } from './support/child.mjs'

const account = `{ provider: 'yescaptcha', clientKey: 'test-key-0123456789abcdef', baseURL: 'http://127.0.0.1:9', timeoutMs: 1000 }`

test('a runtime that cannot start fails the call that needed it, and the next call starts it', async () => {
  const script = `
    import { closeSync, openSync } from 'node:fs'
    import { getBalance } from 'turnstile-solver'
    const told = () => getBalance(${account}).then(() => 'an answer', error => error.code + ' ' + error.message)
    const taken = []
    try { for (;;) taken.push(openSync('/dev/null')) } catch {}
    const first = await told()
    for (const descriptor of taken) closeSync(descriptor)
    console.log(first + '\\n' + await told())
  `
  const node = `exec '${process.execPath}' --input-type=module -e "$SCRIPT"`
  const ended = await run('bash', ['-c', `ulimit -n 64 && ${node}`], { env: { SCRIPT: script } })
  assert.equal(ended.code, 0, ended.stderr)
  const [first, next] = ended.stdout.split('\n')
  assert.match(first, /could not start: Too many open files/)
  assert.match(next, /^(CONNECTION_FAILED|TIMEOUT) /)
})

test('however many calls settled one by one before, a call among a thousand others settles at once', async () => {
  const script = `
    import { createServer } from 'node:net'
    import { getBalance, waitForTask } from 'turnstile-solver'
    const server = createServer(() => {}).listen(0, '127.0.0.1')
    await new Promise(resolve => server.once('listening', resolve))
    const account = { ...${account}, timeoutMs: 120000, baseURL: 'http://127.0.0.1:' + server.address().port }
    const signal = AbortSignal.abort()
    const aborted = () => getBalance({ ...account, signal }).catch(error => error.code)
    // One that waited five milliseconds for each of them would come when the process has long been ended.
    for (let i = 0; i < 8000; i++) await aborted()
    const crowd = Array.from({ length: 1100 }, () => waitForTask({ ...account, taskId: 'T' }))
    console.log(await aborted())
    process.exit()
  `
  const ended = await runScript(script, { limitMs: 30_000 })
  assert.deepEqual([ended.code, ended.stdout], [0, 'ABORT_ERR\n'], ended.stderr)
})
