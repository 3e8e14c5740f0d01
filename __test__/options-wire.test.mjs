import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { networkInterfaces } from 'node:os'
import { describe, test } from 'node:test'
import { createTask, getBalance, getTaskResult, solveTurnstile, waitForTask } from '../index.js'
import { startSandbox } from '../lib/sandbox/index.mjs'
import {
  calls,
  creating,
  developerIdOf,
  failure,
  KEY,
  providers,
  replies,
  required,
  SITEKEY,
  scripted,
  success,
  TASK,
  TOKEN,
  taskTypes,
  WEBSITE,
} from './support/calls.mjs'
import { optionTable } from './support/option-table.mjs'

/** @typedef {import('./support/calls.mjs').CallName} CallName */
/** @typedef {import('./support/calls.mjs').Provider} Provider */
/** @typedef {Record<string, unknown>} Options */

// `true` would mean one at a time on two cores.
const together = { concurrency: 32 }

/**
 * What goes out to create a task. The provider refuses it, so that nothing is waited for.
 * @param {import('node:test').TestContext} t
 * @param {CallName} name
 * @param {Provider} provider
 * @param {Options} [options]
 */
async function sent(t, name, provider, options) {
  const server = await scripted(t, [{ ...replies.refused, path: '/createTask' }])
  const error = await failure(calls[name]({ ...required(name, server.baseURL, { provider }), ...options }))
  assert.equal(error.errorCode, 'ERROR_REQUIRED_FIELDS', error.message)
  return server.requests[0]
}

/** @param {Provider} provider */
const plainTask = provider => ({ type: taskTypes[provider], websiteURL: WEBSITE, websiteKey: SITEKEY })

/**
 * @param {CallName} name
 * @param {Provider} provider
 * @param {Options} change
 * @param {string} option
 */
async function refused(name, provider, change, option) {
  const options = { ...required(name, 'http://127.0.0.1:1', { provider }), ...change }
  const error = await failure(calls[name](options))
  assert.deepEqual([error.code, error.option, error.provider], ['INVALID_OPTIONS', option, provider])
  return error
}

describe('options on the wire', () => {
  for (const name of creating) {
    describe(`${name} sends`, together, () => {
      for (const provider of providers) {
        test(`${name} sends no more than was given to ${provider}: key, type, page, sitekey`, async t => {
          const { method, path, headers, body } = await sent(t, name, provider)
          assert.deepEqual([method, path], ['POST', '/createTask'])
          assert.match(headers['content-type'] ?? '', /^application\/json/)
          assert.deepEqual(body, { clientKey: KEY, task: plainTask(provider) })
        })

        test(`${name} sends further fields to ${provider} as they are, beside its own`, async t => {
          const extra = { cookies: 'a=b', deep: [{ n: 1.5, t: 'ü😀', no: null, yes: true }], '': 0 }
          const { body } = await sent(t, name, provider, { extraTaskFields: extra })
          assert.deepEqual(body.task, { ...plainTask(provider), ...extra })
        })

        for (const fixed of ['type', 'websiteURL', 'websiteKey']) {
          test(`${name} sends nothing to ${provider} where extraTaskFields would override ${fixed}`, async () => {
            await refused(
              name,
              provider,
              { extraTaskFields: { [fixed]: 'other' } },
              `extraTaskFields.${fixed}`,
            )
          })
        }
      }

      /** @type {[Provider, string, boolean][]} */
      const rows = [
        ['ezcaptcha', 'CloudFlareTurnstileTask', true],
        ['ezcaptcha', 'TurnstileTaskProxyless', false],
        ['yescaptcha', 'TurnstileTaskProxyless', true],
        ['yescaptcha', 'TurnstileTaskProxylessM1', true],
        ['yescaptcha', 'TurnstileTaskProxylessm1', false],
        ['yescaptcha', 'CloudFlareTurnstileTask', false],
        ['custom', 'AntiTurnstileTaskProxyLess', true],
      ]
      for (const [provider, taskType, known] of rows) {
        test(`${name} sends ${known ? '' : 'nothing instead of '}the taskType ${taskType} to ${provider}`, async t => {
          if (!known) return void (await refused(name, provider, { taskType }, 'taskType'))
          const { body } = await sent(t, name, provider, { taskType })
          assert.equal(body.task.type, taskType)
        })
      }

      test(`${name} sends action and cData to ezcaptcha as rqData`, async t => {
        const both = await sent(t, name, 'ezcaptcha', { action: 'log_in-2', cData: 'session_1-a' })
        const rqData = { metadataAction: 'log_in-2', metadataCdata: 'session_1-a' }
        assert.deepEqual(both.body.task, { ...plainTask('ezcaptcha'), rqData })
      })

      test(`${name} sends action alone, and cData alone, without the other field`, async t => {
        const action = await sent(t, name, 'ezcaptcha', { action: 'login' })
        assert.deepEqual(action.body.task.rqData, { metadataAction: 'login' })
        const cData = await sent(t, name, 'ezcaptcha', { cData: 'session' })
        assert.deepEqual(cData.body.task.rqData, { metadataCdata: 'session' })
      })

      test(`${name} sends an action of 32 and a cData of 255 characters whole`, async t => {
        const [action, cData] = ['a'.repeat(32), 'b'.repeat(255)]
        const { body } = await sent(t, name, 'ezcaptcha', { action, cData })
        assert.deepEqual(body.task.rqData, { metadataAction: action, metadataCdata: cData })
      })

      test(`${name} sends rqData of extraTaskFields where no option sets it, and nothing where one does`, async t => {
        const extra = { rqData: { mode: 'invisible' } }
        const { body } = await sent(t, name, 'ezcaptcha', { extraTaskFields: extra })
        assert.deepEqual(body.task.rqData, { mode: 'invisible' })
        await refused(
          name,
          'ezcaptcha',
          { extraTaskFields: extra, action: 'login' },
          'extraTaskFields.rqData',
        )
        await refused(
          name,
          'ezcaptcha',
          { extraTaskFields: { proxy: 'x' }, proxy: optionTable.proxy.good },
          'extraTaskFields.proxy',
        )
      })

      for (const protocol of ['http', 'https', 'socks5']) {
        test(`${name} sends a ${protocol} proxy to ezcaptcha as it was given`, async t => {
          const proxy = `${protocol}://us-er_1:p%40ss.W0rd@proxy.example:1080`
          const { body } = await sent(t, name, 'ezcaptcha', { proxy })
          assert.deepEqual(body.task, { ...plainTask('ezcaptcha'), proxy })
        })
      }

      for (const provider of /** @type {Provider[]} */ (['yescaptcha', 'custom'])) {
        for (const option of ['action', 'cData', 'proxy']) {
          test(`${name} sends no ${option} to ${provider}, which documents no field for it`, async () => {
            const error = await refused(name, provider, { [option]: optionTable[option].good }, option)
            assert.match(error.message, new RegExp(provider))
          })
        }
      }

      test(`${name} sends developerId to ezcaptcha as appId and to yescaptcha as softID, beside the task`, async t => {
        const ez = await sent(t, name, 'ezcaptcha', { developerId: 77 })
        assert.deepEqual(ez.body, { clientKey: KEY, appId: 77, task: plainTask('ezcaptcha') })
        const yes = await sent(t, name, 'yescaptcha', { developerId: 88 })
        assert.deepEqual(yes.body, { clientKey: KEY, softID: 88, task: plainTask('yescaptcha') })
      })

      test(`${name} sends further fields beside the task, and none that an option sets`, async t => {
        const extraRequestFields = { languagePool: 'en', deep: [{ n: 1.5 }] }
        const { body } = await sent(t, name, 'ezcaptcha', { extraRequestFields, developerId: 77 })
        const task = plainTask('ezcaptcha')
        assert.deepEqual(body, { clientKey: KEY, task, appId: 77, ...extraRequestFields })
        for (const fixed of ['clientKey', 'task', 'taskId', 'appId']) {
          const options = { extraRequestFields: { [fixed]: 'x' }, developerId: 77 }
          await refused(name, 'ezcaptcha', options, `extraRequestFields.${fixed}`)
        }
      })

      test(`${name} sends websiteURL and websiteKey to the letter`, async t => {
        const websiteURL = 'HTTPS://Shop.example:443/a/../login?q=ü&r=%2f#top'
        const websiteKey = '1x00000000000000000000AA'
        const { body } = await sent(t, name, 'ezcaptcha', { websiteURL, websiteKey })
        assert.deepEqual([body.task.websiteURL, body.task.websiteKey], [websiteURL, websiteKey])
      })

      test(`${name} sends the key in the body alone`, async t => {
        const { headers, path } = await sent(t, name, 'ezcaptcha')
        assert.doesNotMatch(JSON.stringify([headers, path]), new RegExp(KEY))
      })

      test(`${name} sends nothing to custom without baseURL or without taskType`, async () => {
        await refused(name, 'custom', { baseURL: undefined }, 'baseURL')
        await refused(name, 'custom', { taskType: undefined }, 'taskType')
      })
    })
  }

  describe('the other calls send', together, () => {
    for (const provider of providers) {
      test(`the other calls send key and task id to ${provider}, and a number in the type of its ids`, async t => {
        const server = await scripted(t, [replies.processing, replies.processing])
        await getTaskResult(/** @type {any} */ (required('getTaskResult', server.baseURL, { provider })))
        const taskId = 2 ** 40 + 1
        await getTaskResult(
          /** @type {any} */ ({ ...required('getTaskResult', server.baseURL, { provider }), taskId }),
        )
        const bodies = server.requests.map(({ body }) => body)
        assert.deepEqual(bodies, [
          { clientKey: KEY, taskId: TASK },
          { clientKey: KEY, taskId: provider === 'custom' ? taskId : String(taskId) },
        ])
      })

      test(`the other calls send key and task id to ${provider} with every poll of waitForTask`, async t => {
        const server = await scripted(t, [replies.processing, replies.ready])
        const options = required('waitForTask', server.baseURL, { provider, pollIntervalMs: 10 })
        assert.equal((await waitForTask(/** @type {any} */ (options))).token, TOKEN)
        const sends = server.requests.map(({ method, path, body }) => ({ method, path, body }))
        const poll = { method: 'POST', path: '/getTaskResult', body: { clientKey: KEY, taskId: TASK } }
        assert.deepEqual(sends, [poll, poll])
      })

      test(`the other calls send the key alone to ${provider} for the balance`, async t => {
        const server = await scripted(t, [replies.balance])
        await getBalance(/** @type {any} */ (required('getBalance', server.baseURL, { provider })))
        const [{ method, path, body }] = server.requests
        assert.deepEqual([method, path, body], ['POST', '/getBalance', { clientKey: KEY }])
      })
    }
  })

  describe('baseURL', together, () => {
    for (const [suffix, prefix] of [
      ['', ''],
      ['/', ''],
      ['/eu/v1', '/eu/v1'],
      ['/eu/v1/', '/eu/v1'],
      ['/a%20b', '/a%20b'],
    ]) {
      test(`baseURL with "${suffix}" behind the port requests ${prefix}/createTask and ${prefix}/getTaskResult`, async t => {
        const script = success.solveTurnstile.map(reply => ({ ...reply, path: prefix + reply.path }))
        const server = await scripted(t, script)
        const options = required('solveTurnstile', server.baseURL + suffix, { pollIntervalMs: 10 })
        assert.equal((await solveTurnstile(/** @type {any} */ (options))).token, TOKEN)
      })
    }

    for (const host of ['127.0.0.1', 'localhost', 'LOCALHOST', '[::1]', '127.0.0.1.']) {
      test(`baseURL may be plain http at ${host}, which is loopback`, async t => {
        const address = host.startsWith('[') ? '::1' : '127.0.0.1'
        const here = Object.values(networkInterfaces()).flat()
        if (!here.some(network => network?.address === address))
          return t.skip(`this machine has no ${address}`)
        const server = createServer((_, response) => response.end('{"errorId":0,"balance":7}'))
        t.after(() => server.close())
        await new Promise(resolve => server.listen(0, address, () => resolve(undefined)))
        const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
        const { balance } = await getBalance({
          provider: 'ezcaptcha',
          clientKey: KEY,
          baseURL: `http://${host}:${port}`,
        })
        assert.equal(balance, 7)
      })
    }

    test('baseURL may be https anywhere: TLS is spoken, which a plain http server does not understand', async t => {
      const server = await scripted(t)
      const baseURL = server.baseURL.replace('http:', 'https:')
      const stop = new AbortController()
      /** @type {(string | undefined)[]} */
      const codes = []
      const onProgress = (/** @type {import('../index.js').Progress} */ { code }) => {
        codes.push(code)
        stop.abort()
      }
      const options = { pollIntervalMs: 10, signal: stop.signal, onProgress }
      await failure(calls.waitForTask(required('waitForTask', baseURL, options)))
      assert.deepEqual(codes, ['CONNECTION_FAILED'])
      assert.deepEqual(server.requests, [])
    })
  })

  describe('times', together, () => {
    test('timeoutMs ends a call that is not answered', async t => {
      const server = await scripted(t, [{ hang: true }], { loose: true })
      const error = await failure(getBalance({ ...account(server), timeoutMs: 200 }))
      assert.equal(error.code, 'TIMEOUT')
      const { elapsedMs } = /** @type {{ elapsedMs: number }} */ (error)
      assert.ok(elapsedMs >= 199, `${elapsedMs} ms`)
    })

    test('timeoutMs bounds the exchange in flight, however long requestTimeoutMs is', async t => {
      const server = await scripted(t, [{ hang: true }], { loose: true })
      const times = { timeoutMs: 200, requestTimeoutMs: 300_000 }
      const error = await failure(createTask({ ...account(server), ...page, ...times }))
      assert.equal(error.code, 'TIMEOUT')
    })

    test('requestTimeoutMs ends one exchange, and a call that is safe to repeat goes on', async t => {
      // A reply that does not come in time is asked for again, however often.
      const server = await scripted(t, [{ hang: true }, ...Array(99).fill(replies.balance)], { loose: true })
      const times = { timeoutMs: 300_000, requestTimeoutMs: 500 }
      const { balance } = await getBalance({ ...account(server), ...times })
      assert.equal(balance, 1234.5)
      assert.ok(server.requests.length > 1)
    })

    test('pollIntervalMs lies before the first poll and between polls', async t => {
      const server = await scripted(t)
      /** @type {number[]} */
      const at = []
      /** @type {(body: unknown) => import('./support/scripted-server.mjs').Handler} */
      const noting = body => (_, response) => {
        at.push(performance.now())
        response.end(JSON.stringify(body))
      }
      server.push(noting(replies.created.body), noting(replies.processing.body), noting(replies.ready.body))
      await solveTurnstile({ ...account(server), ...page, pollIntervalMs: 100 })
      const gaps = at.slice(1).map((instant, index) => instant - at[index])
      assert.equal(gaps.length, 2)
      for (const gap of gaps) assert.ok(gap >= 99, `${gaps} ms`)
    })
  })

  describe('the sandbox accepts', together, () => {
    for (const provider of providers) {
      test(`every option that ${provider} knows`, async t => {
        const sandbox = await startSandbox({ provider, clientKey: KEY, solveTimeMs: 0 })
        t.after(() => sandbox.close())
        const known = ['action', 'cData', 'proxy'].filter(option => optionTable[option].provider === provider)
        const developerId = developerIdOf(provider)
        const options = Object.fromEntries(known.map(option => [option, optionTable[option].good]))
        const task = { ...page, taskType: sandbox.taskType, pollIntervalMs: 10, developerId, ...options }
        const solution = await solveTurnstile(/** @type {any} */ ({ ...sandbox.account, ...task }))
        assert.equal(solution.provider, provider)
        const [seen] = sandbox.tasks()
        assert.equal(seen.appId ?? seen.softID, developerId)
        assert.equal(seen.task.proxy, options.proxy)
      })

      test(`the sandbox accepts its account spread into every call of ${provider}`, async t => {
        const sandbox = await startSandbox({ provider, clientKey: KEY, solveTimeMs: 0 })
        t.after(() => sandbox.close())
        const { taskId } = await createTask({ ...sandbox.account, ...page, taskType: sandbox.taskType })
        assert.equal((await getTaskResult({ ...sandbox.account, taskId })).status, 'ready')
        assert.ok((await getBalance(sandbox.account)).balance < 10_000)
      })
    }
  })
})

const page = { websiteURL: WEBSITE, websiteKey: SITEKEY }

/** @param {{ baseURL: string }} server */
function account({ baseURL }) {
  return /** @type {const} */ ({ provider: 'ezcaptcha', clientKey: KEY, baseURL })
}
