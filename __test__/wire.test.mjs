import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { createTask, getBalance, getTaskResult, TurnstileError } from '../index.js'
import { patient } from './support/calls.mjs'
import { startScriptedServer } from './support/scripted-server.mjs'

/** @typedef {'ezcaptcha' | 'yescaptcha' | 'custom'} Provider */
/** @typedef {'createTask' | 'getTaskResult' | 'getBalance'} Call */
/** @typedef {import('./support/scripted-server.mjs').Answer} Answer */

/**
 * @typedef {object} Reply
 * @property {string} name
 * @property {Provider[]} providers for whom the reply is typical; all are read alike
 * @property {Call} call
 * @property {number} status
 * @property {string} [contentType]
 * @property {string} body
 * @property {Record<string, unknown>} expect
 * @property {boolean} [transient] whether a poll goes on after this error
 */

/**
 * @typedef {object} ErrorCode
 * @property {string} code
 * @property {string} reason
 * @property {Provider[]} providers
 * @property {number} [errorId]
 * @property {number} [status] the HTTP status that the provider documents for it
 */

const KEY = 'test-key-0123456789abcdef'
const TASK = '61138bb6-19fb-11ec-a9c8-0242ac110006'

/** @type {Reply[]} */
const replies = fixture('replies.json')
/** @type {ErrorCode[]} */
const codes = fixture('error-codes.json')

/** @type {Record<Call, Record<string, unknown>>} What a healthy provider says. */
const healthy = {
  createTask: { errorId: 0, taskId: 'healthy' },
  getTaskResult: { errorId: 0, status: 'ready', solution: { token: 'healthy' } },
  getBalance: { errorId: 0, balance: 1 },
}

/** @type {Record<Call, Record<string, unknown>>} How that looks through the package. */
const healthyResult = {
  createTask: { taskId: 'healthy' },
  getTaskResult: { status: 'ready', token: 'healthy' },
  getBalance: { balance: 1 },
}

const together = { concurrency: 32 }

describe('replies', together, () => {
  for (const reply of replies) {
    for (const provider of reply.providers) {
      const { name, call, expect } = reply
      const title = `${call} at ${provider}: ${name}`
      if (!('code' in expect)) test(title, t => isRead(t, provider, reply))
      else if (!isRepeated(reply)) test(title, t => isFinal(t, provider, reply))
    }
  }

  // Which replies are sent again is proven in Rust, from the same fixtures. Here, one of each call.
  for (const call of /** @type {const} */ (['createTask', 'getTaskResult', 'getBalance'])) {
    const reply = replies.find(reply => reply.call === call && 'code' in reply.expect && isRepeated(reply))
    assert.ok(reply)
    const [provider] = reply.providers
    const title = `${call} at ${provider}: ${reply.name}`
    test(`${title}, and is sent again`, t => isSentAgain(t, provider, call, answerOf(reply)))
  }
})

describe('error codes', together, () => {
  for (const row of codes) {
    for (const provider of row.providers) {
      const title = `createTask at ${provider}: "${row.code}" is ${row.reason}`
      if (row.reason !== 'busy') test(title, t => isFinal(t, provider, replyOf(row, provider)))
    }
  }
})

/**
 * @param {import('node:test').TestContext} t
 * @param {Provider} provider
 * @param {Reply} reply
 */
async function isRead(t, provider, reply) {
  const server = await scripted(t, [answerOf(reply)])
  const result = await ask(reply.call, provider, server.baseURL)
  assert.deepEqual(essence(reply.call, result), reply.expect)
  assert.equal(server.requests.length, 1)
}

/**
 * @param {import('node:test').TestContext} t
 * @param {Provider} provider
 * @param {Reply} reply
 */
async function isFinal(t, provider, reply) {
  const server = await scripted(t, [answerOf(reply)])
  await assert.rejects(ask(reply.call, provider, server.baseURL), error => {
    assertFailure(error, provider, reply)
    return true
  })
  assert.equal(server.requests.length, 1)
}

/**
 * @param {import('node:test').TestContext} t
 * @param {Provider} provider
 * @param {Call} call
 * @param {Answer} bad
 */
async function isSentAgain(t, provider, call, bad) {
  const server = await scripted(t, [bad, { path: `/${call}`, body: healthy[call] }])
  const result = await ask(call, provider, server.baseURL)
  assert.deepEqual(essence(call, result), healthyResult[call])
  assert.equal(server.requests.length, 2)
  assert.equal(server.requests[1].text, server.requests[0].text)
  if (call === 'getTaskResult') assert.equal(result.solution.retries, 1)
}

/**
 * @param {unknown} error
 * @param {Provider} provider
 * @param {Reply} reply
 */
function assertFailure(error, provider, { call, expect }) {
  assert.ok(error instanceof TurnstileError)
  const seen = /** @type {Record<string, unknown>} */ (/** @type {unknown} */ (error))
  const actual = Object.fromEntries(Object.keys(expect).map(key => [key, seen[key]]))
  assert.deepEqual(actual, expect)
  assert.equal(error.provider, provider)
  if (call === 'getTaskResult') assert.equal(error.taskId, TASK)
}

/**
 * createTask is billed, so it goes out again only where it was refused outright.
 * @param {Reply} reply
 */
function isRepeated({ call, expect, transient }) {
  if (call !== 'createTask') return transient
  return expect.reason === 'busy' || (expect.code === 'HTTP_ERROR' && expect.status === 429)
}

/**
 * Calls the package. No two tests share a key: what it learns about one must not decide the fate of another.
 * @param {Call} call
 * @param {Provider} provider
 * @param {string} baseURL
 * @returns {Promise<any>}
 */
function ask(call, provider, baseURL) {
  keys += 1
  const clientKey = `${KEY}-${keys}`
  const account = { provider, clientKey, baseURL, ...patient }
  if (call === 'getBalance') return getBalance(account)
  if (call === 'getTaskResult') return getTaskResult({ ...account, taskId: TASK })
  const taskType = provider === 'custom' ? 'TurnstileTask' : undefined
  const websiteKey = '1x00000000000000000000AA'
  return createTask({ ...account, taskType, websiteURL: 'https://example.com/login', websiteKey })
}
let keys = 0

/**
 * The part of a result that came over the wire, in the form of the fixtures.
 * @param {Call} call
 * @param {any} result
 */
function essence(call, result) {
  if (call === 'createTask') return { taskId: result.taskId }
  if (call === 'getBalance') return { balance: result.balance }
  if (result.status !== 'ready') return { status: result.status }
  const { token, userAgent, headers } = result.solution
  return {
    status: 'ready',
    token,
    ...(userAgent !== undefined && { userAgent }),
    ...(headers !== undefined && { headers }),
  }
}

/**
 * @param {Reply} reply
 * @returns {Answer}
 */
function answerOf({ call, status, contentType = 'application/json', body }) {
  const redirects = status >= 300 && status < 400
  const headers = { 'content-type': contentType, ...(redirects && { location: '/elsewhere' }) }
  return { path: `/${call}`, status, headers, body }
}

/**
 * @param {ErrorCode} row
 * @param {Provider} provider
 * @returns {Reply}
 */
function replyOf({ code, reason, errorId = 1, ...row }, provider) {
  const name = code
  // One provider sends its errors with HTTP 500 unless it documents another status, the rest with 200.
  const status = row.status ?? (provider === 'ezcaptcha' ? 500 : 200)
  const envelope = { errorId, errorCode: code, errorDescription: `about ${code}` }
  const expect = { code: 'PROVIDER_ERROR', reason, ...envelope, status }
  return { name, providers: [provider], call: 'createTask', status, body: JSON.stringify(envelope), expect }
}

/**
 * @param {import('node:test').TestContext} t
 * @param {Answer[]} answers
 * @param {{ loose?: boolean }} [options]
 */
async function scripted(t, answers, options) {
  const server = await startScriptedServer(answers, options)
  t.after(() => server.close())
  return server
}

/** @param {string} name */
function fixture(name) {
  return JSON.parse(readFileSync(new URL(`fixtures/wire/${name}`, import.meta.url), 'utf8'))
}
