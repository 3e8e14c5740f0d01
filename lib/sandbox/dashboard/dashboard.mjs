/** The sandbox's dashboard: a web page that shows what is done to the sandbox, and the switches on it. For this machine's own browser alone. */

import { readFileSync } from 'node:fs'
import { catalogue } from '../faults/plan.mjs'
import { readBody, send, sendJson } from '../http/server.mjs'
import { demandSolveTime } from '../options.mjs'
import { createEventStream } from './event-stream.mjs'
import { chapters } from './explanations.mjs'

/** @typedef {import('../http/server.mjs').Request} Request */
/** @typedef {import('../http/server.mjs').Response} Response */
/** @typedef {import('../index.d.mts').FaultRule} FaultRule */

const HOME = '/sandbox'
const EVENTS = `${HOME}/events`
const SWITCH = `${HOME}/switch`
const FAULTS = `${HOME}/faults.json`
const MAX_SWITCH = 16 * 1024

/** @type {Record<string, { file: string, type: string }>} */
const FILES = {
  [HOME]: { file: 'dashboard.html', type: 'text/html; charset=utf-8' },
  [`${HOME}/dashboard.css`]: { file: 'dashboard.css', type: 'text/css; charset=utf-8' },
  [`${HOME}/dashboard-switches.css`]: { file: 'dashboard-switches.css', type: 'text/css; charset=utf-8' },
  [`${HOME}/dashboard-task.css`]: { file: 'dashboard-task.css', type: 'text/css; charset=utf-8' },
  [`${HOME}/dashboard.mjs`]: { file: 'dashboard.mjs', type: 'text/javascript; charset=utf-8' },
  [`${HOME}/dashboard-task.mjs`]: { file: 'dashboard-task.mjs', type: 'text/javascript; charset=utf-8' },
  [`${HOME}/dashboard-switches.mjs`]: {
    file: 'dashboard-switches.mjs',
    type: 'text/javascript; charset=utf-8',
  },
  [`${HOME}/icon.svg`]: { file: 'dashboard.svg', type: 'image/svg+xml' },
}

/** Nothing inline, nothing from redirectTarget, no HTML made of text: what a script sends to the sandbox stays text on the page. */
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

/** Those of a rule's fields that the page sets, and what JSON may bring in them. @type {Record<string, (value: any) => boolean>} */
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
    demand(RULE_FIELDS[name](value), `${name} makes no sense`)
  }
  if (rule.times === 'always') rule.times = Number.POSITIVE_INFINITY
  return /** @type {FaultRule} */ (rule)
}

/** @param {unknown} value JSON has no Infinity, so it is spelled out */
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
 * @param {import('../providers.mjs').ProviderRecord} parts.vendor
 * @param {() => import('./event-stream.mjs').Counted} parts.counted
 * @param {import('node:events').EventEmitter} parts.events
 * @param {() => number} parts.now
 */
export function createDashboard(parts) {
  const { baseURL, store, plan, vendor } = parts
  const { protocol, port } = new URL(baseURL)
  // A name that a stranger has pointed at this machine is a stranger's (DNS rebinding), so only these will do.
  const names = [new URL(baseURL).hostname, 'localhost', '127.0.0.1', '[::1]']
  const hosts = new Set(names.map(name => new URL(`${protocol}//${name}:${port}`).host))
  const watch = createEventStream(parts)

  /** @param {Request} req */
  const hostOf = req => String(req.headers.host ?? req.headers[':authority'] ?? '').toLowerCase()

  /** Another site's page may link here, but neither look nor touch. @param {Request} req @param {string} path */
  const isStranger = (req, path) => {
    const host = hostOf(req)
    if (!hosts.has(host)) return true
    const { origin, 'sec-fetch-site': site } = req.headers
    if (req.method === 'POST' && origin === undefined) return true
    if (origin !== undefined && origin !== `${protocol}//${host}`) return true
    return path !== HOME && site !== undefined && site !== 'same-origin' && site !== 'none'
  }

  /** @type {Record<string, (order: Record<string, unknown>) => void>} */
  const switches = {
    addFault: ({ rule }) => plan.add(parseRule(rule)),
    removeFault: ({ id }) => demand(plan.remove(Number(id)), 'that rule is gone'),
    clearFaults: () => plan.clear(),
    solveTime: ({ solveTimeMs }) => store.setSolveTime(parseSolveTime(solveTimeMs)),
  }

  /**
   * @param {Response} res
   * @param {Buffer | null} raw
   */
  const obey = (res, raw) => {
    try {
      demand(raw && raw.length <= MAX_SWITCH, 'the body is too large')
      const order = JSON.parse(String(raw))
      demand(typeof order === 'object' && order !== null, 'the body must be an object')
      demand(Object.hasOwn(switches, order.do), `do must be one of ${Object.keys(switches).join(', ')}`)
      switches[order.do](order)
    } catch (error) {
      const { message } = /** @type {Error} */ (error)
      return sendJson(res, 400, { error: message.replace(/^(fault rule|startSandbox): /, '') }, HEADERS)
    }
    watch.touch()
    sendJson(res, 200, {}, HEADERS)
  }

  /** @param {Response} res @param {number} status @param {string} text */
  const refuse = (res, status, text) =>
    send(res, status, `${text}\n`, { ...HEADERS, 'content-type': 'text/plain; charset=utf-8' })

  return {
    url: `${baseURL}${HOME}`,
    close: watch.close,

    /** @param {string} path */
    serves: path => path === HOME || path.startsWith(`${HOME}/`),

    /**
     * @param {Request} req
     * @param {Response} res
     * @param {string} path
     */
    answer(req, res, path) {
      readBody(req, raw => {
        if (isStranger(req, path)) return refuse(res, 403, 'Only for the page of the sandbox itself')
        const method = path === SWITCH ? 'POST' : 'GET'
        const known = path === EVENTS || path === FAULTS || path === SWITCH || Object.hasOwn(FILES, path)
        if (!known) return refuse(res, 404, 'Nothing here')
        if (req.method !== method) return refuse(res, 405, `Only ${method}`)
        if (path === EVENTS) return watch.join(res, HEADERS)
        if (path === FAULTS) return sendJson(res, 200, lexicon(vendor), HEADERS)
        if (path !== SWITCH) {
          const { file, type } = FILES[path]
          const text = readFileSync(new URL(`assets/${file}`, import.meta.url))
          return send(res, 200, text, { ...HEADERS, 'content-type': type })
        }
        // A form of another site cannot send this type without asking first, and is never told yes.
        if (!/^application\/json\b/i.test(req.headers['content-type'] ?? ''))
          return refuse(res, 415, 'Only application/json')
        obey(res, raw)
      })
    },
  }
}

/** @param {import('../providers.mjs').ProviderRecord} vendor */
const lexicon = vendor => ({
  faults: chapters.flatMap(({ chapter, faults }) =>
    faults.map(([name, explanation]) => ({ name, chapter, explanation, ...catalogue[name] })),
  ),
  errorCodes: vendor.codes,
})
