import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { KEY } from './support/calls.mjs'
import { runScript } from './support/child.mjs'

const together = { concurrency: 64 }

/** What a child has at hand: calls that reach no server, and one line for each of their outcomes. */
const prelude = `
  import * as api from 'turnstile-solver'
  import { readFileSync } from 'node:fs'
  const { TurnstileError, isTurnstileError, solveTurnstile, createTask, getTaskResult, waitForTask, getBalance } = api
  const account = { provider: 'ezcaptcha', clientKey: '${KEY}', baseURL: 'http://127.0.0.1:1', timeoutMs: 50 }
  const task = { ...account, websiteURL: 'https://shop.example', websiteKey: 'key' }
  const codes = ['INVALID_OPTIONS', 'CONNECTION_FAILED', 'HTTP_ERROR', 'INVALID_RESPONSE', 'PROVIDER_ERROR', 'TIMEOUT', 'ABORT_ERR']
  const status = name => Number(new RegExp('^' + name + ':\\\\s+(\\\\d+)', 'm').exec(readFileSync('/proc/self/status', 'utf8'))[1]) / 1024
  const outcome = async start => {
    let promise
    try { promise = start() } catch (error) { return 'thrown synchronously' }
    if (!(promise instanceof Promise)) return 'no promise'
    try { await promise } catch (error) {
      if (!(error instanceof TurnstileError) || !isTurnstileError(error)) return 'rejected with something else'
      return codes.includes(error.code) && typeof error.message === 'string' ? error.code : 'unknown code'
    }
    return 'resolved'
  }
`

/** @param {string} script @param {NodeJS.ProcessEnv} [env] */
async function child(script, env) {
  const ended = await runScript(prelude + script, { env })
  assert.deepEqual([ended.code, ended.signal], [0, null], `${ended.stdout}\n${ended.stderr}`.slice(-4000))
  return ended
}

/** @type {[string, string, string][]} */
const hostile = [
  [
    'a getter that throws what throws when it is turned into text',
    'INVALID_OPTIONS',
    'createTask({ get provider() { throw evil } })',
  ],
  [
    'a getter that throws a symbol',
    'INVALID_OPTIONS',
    'createTask({ get provider() { throw Symbol("s") } })',
  ],
  [
    'a getter that throws an error whose message throws',
    'INVALID_OPTIONS',
    'createTask({ get provider() { throw throwing } })',
  ],
  [
    'a getter that throws an error that is its own cause',
    'INVALID_OPTIONS',
    'createTask({ get provider() { throw ownCause } })',
  ],
  [
    'a getter that throws a chain of 100 000 causes',
    'INVALID_OPTIONS',
    'createTask({ get provider() { throw longChain } })',
  ],
  [
    'a toJSON that throws what throws when it is turned into text',
    'INVALID_OPTIONS',
    'createTask({ ...task, extraTaskFields: { toJSON() { throw evil } } })',
  ],
  [
    'a toJSON that throws an error that is its own cause',
    'INVALID_OPTIONS',
    'createTask({ ...task, extraTaskFields: { toJSON() { throw ownCause } } })',
  ],
  [
    'a toJSON that throws a chain of 100 000 causes',
    'INVALID_OPTIONS',
    'createTask({ ...task, extraTaskFields: { toJSON() { throw longChain } } })',
  ],
  [
    'a toJSON that throws a symbol',
    'INVALID_OPTIONS',
    'createTask({ ...task, extraTaskFields: { toJSON() { throw Symbol("s") } } })',
  ],
  [
    'a Proxy whose ownKeys throws what throws when it is turned into text',
    'INVALID_OPTIONS',
    'createTask(new Proxy({}, { ownKeys() { throw evil } }))',
  ],
  [
    'a Proxy whose ownKeys throws an error that is its own cause',
    'INVALID_OPTIONS',
    'createTask(new Proxy({}, { ownKeys() { throw ownCause } }))',
  ],
  [
    'a Proxy whose get throws a revoked Proxy',
    'INVALID_OPTIONS',
    'createTask(new Proxy({ ...task }, { get() { throw revoked } }))',
  ],
  [
    "a Proxy that is its own prototype's handler",
    'INVALID_OPTIONS',
    'createTask(new Proxy({}, new Proxy({}, { get() { throw evil } })))',
  ],
  [
    'a Proxy with endless names',
    'INVALID_OPTIONS',
    'createTask(new Proxy({}, { ownKeys: () => Array.from({ length: 1e5 }, (_, i) => "k" + i), getOwnPropertyDescriptor: () => ({ value: 1, enumerable: true, configurable: true }) }))',
  ],
  [
    'a signal whose addEventListener throws',
    'INVALID_OPTIONS',
    'createTask({ ...task, signal: { ...signal, addEventListener() { throw evil } } })',
  ],
  [
    'a signal whose aborted throws',
    'INVALID_OPTIONS',
    'createTask({ ...task, signal: { ...signal, get aborted() { throw evil } } })',
  ],
  [
    'a signal whose reason throws',
    'ABORT_ERR',
    'createTask({ ...task, signal: { ...signal, aborted: true, get reason() { throw evil } } })',
  ],
  [
    'a signal whose removeEventListener throws',
    'TIMEOUT',
    'createTask({ ...task, signal: { ...signal, removeEventListener() { throw evil } } })',
  ],
  ['an extra of 100 000 levels', 'INVALID_OPTIONS', 'createTask({ ...task, extraTaskFields: nested(1e5) })'],
  ['an extra of 1000 levels', 'INVALID_OPTIONS', 'createTask({ ...task, extraTaskFields: nested(1000) })'],
  [
    'an extra that is its own member',
    'INVALID_OPTIONS',
    '{ const extra = {}; extra.extra = extra; return createTask({ ...task, extraTaskFields: extra }) }',
  ],
  [
    'an extra whose toJSON gives nothing',
    'INVALID_OPTIONS',
    'createTask({ ...task, extraTaskFields: { toJSON() {} } })',
  ],
  [
    'an extra whose toJSON calls the addon',
    'TIMEOUT',
    'createTask({ ...task, extraTaskFields: { toJSON() { createTask(task).catch(() => {}); return {} } } })',
  ],
  ['an extra with a BigInt', 'INVALID_OPTIONS', 'createTask({ ...task, extraTaskFields: { n: 1n } })'],
  ['a lone surrogate in an option name', 'INVALID_OPTIONS', 'createTask({ ...task, "\\ud800": 1 })'],
  [
    'a lone surrogate in extra',
    'INVALID_OPTIONS',
    'createTask({ ...task, extraTaskFields: { a: "\\udfff" } })',
  ],
  ['a websiteKey of 10 MB', 'INVALID_OPTIONS', 'createTask({ ...task, websiteKey: long })'],
  ['an extra of 10 MB', 'TIMEOUT', 'createTask({ ...task, extraTaskFields: { long } })'],
  ['a clientKey of 10 MB', 'INVALID_OPTIONS', 'createTask({ ...task, clientKey: long })'],
  ['a provider of 10 MB', 'INVALID_OPTIONS', 'createTask({ ...task, provider: long })'],
  ['a baseURL of 10 MB', 'INVALID_OPTIONS', 'createTask({ ...task, baseURL: "https://" + long })'],
  ['a taskId of 10 MB', 'INVALID_OPTIONS', 'getTaskResult({ ...account, taskId: long })'],
  ['an option name of 10 MB', 'INVALID_OPTIONS', 'createTask({ ...task, [long]: 1 })'],
  [
    '100 000 option names',
    'INVALID_OPTIONS',
    'createTask({ ...task, ...Object.fromEntries(Array.from({ length: 1e5 }, (_, i) => ["name" + i, i])) })',
  ],
  [
    'a stack trace that throws when it is prepared',
    'INVALID_OPTIONS',
    '{ Error.prepareStackTrace = () => { throw evil }; return createTask({}) }',
  ],
  [
    'a stack trace that is a list of call sites',
    'INVALID_OPTIONS',
    '{ Error.prepareStackTrace = (_, sites) => sites; return createTask({}) }',
  ],
  [
    'a polluted prototype of all objects',
    'TIMEOUT',
    `{
      const names = { signal: 1, dispose: 1, shown: 1, cause: 1, causeMessage: 1 }
      Object.assign(Object.prototype, names)
      return createTask(task).finally(() => {
        for (const name of Object.keys(names)) delete Object.prototype[name]
      })
    }`,
  ],
]

const cast = `
  const evil = {}
  evil.toString = evil.toJSON = evil.valueOf = evil[Symbol.toPrimitive] = () => { throw evil }
  const throwing = new Error('x')
  for (const name of ['stack', 'message', 'name', 'cause', 'toString']) Object.defineProperty(throwing, name, { get() { throw throwing } })
  const ownCause = new Error('x')
  ownCause.cause = ownCause
  const { proxy: revoked, revoke } = Proxy.revocable({}, {})
  revoke()
  const signal = { aborted: false, reason: undefined, addEventListener() {}, removeEventListener() {} }
  const nested = levels => { let inner = {}; for (let i = 0; i < levels; i++) inner = { inner }; return inner }
  // What is large is made by the one case that wants it.
  const lazily = (name, make) => Object.defineProperty(globalThis, name, { get: make })
  lazily('long', () => 'x'.repeat(1e7))
  lazily('longChain', () => {
    let chain = new Error('first')
    for (let i = 0; i < 1e5; i++) chain = new Error('next', { cause: chain })
    return chain
  })
`

/** @typedef {{ result: string, after: string, greedy: number }} Outcome */

/**
 * Makes the calls one after another in a process, and goes on in a new one behind a call that ended it: what crashes one hides
 * no other.
 * @param {string[]} calls
 * @returns {Promise<(Outcome | string)[]>} for a call that ended its process, what the process said
 */
async function outcomesOf(calls) {
  const bodies = calls.map(call => `() => ${call.startsWith('{') ? call : `{ return ${call} }`}`)
  /** @type {(Outcome | string)[]} */
  const outcomes = []
  while (outcomes.length < calls.length) {
    const script = `${prelude}${cast}
      import { writeFileSync, writeSync } from 'node:fs'
      for (const call of [${bodies.slice(outcomes.length)}]) {
        // The peak of the memory counts from here.
        writeFileSync('/proc/self/clear_refs', '5')
        const before = status('VmHWM')
        const result = await outcome(call)
        const grown = status('VmHWM') - before
        delete Error.prepareStackTrace
        const after = await outcome(() => getBalance({ ...account, signal: AbortSignal.abort() }))
        writeSync(1, JSON.stringify({ result, after, greedy: grown > 200 ? grown : 0 }) + '\\n')
      }`
    const { code, signal, stdout, stderr } = await runScript(script)
    outcomes.push(
      ...stdout
        .split('\n')
        .slice(0, -1)
        .map(line => JSON.parse(line)),
    )
    if (code !== 0) outcomes.push(`ended with ${code ?? signal}: ${stderr.slice(-4000)}`)
  }
  return outcomes
}

describe('a call that is given', together, () => {
  const size = Math.ceil(hostile.length / 4)
  for (let start = 0; start < hostile.length; start += size) {
    const group = hostile.slice(start, start + size)
    /** @type {ReturnType<typeof outcomesOf> | undefined} */
    let outcomes
    for (const [index, [what, expected]] of group.entries()) {
      test(`a call that is given ${what} ends with ${expected}, in bounded time and memory`, async () => {
        outcomes ??= outcomesOf(group.map(([, , call]) => call))
        assert.deepEqual((await outcomes)[index], { result: expected, after: 'ABORT_ERR', greedy: 0 })
      })
    }
  }
})

describe('a call', together, () => {
  test('a call near the end of the stack does not crash the process, wherever the stack overflows', async () => {
    const { stdout } = await child(`
      let calls = 0
      // From where the stack ends, calls are made upwards as far as a call may need.
      const deep = 500
      const options = [{}, task, { ...task, extraTaskFields: { a: { b: 1 } } }, { ...task, signal: AbortSignal.abort() }, { get provider() { return [1].map(String)[0] } }]
      let above = 0
      const dive = option => {
        try { dive(option) } catch {}
        if (above++ < deep) try { createTask(option).catch(() => {}); calls++ } catch {}
      }
      await outcome(() => createTask({}))
      for (const option of options) { above = 0; dive(option) }
      console.log(calls > 1000, await outcome(() => getBalance({ ...account, signal: AbortSignal.abort() })))`)
    assert.equal(stdout, 'true ABORT_ERR\n')
  })

  test('a message about an option name of 10 MB does not repeat all of it', async () => {
    const { stdout } = await child(
      `const error = await createTask({ ...task, ['x'.repeat(1e7)]: 1 }).catch(error => error)
       console.log(error.message.length < 1000)`,
    )
    assert.equal(stdout, 'true\n')
  })

  test('a call keeps the options that it was given, whatever becomes of the object', async () => {
    const { stdout } = await child(`
      import { createServer } from 'node:http'
      const bodies = []
      const server = createServer(async (request, response) => {
        let text = ''
        for await (const chunk of request) text += chunk
        bodies.push(JSON.parse(text))
        response.end('{"errorId":0,"taskId":"a"}')
      }).listen(0, '127.0.0.1', async () => {
        const extra = { deep: { list: [1, 2] } }
        const options = { ...task, timeoutMs: 300_000, requestTimeoutMs: 300_000, baseURL: 'http://127.0.0.1:' + server.address().port, extraTaskFields: extra }
        const calls = Array.from({ length: 100 }, (_, i) => {
          options.websiteKey = 'key' + i
          extra.deep.list[0] = i
          return createTask(options)
        })
        for (const name of Object.keys(options)) delete options[name]
        extra.deep.list.length = 0
        await Promise.all(calls)
        const seen = new Set(bodies.map(({ task }) => task.websiteKey + '/' + task.deep.list.join()))
        const wanted = Array.from({ length: 100 }, (_, i) => 'key' + i + '/' + i + ',2')
        console.log(wanted.every(text => seen.has(text)), seen.size)
        server.closeAllConnections()
        server.close()
      })`)
    assert.equal(stdout, 'true 100\n')
  })
})

describe('random options', () => {
  const seed = Number(process.env.HOSTILE_SEED ?? Date.now() % 2 ** 31)
  const rounds = Number(process.env.HOSTILE_ROUNDS ?? 2000)

  test(`random options by the thousand end in a promise and one of the known codes (HOSTILE_SEED=${seed})`, async () => {
    const script = `${cast}
      import { fuzz } from './__test__/support/child-fuzz.mjs'
      console.log(JSON.stringify(await fuzz({ api, seed: ${seed}, rounds: ${rounds}, outcome, cast: { evil, throwing, ownCause, revoked, signal, nested } })))`
    const { stdout } = await child(script)
    const { outcomes, odd } = JSON.parse(stdout)
    assert.deepEqual(odd, [], `HOSTILE_SEED=${seed}`)
    assert.ok(outcomes.INVALID_OPTIONS > rounds / 4, JSON.stringify(outcomes))
    assert.ok(outcomes.ABORT_ERR + (outcomes.TIMEOUT ?? 0) > rounds / 20, 'some of them were right')
  })
})
