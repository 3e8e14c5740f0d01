/** A minimal HTTP client without retries or a pool, and a clock, for tests of the sandbox. */

import http from 'node:http'
import https from 'node:https'
import { startSandbox } from '../../lib/sandbox/index.mjs'

export const KEY = 'test-key-0123456789abcdef'
export const SITEKEY = '0x4AAAAAAATestSitekey'
export const WEBSITE = 'https://shop.example/login'

/** @typedef {import('../../lib/sandbox/index.mjs').SandboxOptions} SandboxOptions */
/** @typedef {import('../../lib/sandbox/index.mjs').Sandbox} Sandbox */

/**
 * @typedef {object} Answer
 * @property {number} [status]
 * @property {http.IncomingHttpHeaders} headers
 * @property {string} text
 * @property {any} json undefined where the text is no JSON
 * @property {NodeJS.ErrnoException} [error] what ended the exchange early
 */

/** A clock that only moves with `advance`. */
export function createClock(start = 1_700_000_000_000) {
  let time = start
  return {
    now: () => time,
    /** @param {number} ms */
    advance: ms => {
      time += ms
    },
  }
}

/**
 * Starts a sandbox with its own clock, and closes it after the test.
 * @param {import('node:test').TestContext} t
 * @param {SandboxOptions} [options]
 */
export async function open(t, options) {
  const clock = createClock()
  const sandbox = await startSandbox({ clientKey: KEY, solveTimeMs: 3000, now: clock.now, ...options })
  t.after(() => sandbox.close())
  return { sandbox, clock, ...createCalls(sandbox) }
}

/**
 * One exchange on a new connection. Never rejects: an error is part of the result.
 * @param {string} url
 * @param {{ method?: string, body?: string | Uint8Array, headers?: Record<string, string>, ca?: string, agent?: http.Agent, limit?: number, onBytes?: (req: http.ClientRequest, size: number) => void }} [options]
 * @returns {Promise<Answer>}
 */
export function exchange(url, { method = 'POST', body, headers, ca, agent, onBytes } = {}) {
  return new Promise(resolve => {
    const { request } = url.startsWith('https:') ? https : http
    /** @type {Answer} */
    const answer = { headers: {}, text: '', json: undefined }
    const finish = (/** @type {NodeJS.ErrnoException | undefined} */ error) => {
      if (error) answer.error = error
      else {
        try {
          answer.json = JSON.parse(answer.text)
        } catch {}
      }
      resolve(answer)
    }
    const req = request(
      url,
      { method, headers: { 'content-type': 'application/json', ...headers }, ca, agent: agent ?? false },
      res => {
        answer.status = res.statusCode
        answer.headers = res.headers
        let size = 0
        res.on('data', chunk => {
          size += chunk.length
          if (answer.text.length < 4 << 20) answer.text += chunk
          onBytes?.(req, size)
        })
        res.on('end', () => finish(undefined))
        res.on('error', finish)
      },
    )
    req.on('error', finish)
    req.end(body)
  })
}

/** @param {Sandbox} sandbox */
export function createCalls(sandbox) {
  const { baseURL } = sandbox
  /** @param {string} path @param {unknown} body @param {Parameters<typeof exchange>[1]} [options] */
  const post = (path, body, options) =>
    exchange(`${baseURL}${path}`, { body: JSON.stringify(body), ...options })

  const task = { type: sandbox.taskType, websiteURL: WEBSITE, websiteKey: SITEKEY }
  return {
    post,
    task,
    /** @param {Record<string, unknown>} [fields] of the task @param {Record<string, unknown>} [top] beside it */
    create: (fields, top) => post('/createTask', { clientKey: KEY, task: { ...task, ...fields }, ...top }),
    /** @param {unknown} taskId @param {string} [clientKey] */
    poll: (taskId, clientKey = KEY) => post('/getTaskResult', { clientKey, taskId }),
    balance: (clientKey = KEY) => post('/getBalance', { clientKey }),
    /** @param {Record<string, unknown>} fields */
    verify: fields => post('/turnstile/v0/siteverify', fields),
  }
}

/**
 * A token as a client gets it.
 * @param {Awaited<ReturnType<typeof open>>} setup
 * @param {Record<string, unknown>} [fields]
 * @returns {Promise<string>}
 */
export async function solve({ create, poll, clock }, fields) {
  const { json } = await create(fields)
  clock.advance(3000)
  return (await poll(json.taskId)).json.solution.token
}
