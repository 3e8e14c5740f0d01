/** Decides which request gets which fault. */

import { unit } from '../random.mjs'

const API = ['createTask', 'getTaskResult', 'getBalance']
const ALL = [...API, 'siteverify']

/**
 * @typedef {object} FaultEntry
 * @property {string} description
 * @property {boolean} processed the request is processed (task created and charged, poll counted) before the fault
 * @property {string[]} calls that it applies to
 */

/**
 * @param {string[]} calls
 * @param {boolean} processed
 * @param {string} description
 * @returns {FaultEntry}
 */
const entry = (calls, processed, description) => ({ description, processed, calls })

/** @type {Record<string, FaultEntry>} */
export const catalogue = {
  'connection-reset': entry(
    ALL,
    false,
    'the connection is destroyed (TCP RST) before the request is processed',
  ),
  'connection-reset-after-processing': entry(
    ALL,
    true,
    'the request is processed, then the connection is destroyed before the reply',
  ),
  'stream-reset': entry(
    ALL,
    false,
    'HTTP/2: RST_STREAM (param http2Code, default 2) on this request only; HTTP/1.1: as connection-reset',
  ),
  goaway: entry(
    ALL,
    false,
    'HTTP/2: GOAWAY that excludes this request; HTTP/1.1: the connection is closed without a reply',
  ),
  'close-after': entry(
    ALL,
    true,
    'a complete reply, then the kept-alive connection is closed without notice',
  ),
  'no-response': entry(ALL, false, 'no reply, and the request is not processed'),
  'no-response-after-processing': entry(ALL, true, 'the request is processed, and there is no reply'),
  latency: entry(ALL, true, 'processed at once, complete reply after delayMs (default 1000)'),
  'slow-body': entry(ALL, true, 'the correct reply, one byte every intervalMs (default 1000)'),
  'truncated-json': entry(ALL, true, 'a complete HTTP reply whose JSON is cut in the middle'),
  'truncated-body': entry(ALL, true, 'less is sent than Content-Length says, then the connection closes'),
  'empty-body': entry(ALL, false, '200 with an empty body'),
  html: entry(ALL, false, '200 with an HTML page, as a captive portal or a gateway sends it'),
  408: entry(ALL, false, '408 with an HTML page'),
  429: entry(
    ALL,
    false,
    '429 with an HTML page; Retry-After from retryAfter (seconds or text) or retryAfterDate',
  ),
  502: entry(ALL, false, '502 with an HTML page'),
  503: entry(
    ALL,
    false,
    '503 with an HTML page; Retry-After from retryAfter (seconds or text) or retryAfterDate',
  ),
  '500-html': entry(ALL, false, '500 with an HTML page instead of an envelope'),
  redirect: entry(
    ALL,
    false,
    '307 to location (default: a listener that counts requests in stats().redirectsFollowed)',
  ),
  oversized: entry(ALL, true, 'the correct reply as valid JSON, padded to bytes (default 2 MiB)'),
  whitespace: entry(ALL, false, '200 and an endless stream of whitespace until the client leaves'),
  'deep-json': entry(ALL, false, '200 with valid JSON nested depth levels deep (default 100 000)'),
  'unexpected-json': entry(ALL, false, '200 with the JSON object {}'),
  'wrong-types': entry(ALL, true, 'the correct fields with values of the wrong JSON types'),
  'created-without-id': entry(['createTask'], true, 'a task is created and charged, its id is not returned'),
  'unknown-status': entry(['getTaskResult'], true, 'errorId 0 and an unknown status (param taskStatus)'),
  'ready-without-token': entry(['getTaskResult'], true, 'status ready with a solution that has no token'),
  'ready-null-solution': entry(['getTaskResult'], true, 'status ready with solution null'),
  'failed-task': entry(
    ['createTask', 'getTaskResult'],
    true,
    'the task is unsolvable: from its ready time on (on createTask), or from this poll on (on getTaskResult)',
  ),
  'echo-key': entry(
    API,
    false,
    'an error envelope that repeats the client key (param encoding: plain, percent, base64)',
  ),
  error: entry(
    ALL,
    false,
    'the envelope of errorCode (default: internal error), with the status that the provider uses for it',
  ),
  reply: entry(ALL, false, 'the given status, headers and body'),
}

/** Every fault. */
export const faults = Object.freeze(
  Object.entries(catalogue).map(([name, row]) =>
    Object.freeze({ name, ...row, calls: Object.freeze(row.calls) }),
  ),
)

/** @typedef {import('../index.d.mts').FaultRule} FaultRule */

/**
 * @typedef {object} Planned
 * @property {number} id
 * @property {FaultRule} rule
 * @property {string} fault
 * @property {boolean} processed
 * @property {string[]} calls
 * @property {number} first
 * @property {number} times
 * @property {number} seen matching requests so far
 * @property {number} hits
 */

/**
 * @param {boolean} condition
 * @param {string} message
 */
function demand(condition, message) {
  if (!condition) throw new TypeError(`fault rule: ${message}`)
}

const SELECTORS = ['method', 'fault', 'nth', 'times', 'probability', 'task', 'processed', 'delayMs']
const PARAMS = [
  ...['retryAfter', 'retryAfterDate', 'location', 'errorCode', 'status', 'headers', 'body', 'bytes', 'depth'],
  ...['intervalMs', 'encoding', 'taskStatus', 'http2Code'],
]

/** @param {unknown} value */
const isCount = value => value === Number.POSITIVE_INFINITY || (Number.isInteger(value) && Number(value) >= 1)

/** @param {unknown} value */
const isDuration = value => typeof value === 'number' && value >= 0 && value <= 0x7fffffff

/**
 * @param {FaultRule} rule
 * @param {number} id
 * @returns {Planned}
 */
function parseRule(rule, id) {
  demand(typeof rule === 'object' && rule !== null, 'must be an object')
  for (const name of Object.keys(rule)) {
    demand(SELECTORS.includes(name) || PARAMS.includes(name), `unknown field '${name}'`)
  }
  const { method = '*', fault, nth, probability, task, processed, delayMs, intervalMs } = rule
  const times = rule.times ?? (probability === undefined ? 1 : Number.POSITIVE_INFINITY)
  demand(
    Object.hasOwn(catalogue, fault),
    `unknown fault '${fault}', known are ${Object.keys(catalogue).join(', ')}`,
  )
  const known = catalogue[fault]
  demand(method === '*' || ALL.includes(method), `unknown method '${method}', known are *, ${ALL.join(', ')}`)
  demand(
    method === '*' || known.calls.includes(method),
    `'${fault}' does not apply to ${method}, only to ${known.calls.join(', ')}`,
  )
  demand(nth === undefined || isCount(nth), 'nth must be a whole number from 1')
  demand(isCount(times), 'times must be a whole number from 1, or Infinity')
  demand(
    probability === undefined || (probability >= 0 && probability <= 1),
    'probability must be from 0 to 1',
  )
  demand(task === undefined || isCount(task), 'task must be a whole number from 1')
  demand(processed === undefined || typeof processed === 'boolean', 'processed must be a boolean')
  demand(delayMs === undefined || isDuration(delayMs), 'delayMs must be milliseconds from 0')
  demand(intervalMs === undefined || isDuration(intervalMs), 'intervalMs must be milliseconds from 0')
  const date = rule.retryAfterDate
  demand(date === undefined || isDuration(date), 'retryAfterDate must be seconds from 0')
  return {
    id,
    rule,
    fault,
    processed: processed ?? known.processed,
    calls: method === '*' ? known.calls : [method],
    first: nth ?? 1,
    times,
    seen: 0,
    hits: 0,
  }
}

/**
 * @param {readonly FaultRule[]} rules
 * @param {string} seed
 */
export function createPlan(rules, seed) {
  let added = 0
  /** @param {FaultRule} rule */
  const parse = rule => parseRule(rule, added++)
  let planned = rules.map(parse)

  return {
    /** @param {FaultRule} rule */
    add(rule) {
      planned.push(parse(rule))
    },
    clear() {
      planned = []
    },
    /** @param {number} id @returns whether it existed */
    remove(id) {
      const before = planned.length
      planned = planned.filter(plan => plan.id !== id)
      return planned.length < before
    },
    list: () => planned,

    /**
     * The fault for this request, if any. Every rule that matches counts the request; the first that is due wins.
     * In getTaskResult, probability depends on the task and its request, not on the order of arrival.
     * @param {string} call
     * @param {number} taskNumber of the task concerned, 0 if none
     * @param {number} attempt which getTaskResult request for that task, from 1; 0 for the other calls
     * @returns {Planned | null}
     */
    take(call, taskNumber, attempt) {
      /** @type {Planned | null} */
      let due = null
      for (const plan of planned) {
        if (!plan.calls.includes(call)) continue
        const { task, probability } = plan.rule
        if (task !== undefined && task !== taskNumber) continue
        plan.seen++
        if (due || plan.seen < plan.first) continue
        if (probability === undefined) {
          if (plan.seen >= plan.first + plan.times) continue
        } else {
          if (plan.hits >= plan.times) continue
          const draw = attempt ? `poll ${attempt} of task ${taskNumber}` : `request ${plan.seen}`
          if (unit(seed, `fault ${plan.id}, ${draw}`) >= probability) continue
        }
        plan.hits++
        due = plan
      }
      return due
    },
  }
}

/** @typedef {ReturnType<typeof createPlan>} Plan */
