/** The server side of the dashboard: its files, its events and its controls. */

import { readFileSync } from 'node:fs'
import { catalogue } from '../faults/plan.mjs'
import { readBody, send, sendJson } from '../http/server.mjs'
import { demandSolveTime } from '../options.mjs'
import { createEventStream } from './event-stream.mjs'
import { groups } from './explanations.mjs'

/** @typedef {import('../http/server.mjs').Request} Request */
/** @typedef {import('../http/server.mjs').Response} Response */
/** @typedef {import('../index.d.mts').FaultRule} FaultRule */

const HOME = '/sandbox'
const EVENTS = `${HOME}/events`
const CONTROLS = `${HOME}/controls`
const FAULTS = `${HOME}/faults.json`
const MAX_COMMAND = 16 * 1024

/** @type {Record<string, { file: string, type: string }>} */
const FILES = {
  [HOME]: { file: 'dashboard.html', type: 'text/html; charset=utf-8' },
  [`${HOME}/dashboard.css`]: { file: 'dashboard.css', type: 'text/css; charset=utf-8' },
  [`${HOME}/dashboard-controls.css`]: { file: 'dashboard-controls.css', type: 'text/css; charset=utf-8' },
  [`${HOME}/dashboard-task.css`]: { file: 'dashboard-task.css', type: 'text/css; charset=utf-8' },
  [`${HOME}/dashboard.mjs`]: { file: 'dashboard.mjs', type: 'text/javascript; charset=utf-8' },
  [`${HOME}/dashboard-task.mjs`]: { file: 'dashboard-task.mjs', type: 'text/javascript; charset=utf-8' },
  [`${HOME}/dashboard-controls.mjs`]: {
    file: 'dashboard-controls.mjs',
    type: 'text/javascript; charset=utf-8',
  },
  [`${HOME}/icon.svg`]: { file: 'dashboard.svg', type: 'image/svg+xml' },
}

/** Nothing inline, nothing from another origin, no HTML from text: what a client sends to the sandbox is shown as text. */
const HEADERS = {
  'content-security-policy': [
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'",
    "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
  ].join('; '),
  'cache-control': 'no-store',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
}

/**
 * @param {unknown} condition
 * @param {string} message
 */
function demand(condition, message) {
  if (!condition) throw new TypeError(message)
}

/** The fields of a rule that the page sets, and their checks. @type {Record<string, (value: any) => boolean>} */
const RULE_FIELDS = {
  fault: value => typeof value === 'string',
  method: value => typeof value === 'string',
  nth: Number.isSafeInteger,
  times: value => value === 'always' || Number.isSafeInteger(value),
  probability: value => typeof value === 'number',
  task: Number.isSafeInteger,
  delayMs: Number.isSafeInteger,
  retryAfter: value => Number.isSafeInteger(value) && value >= 0,
  errorCode: value => typeof value === 'string' && /^[\w-]{1,80}$/.test(value),
}

/**
 * @param {unknown} given
 * @returns {FaultRule}
 */
function parseRule(given) {
  demand(typeof given === 'object' && given !== null, 'the rule must be an object')
  const rule = /** @type {Record<string, any>} */ ({ .../** @type {object} */ (given) })
  for (const [name, value] of Object.entries(rule)) {
    demand(Object.hasOwn(RULE_FIELDS, name), `unknown field '${name}'`)
    demand(RULE_FIELDS[name](value), `${name} is not valid`)
  }
  if (rule.times === 'always') rule.times = Number.POSITIVE_INFINITY
  return /** @type {FaultRule} */ (rule)
}

/** @param {unknown} value JSON has no Infinity: it is 'never' */
function parseSolveTime(value) {
  const solveTime = value === 'never' ? Number.POSITIVE_INFINITY : value
  demandSolveTime(solveTime)
  return /** @type {number | [number, number]} */ (solveTime)
}

/**
 * @param {object} parts
 * @param {string} parts.baseURL
 * @param {import('../store.mjs').Store} parts.store
 * @param {import('../faults/plan.mjs').Plan} parts.plan
 * @param {import('../providers.mjs').ProviderRecord} parts.provider
 * @param {() => import('./event-stream.mjs').Counts} parts.counts
 * @param {import('node:events').EventEmitter} parts.events
 * @param {() => number} parts.now
 */
export function createDashboard(parts) {
  const { baseURL, store, plan, provider } = parts
  const { protocol, port } = new URL(baseURL)
  // Other names may belong to other sites, even if they resolve to this machine (DNS rebinding).
  const names = [new URL(baseURL).hostname, 'localhost', '127.0.0.1', '[::1]']
  const hosts = new Set(names.map(name => new URL(`${protocol}//${name}:${port}`).host))
  const stream = createEventStream(parts)

  /** @param {Request} req */
  const hostOf = req => String(req.headers.host ?? req.headers[':authority'] ?? '').toLowerCase()

  /** Other sites may link to the page, but neither read nor control it. @param {Request} req @param {string} path */
  const isForeign = (req, path) => {
    const host = hostOf(req)
    if (!hosts.has(host)) return true
    const { origin, 'sec-fetch-site': site } = req.headers
    if (req.method === 'POST' && origin === undefined) return true
    if (origin !== undefined && origin !== `${protocol}//${host}`) return true
    return path !== HOME && site !== undefined && site !== 'same-origin' && site !== 'none'
  }

  /** @type {Record<string, (command: Record<string, unknown>) => void>} */
  const commands = {
    addFault: ({ rule }) => plan.add(parseRule(rule)),
    removeFault: ({ id }) => demand(plan.remove(Number(id)), 'there is no such rule'),
    clearFaults: () => plan.clear(),
    solveTime: ({ solveTimeMs }) => store.setSolveTime(parseSolveTime(solveTimeMs)),
  }

  /**
   * @param {Response} res
   * @param {Buffer | null} raw
   */
  const runCommand = (res, raw) => {
    try {
      demand(raw && raw.length <= MAX_COMMAND, 'the body is too large')
      const command = JSON.parse(String(raw))
      demand(typeof command === 'object' && command !== null, 'the body must be an object')
      demand(Object.hasOwn(commands, command.do), `do must be one of ${Object.keys(commands).join(', ')}`)
      commands[command.do](command)
    } catch (error) {
      const { message } = /** @type {Error} */ (error)
      return sendJson(res, 400, { error: message.replace(/^(fault rule|startSandbox): /, '') }, HEADERS)
    }
    stream.touch()
    sendJson(res, 200, {}, HEADERS)
  }

  /** @param {Response} res @param {number} status @param {string} text */
  const refuse = (res, status, text) =>
    send(res, status, `${text}\n`, { ...HEADERS, 'content-type': 'text/plain; charset=utf-8' })

  return {
    url: `${baseURL}${HOME}`,
    close: stream.close,

    /** @param {string} path */
    serves: path => path === HOME || path.startsWith(`${HOME}/`),

    /**
     * @param {Request} req
     * @param {Response} res
     * @param {string} path
     */
    answer(req, res, path) {
      readBody(req, raw => {
        if (isForeign(req, path)) return refuse(res, 403, 'Only for the dashboard itself')
        const method = path === CONTROLS ? 'POST' : 'GET'
        const known = path === EVENTS || path === FAULTS || path === CONTROLS || Object.hasOwn(FILES, path)
        if (!known) return refuse(res, 404, 'Not found')
        if (req.method !== method) return refuse(res, 405, `Only ${method}`)
        if (path === EVENTS) return stream.join(res, HEADERS)
        if (path === FAULTS) return sendJson(res, 200, faultTable(provider), HEADERS)
        if (path !== CONTROLS) {
          const { file, type } = FILES[path]
          const text = readFileSync(new URL(`assets/${file}`, import.meta.url))
          return send(res, 200, text, { ...HEADERS, 'content-type': type })
        }
        // A page of another site cannot send this content type without a preflight, which fails.
        if (!/^application\/json\b/i.test(req.headers['content-type'] ?? ''))
          return refuse(res, 415, 'Only application/json')
        runCommand(res, raw)
      })
    },
  }
}

/** @param {import('../providers.mjs').ProviderRecord} provider */
const faultTable = provider => ({
  faults: groups.flatMap(({ group, faults }) =>
    faults.map(([name, explanation]) => ({ name, group, explanation, ...catalogue[name] })),
  ),
  errorCodes: provider.codes,
})
