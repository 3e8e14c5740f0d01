/** The three clients. Each creates one task, polls it once a second for as long as TIMEOUT_MS, and returns its token. */

import { setTimeout as sleep } from 'node:timers/promises'
import capmonster from '@zennolab_com/capmonstercloud-client'
import { solveTurnstile } from '../../../index.js'

export const POLL_INTERVAL_MS = 1000
export const TIMEOUT_MS = 30_000

const page = { websiteURL: 'https://shop.example/login', websiteKey: '0x4AAAAAAATestSitekey' }
const taskType = 'TurnstileTask'

/** @typedef {import('../../../lib/sandbox/index.mjs').SandboxAccount} Account */

/** The loop that most people write first. @param {Account} account */
async function fetchLoop({ baseURL, clientKey }) {
  /** @param {string} method @param {Record<string, unknown>} body @returns {Promise<any>} */
  const post = async (method, body) => {
    const response = await fetch(`${baseURL}/${method}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ clientKey, ...body }),
    })
    return response.json()
  }
  const created = await post('createTask', { task: { type: taskType, ...page } })
  if (created.errorId) throw new Error(created.errorCode)
  const end = Date.now() + TIMEOUT_MS
  while (Date.now() < end) {
    await sleep(POLL_INTERVAL_MS)
    const result = await post('getTaskResult', { taskId: created.taskId })
    if (result.errorId) throw new Error(result.errorCode)
    if (result.status === 'ready') return result.solution.token
  }
  throw new Error('timeout')
}

/** With a controller, so that its own timeout can also end a request that hangs. @param {Account} account */
async function capmonsterClient({ baseURL, clientKey }) {
  const { CapMonsterCloudClientFactory, ClientOptions, TurnstileRequest } = capmonster
  const client = CapMonsterCloudClientFactory.Create(new ClientOptions({ clientKey, serviceUrl: baseURL }))
  const times = {
    firstRequestDelay: POLL_INTERVAL_MS,
    requestsInterval: POLL_INTERVAL_MS,
    timeout: TIMEOUT_MS,
  }
  const { solution, error } = await client.Solve(new TurnstileRequest(page), times, new AbortController())
  if (error) throw new Error(error)
  return /** @type {any} */ (solution)?.token
}

/** @param {Account} account */
async function ours(account) {
  const times = { pollIntervalMs: POLL_INTERVAL_MS, timeoutMs: TIMEOUT_MS }
  const { token } = await solveTurnstile({ ...account, ...page, taskType, ...times })
  return token
}

/** @type {[name: string, solve: (account: Account) => Promise<string>][]} */
export const clients = [
  ['fetch loop', fetchLoop],
  ['capmonstercloud-client', capmonsterClient],
  ['turnstile-solver', ours],
]
