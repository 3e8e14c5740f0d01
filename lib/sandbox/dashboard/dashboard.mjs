/** The server side of the dashboard: its files, its events and its controls. */

import { readFileSync } from 'node:fs'
import { catalogue } from '../faults/plan.mjs'
import { parseJson } from '../http/json.mjs'
import { send, sendJson } from '../http/reply.mjs'
import { demandSolveTime } from '../options.mjs'
import { createEventStream } from './event-stream.mjs'
import { groups } from './explanations.mjs'

/** @typedef {import('../http/server.mjs').Request} Request */
/** @typedef {import('../http/server.mjs').Response} Response */
/** @typedef {import('../index.d.mts').FaultRule} FaultRule */

/** The path of the page. */
export const DASHBOARD = '/sandbox'
const EVENTS = `${DASHBOARD}/events`
const CONTROLS = `${DASHBOARD}/controls`
const FAULTS = `${DASHBOARD}/faults.json`
const MAX_COMMAND = 16 * 1024

/** @type {Record<string, { file: string, type: string }>} */
const FILES = {
  [DASHBOARD]: { file: 'dashboard.html', type: 'text/html; charset=utf-8' },
  [`${DASHBOARD}/dashboard.css`]: { file: 'dashboard.css', type: 'text/css; charset=utf-8' },
  [`${DASHBOARD}/dashboard-controls.css`]: {
    file: 'dashboard-controls.css',
    type: 'text/css; charset=utf-8',
  },
  [`${DASHBOARD}/dashboard-task.css`]: { file: 'dashboard-task.css', type: 'text/css; charset=utf-8' },
  [`${DASHBOARD}/dashboard.mjs`]: { file: 'dashboard.mjs', type: 'text/javascript; charset=utf-8' },
  [`${DASHBOARD}/dashboard-task.mjs`]: { file: 'dashboard-task.mjs', type: 'text/javascript; charset=utf-8' },
  [`${DASHBOARD}/dashboard-controls.mjs`]: {
    file: 'dashboard-controls.mjs',
    type: 'text/javascript; charset=utf-8',
  },
  [`${DASHBOARD}/icon.svg`]: { file: 'dashboard.svg', type: 'image/svg+xml' },
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
 * @param {import('../providers/record.mjs').ProviderRecord} parts.provider
 * @param {() => import('./event-stream.mjs').Counts} parts.counts
 * @param {import('node:events').EventEmitter} parts.events
 * @param {() => number} parts.now
 */
export function createDashboard(parts) {
  const { baseURL, store, plan, provider } = parts
  const stream = createEventStream(parts)

  /** @type {Record<string, (command: Record<string, unknown>) => void>} */
  const commands = {
    addFault: ({ rule }) => plan.add(parseRule(rule)),
    removeFault: ({ id }) => demand(plan.remove(Number(id)), 'there is no such rule'),
    clearFaults: () => plan.clear(),
    solveTime: ({ solveTimeMs }) => store.setSolveTime(parseSolveTime(solveTimeMs)),
  }

  /**
   * @param {Response} res
   * @param {Buffer} raw
   */
  const runCommand = (res, raw) => {
    try {
      demand(raw.length <= MAX_COMMAND, 'the body is too large')
      const command = parseJson(raw)
      demand(command !== undefined, 'the body is not valid JSON')
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
    url: `${baseURL}${DASHBOARD}`,
    close: stream.close,

    /** @param {string} path */
    serves: path => path === DASHBOARD || path.startsWith(`${DASHBOARD}/`),

    /**
     * @param {Request} req
     * @param {Response} res
     * @param {string} path
     * @param {import('../http/body.mjs').BodyReader} readBody
     */
    answer(req, res, path, readBody) {
      readBody(req, res, raw => {
        // The controls are for the page only: a client without an Origin is none.
        if (req.method === 'POST' && req.headers.origin === undefined)
          return refuse(res, 403, 'Only for the dashboard itself')
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

/** @param {import('../providers/record.mjs').ProviderRecord} provider */
const faultTable = provider => ({
  faults: groups.flatMap(({ group, faults }) =>
    faults.map(([name, explanation]) => ({ name, group, explanation, ...catalogue[name] })),
  ),
  errorCodes: provider.codes,
})
