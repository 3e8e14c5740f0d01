import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { inspect } from 'node:util'
import vm from 'node:vm'
import { getBalance, isTurnstileError, solveTurnstile, TurnstileError, waitForTask } from '../index.js'
import { callNames, calls, failure, KEY, polling, replies, required, scripted } from './support/calls.mjs'
import { root } from './support/child.mjs'

const require = createRequire(import.meta.url)

describe('TurnstileError', () => {
  test('TurnstileError is an Error with its own name, which is not a property of each error', async () => {
    const error = await failure(getBalance(/** @type {any} */ ({})))
    assert.equal(Object.getPrototypeOf(TurnstileError), Error)
    assert.equal(error.constructor, TurnstileError)
    assert.equal(TurnstileError.prototype.name, 'TurnstileError')
    assert.equal(Object.hasOwn(error, 'name'), false)
    assert.equal(Object.prototype.toString.call(error), '[object Error]')
  })

  test('TurnstileError shows its fields when it is inspected and when it is written as JSON', async () => {
    const error = await failure(getBalance(/** @type {any} */ ({ provider: 'ezcaptcha' })))
    assert.match(inspect(error), /^TurnstileError: .*clientKey/)
    assert.match(inspect(error), /code: 'INVALID_OPTIONS'/)
    const written = JSON.parse(JSON.stringify(error))
    const expected = {
      code: 'INVALID_OPTIONS',
      provider: 'ezcaptcha',
      option: 'clientKey',
      mayBeCharged: false,
    }
    assert.deepEqual(written, expected)
  })

  test('TurnstileError can be constructed, as the tests of users do', () => {
    const least = new TurnstileError('late', { code: 'TIMEOUT' })
    assert.deepEqual({ ...least }, { code: 'TIMEOUT', mayBeCharged: false })
    const absent = { taskId: undefined, mayBeCharged: undefined, cause: undefined }
    assert.deepEqual({ ...new TurnstileError('late', { code: 'TIMEOUT', ...absent }) }, { ...least })
    const error = new TurnstileError('late', { code: 'TIMEOUT', mayBeCharged: true, cause: 'why' })
    assert.ok(isTurnstileError(error))
    assert.deepEqual([error.message, error.code, error.cause], ['late', 'TIMEOUT', 'why'])
    const without = new TurnstileError('late', { code: 'TIMEOUT', mayBeCharged: true })
    assert.equal('cause' in without, false)
  })

  test('TurnstileError can be extended, and instances of the subclass are TurnstileErrors', () => {
    class Mine extends TurnstileError {}
    const error = new Mine('late', { code: 'TIMEOUT', mayBeCharged: true })
    assert.ok(error instanceof TurnstileError && isTurnstileError(error))
  })
})

describe('isTurnstileError', () => {
  test('isTurnstileError() is false for everything else', () => {
    const others = [
      undefined,
      null,
      0,
      '',
      'TIMEOUT',
      true,
      5n,
      Symbol('x'),
      {},
      [],
      () => {},
      new Error('x'),
    ]
    const lookalikes = [{ code: 'TIMEOUT', name: 'TurnstileError' }, Object.create(null), TurnstileError]
    for (const other of [...others, ...lookalikes]) assert.equal(isTurnstileError(other), false)
  })

  test('isTurnstileError() is true for an error of another realm', async () => {
    const context = vm.createContext({ process, console })
    /** Loads a file of the package in that realm, and what it requires of the package too; the addon is shared. @param {string} file */
    const load = file => {
      const require = createRequire(file)
      const text = `(function (exports, require, module) {${readFileSync(file, 'utf8')}\n})`
      const module = { exports: /** @type {any} */ ({}) }
      /** @param {string} name */
      const within = name => (/^\.(?!.*loader)/.test(name) ? load(require.resolve(name)) : require(name))
      vm.runInContext(text, context)(module.exports, within, module)
      return module.exports
    }
    const foreign = load(join(root, 'index.js'))
    assert.notEqual(foreign.TurnstileError, TurnstileError)
    const error = await foreign.getBalance({}).catch((/** @type {unknown} */ error) => error)
    assert.equal(error instanceof TurnstileError, false)
    assert.equal(error instanceof Error, false, 'it is an Error of its own realm')
    assert.equal(isTurnstileError(error), true)
    assert.equal(foreign.isTurnstileError(await failure(getBalance(/** @type {any} */ ({})))), true)
  })

  test('isTurnstileError() is true for an error of another copy of the package', async t => {
    const folder = mkdtempSync(join(tmpdir(), 'copy-'))
    t.after(() => rmSync(folder, { recursive: true, force: true }))
    const native = readdirSync(root).filter(name => name.endsWith('.node'))
    for (const name of ['index.js', 'lib', 'package.json', ...native]) {
      cpSync(join(root, name), join(folder, name), { recursive: true })
    }
    const copy = require(join(folder, 'index.js'))
    assert.notEqual(copy.TurnstileError, TurnstileError)
    const error = await copy.getBalance({}).catch((/** @type {unknown} */ error) => error)
    assert.equal(error instanceof TurnstileError, false)
    assert.equal(isTurnstileError(error), true)
    assert.equal(copy.isTurnstileError(await failure(getBalance(/** @type {any} */ ({})))), true)
  })
})

test('what the addon itself throws is a rejection of the call', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'copy-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  for (const name of ['index.js', 'lib']) cpSync(join(root, name), join(folder, name), { recursive: true })
  const thrown = 'exports.providers = []; exports.getBalance = () => { throw new Error("out of threads") }'
  writeFileSync(join(folder, 'lib', 'loader.js'), thrown)
  const call = require(join(folder, 'index.js')).getBalance({})
  await assert.rejects(call, { message: 'out of threads' })
})

describe('the stack of an error', { concurrency: 32 }, () => {
  /**
   * @param {Error} error
   * @param {Error} here made on the line of the call
   */
  function assertCalledAt(error, here) {
    const line = here.stack?.match(/errors-class\.test\.mjs:(\d+):/)?.[1]
    assert.ok(line)
    const [title, first] = (error.stack ?? '').split('\n')
    assert.equal(title, `${error.name}: ${error.message}`)
    assert.match(first, new RegExp(`errors-class\\.test\\.mjs:${line}:`), error.stack)
  }

  for (const name of callNames) {
    test(`the stack of an error begins at the line that called ${name}, for a wrong option`, async () => {
      const [here, pending] = [new Error('here'), calls[name]({})]
      assertCalledAt(await failure(pending), here)
    })

    test(`the stack of an error begins at the line that called ${name}, for what the provider said`, async t => {
      const { baseURL } = await scripted(t, [replies.refused])
      const options = required(name, baseURL, polling.includes(name) ? { pollIntervalMs: 10 } : {})
      const [here, pending] = [new Error('here'), calls[name](options)]
      assertCalledAt(await failure(pending), here)
    })
  }

  test('the stack of an error names the functions between, and none of the package', async t => {
    const server = await scripted(t, [replies.refused])
    async function buyTheToken() {
      const account = /** @type {const} */ ({
        provider: 'ezcaptcha',
        clientKey: KEY,
        baseURL: server.baseURL,
      })
      return getBalance(account)
    }
    const { stack } = await failure(buyTheToken())
    assert.match(stack ?? '', /at buyTheToken/)
    assert.doesNotMatch(stack ?? '', /[\\/](index|client)\.js/)
  })

  test('the stack of an error is there when the promise is never awaited but only caught', async t => {
    const server = await scripted(t, [replies.refused])
    const options = required('getBalance', server.baseURL)
    const [here, pending] = [new Error('here'), calls.getBalance(options)]
    const error = await new Promise(resolve => {
      pending.then(() => {}).catch(resolve)
    })
    assertCalledAt(error, here)
  })

  test('the stack of an error is there for a call from a timer, where no caller awaits', async t => {
    const server = await scripted(t, [replies.refused])
    const options = required('getBalance', server.baseURL)
    const error = await new Promise(resolve => {
      setImmediate(function fromTheTimer() {
        calls.getBalance(options).catch(resolve)
      })
    })
    assert.match(error.stack, /fromTheTimer|Immediate/)
    assert.match(error.stack, /errors-class\.test\.mjs/)
  })

  test('the stack of an error is short if stack traces are turned off', async t => {
    const { stackTraceLimit } = Error
    t.after(() => {
      Error.stackTraceLimit = stackTraceLimit
    })
    Error.stackTraceLimit = 0
    const pending = waitForTask(/** @type {any} */ ({}))
    Error.stackTraceLimit = stackTraceLimit
    assert.equal((await failure(pending)).code, 'INVALID_OPTIONS')
  })

  test('the stack of an error survives a message of several lines', async t => {
    const errorDescription = 'first\n    at second (third.js:1:1)\nfourth'
    const body = { errorId: 1, errorCode: 'ERROR_REQUIRED_FIELDS', errorDescription }
    const server = await scripted(t, [{ body }])
    const page = { websiteURL: 'https://shop.example', websiteKey: 'key' }
    const account = /** @type {const} */ ({ provider: 'ezcaptcha', clientKey: KEY, baseURL: server.baseURL })
    const error = await failure(solveTurnstile({ ...account, ...page }))
    assert.equal(error.errorDescription, errorDescription)
    assert.match(error.stack ?? '', /errors-class\.test\.mjs/)
  })
})
