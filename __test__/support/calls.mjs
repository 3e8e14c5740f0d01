/** The five calls: what each needs at least, what a healthy provider says, and how a failure is caught. */

import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import {
  createTask,
  getBalance,
  getTaskResult,
  providers as known,
  solveTurnstile,
  TurnstileError,
  waitForTask,
} from '../../index.js'
import { validate } from '../../lib/client.js'
import { startScriptedServer } from './scripted-server.mjs'

/** @typedef {import('../../index.js').Provider} Provider */
/** @typedef {'solveTurnstile' | 'createTask' | 'getTaskResult' | 'waitForTask' | 'getBalance'} CallName */
/** @typedef {Record<string, unknown>} Options */
/** @typedef {import('./scripted-server.mjs').Answer} Answer */

export const KEY = 'test-key-0123456789abcdef'
export const TASK = '61138bb6-19fb-11ec-a9c8-0242ac110006'
export const WEBSITE = 'https://shop.example/login'
export const SITEKEY = '0x4AAAAAAATestSitekey'
export const TOKEN = '0.a-token-of-the-scripted-provider'

/** Untyped on purpose: most of these tests hand over what the types forbid. @type {Record<CallName, (options?: any) => Promise<any>>} */
export const calls = { solveTurnstile, createTask, getTaskResult, waitForTask, getBalance }
export const callNames = /** @type {CallName[]} */ (Object.keys(calls))
/** Those of the addon, so that the tests that loop over them include every new one. */
export const providers = known.map(({ name }) => name)

/** @type {CallName[]} */
export const creating = ['solveTurnstile', 'createTask']
/** @type {CallName[]} */
export const polling = ['solveTurnstile', 'waitForTask']
/** @type {CallName[]} */
export const resuming = ['getTaskResult', 'waitForTask']

/** The default of each provider, or any where it has none. */
export const taskTypes = /** @type {Record<Provider, string>} */ (
  Object.fromEntries(known.map(({ name, taskTypes: [first = 'TurnstileTask'] }) => [name, first]))
)

/** The providers with an address of their own. */
export const named = known.filter(({ baseURL }) => baseURL !== undefined).map(({ name }) => name)

/** A developer id in the type that the provider takes, if it takes any. @param {Provider} provider */
export function developerIdOf(provider) {
  const options = required('createTask', 'https://api.example', { provider })
  return [77, 'b3f3c0de-19fb-41ec-a9c8-0242ac110006'].find(
    developerId => validate('createTask', { ...options, developerId }) === undefined,
  )
}

/** No test waits for these: how long a request takes is up to the machine. */
export const patient = { timeoutMs: 300_000, requestTimeoutMs: 300_000 }

/**
 * No more than the call requires, and all the time that it may have.
 * @param {CallName} name
 * @param {string} baseURL
 * @param {Options & { provider?: Provider }} [more]
 * @returns {Options}
 */
export function required(name, baseURL, { provider = 'ezcaptcha', ...more } = {}) {
  const account = { provider, clientKey: KEY, baseURL }
  const task = { websiteURL: WEBSITE, websiteKey: SITEKEY }
  const taskType = provider === 'custom' ? { taskType: taskTypes.custom } : {}
  return {
    ...account,
    ...patient,
    ...(creating.includes(name) ? { ...task, ...taskType } : {}),
    ...(resuming.includes(name) ? { taskId: TASK } : {}),
    ...more,
  }
}

/** @type {Record<'created' | 'processing' | 'ready' | 'balance' | 'refused', Answer>} */
export const replies = {
  created: { path: '/createTask', body: { errorId: 0, taskId: TASK } },
  processing: { path: '/getTaskResult', body: { errorId: 0, status: 'processing' } },
  ready: { path: '/getTaskResult', body: { errorId: 0, status: 'ready', solution: { token: TOKEN } } },
  balance: { path: '/getBalance', body: { errorId: 0, balance: 1234.5 } },
  refused: {
    body: { errorId: 1, errorCode: 'ERROR_REQUIRED_FIELDS', errorDescription: 'a field is missing' },
  },
}

/** @type {Record<CallName, Answer[]>} The shortest way to success. */
export const success = {
  solveTurnstile: [replies.created, replies.ready],
  createTask: [replies.created],
  getTaskResult: [replies.ready],
  waitForTask: [replies.ready],
  getBalance: [replies.balance],
}

/**
 * A scripted server that the test's end closes, where an unfollowed script fails the test.
 * @param {import('node:test').TestContext} t
 * @param {Parameters<typeof startScriptedServer>[0]} [script]
 * @param {{ loose?: boolean }} [options]
 */
export async function scripted(t, script, options) {
  const server = await startScriptedServer(script, options)
  t.after(() => server.close())
  return server
}

/**
 * The error that a call ends with; that it ends well, or with another kind of error, fails the test.
 * @param {Promise<unknown>} promise
 * @returns {Promise<TurnstileError & Record<string, unknown>>}
 */
export async function failure(promise) {
  assert.ok(promise instanceof Promise, 'the call answered with a promise')
  const outcome = await promise.then(
    value => ({ value, error: undefined }),
    error => ({ error }),
  )
  if (outcome.error instanceof TurnstileError) return /** @type {any} */ (outcome.error)
  return assert.fail(`expected a TurnstileError, but the outcome was ${inspect(outcome)}`)
}

/**
 * What comes of a run that ends by its limit after `happened`. How long it takes to come so far is up to the machine, so the limit is
 * doubled until it was enough.
 * @template T
 * @param {(limitMs: number) => Promise<T>} run
 * @param {(result: T) => boolean} happened
 */
export async function outOfTime(run, happened) {
  for (let limitMs = 500; limitMs < patient.timeoutMs; limitMs *= 2) {
    const result = await run(limitMs)
    if (happened(result)) return result
  }
  return assert.fail('no limit was enough')
}

/** What an error carries, all of it: `deepEqual` on it also sees what should not be there. @param {TurnstileError} error */
export const fields = error => /** @type {Partial<TurnstileError>} */ ({ ...error })

/** @template T */
export class Deferred {
  constructor() {
    /** @type {(value: T) => void} */
    this.resolve = () => {}
    /** @type {Promise<T>} */
    this.promise = new Promise(resolve => {
      this.resolve = resolve
    })
  }
}
