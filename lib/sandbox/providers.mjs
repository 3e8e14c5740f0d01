/** The providers' replies, limits and bans: one data record for each provider. */

import { CODES, DESCRIPTIONS } from './codes.mjs'
import { textOf, validateCustom, validateEz, validateYes } from './validation.mjs'

const MINUTE = 60_000
const USER_AGENT =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36'

/** Compatible services number their errors; a client that tests `errorId == 1` fails here. */
/** @type {Record<string, number>} */
const ERROR_IDS = {
  ERROR_KEY_DOES_NOT_EXIST: 1,
  ERROR_NO_SLOT_AVAILABLE: 2,
  ERROR_ZERO_BALANCE: 10,
  ERROR_CAPTCHA_UNSOLVABLE: 12,
  ERROR_NO_SUCH_METHOD: 14,
  ERROR_NO_SUCH_CAPCHA_ID: 16,
  ERROR_IP_BLOCKED: 21,
  ERROR_TASK_ABSENT: 22,
  ERROR_TASK_NOT_SUPPORTED: 23,
  ERROR_BAD_PARAMETERS: 110,
  ERROR_BAD_PROXY: 130,
}

/**
 * @typedef {object} ProviderRecord
 * @property {'ezcaptcha' | 'yescaptcha' | 'custom'} name
 * @property {string} taskType a client's default
 * @property {Record<string, number>} prices points by task type. Invented, except that YesCaptcha's page says 15 and 30
 * @property {number | null} otherPrice points of any other task type; null refuses other types
 * @property {boolean} integerIds task ids are JSON integers, not strings
 * @property {number} pollLimit polls a task that are answered; after them, it does not exist
 * @property {number} solveLimitMs after which an unfinished task has failed
 * @property {import('./bans.mjs').BanRule[]} bans
 * @property {boolean} requestIds every reply carries a `requestId`
 * @property {boolean} jsonOnly refuses another Content-Type than application/json
 * @property {readonly string[]} codes every code that it may send
 * @property {Record<'badKey' | 'zeroBalance' | 'banned' | 'invalid' | 'unsupportedType' | 'noTask' | 'unsolvable' | 'tooLong' | 'notFound' | 'badMethod' | 'badRequest' | 'badContentType', string>} code
 * @property {Record<string, number>} statuses HTTP status by error code
 * @property {number} errorStatus HTTP status of every other error code
 * @property {(code: string) => number} errorId
 * @property {Record<string, unknown>} failedFields beside the error of a failed task
 * @property {Record<string, unknown>} balanceFields beside the balance
 * @property {(token: string) => Record<string, unknown>} solution
 * @property {(body: Record<string, any>) => Record<string, string>} validate field path -> what is wrong with it
 * @property {(task: Record<string, any>) => { action: string, cdata: string }} widget what the token is bound to
 */

/** @type {ProviderRecord} */
const ezcaptcha = {
  name: 'ezcaptcha',
  taskType: 'CloudFlareTurnstileTask',
  prices: { CloudFlareTurnstileTask: 15 },
  otherPrice: null,
  integerIds: false,
  pollLimit: Number.POSITIVE_INFINITY,
  solveLimitMs: 2 * MINUTE,
  bans: [
    {
      by: 'key',
      calls: ['createTask'],
      codes: ['ERROR_KEY_DOES_NOT_EXIST', 'ERROR_KEY_NOT_AVAILABLE', 'ERROR_ZERO_BALANCE'],
      limit: 30,
      windowMs: MINUTE,
      banMs: 3 * MINUTE,
    },
    {
      by: 'key',
      calls: ['getTaskResult'],
      codes: ['ERROR_KEY_DOES_NOT_EXIST', 'ERROR_KEY_NOT_AVAILABLE'],
      limit: 30,
      windowMs: MINUTE,
      banMs: MINUTE,
    },
  ],
  requestIds: true,
  jsonOnly: true,
  codes: CODES.ezcaptcha,
  code: {
    badKey: 'ERROR_KEY_DOES_NOT_EXIST',
    zeroBalance: 'ERROR_ZERO_BALANCE',
    banned: 'ERROR_REQUEST_BANNED',
    invalid: 'ERROR_REQUEST_PARAMETERS',
    unsupportedType: 'ERROR_TASK_TYPE_NOT_SUPPORTED',
    noTask: 'ERROR_TASK_NOT_EXIST',
    unsolvable: 'ERROR_CAPTCHA_UNSOLVABLE',
    tooLong: 'ERROR_CAPTCHA_UNSOLVABLE',
    notFound: 'ERROR_NOT_FOUND',
    badMethod: 'ERROR_REQUEST_METHOD',
    badRequest: 'ERROR_REQUEST_PARAMETERS',
    badContentType: 'ERROR_CONTENT_TYPE_ERROR',
  },
  // Documented: 429, 400, and 500 for the others. 404, 405 and 415 are assumed.
  statuses: {
    ERROR_REQUEST_LIMIT: 429,
    ERROR_REQUEST_BANNED: 429,
    ERROR_REQUEST_PARAMETERS: 400,
    ERROR_NOT_FOUND: 404,
    ERROR_REQUEST_METHOD: 405,
    ERROR_CONTENT_TYPE_ERROR: 415,
  },
  errorStatus: 500,
  errorId: () => 1,
  failedFields: { status: 'error' },
  balanceFields: {},
  solution: token => ({ header: {}, token }),
  validate: validateEz,
  widget: task => ({ action: task.rqData?.metadataAction ?? '', cdata: task.rqData?.metadataCdata ?? '' }),
}

/** @type {ProviderRecord} */
const yescaptcha = {
  name: 'yescaptcha',
  taskType: 'TurnstileTaskProxyless',
  prices: { TurnstileTaskProxyless: 15, TurnstileTaskProxylessM1: 30 },
  otherPrice: null,
  integerIds: false,
  pollLimit: 120,
  solveLimitMs: 2 * MINUTE,
  bans: [{ by: 'address', calls: null, codes: null, limit: 1000, windowMs: MINUTE, banMs: 10 * MINUTE }],
  requestIds: false,
  jsonOnly: false,
  codes: CODES.yescaptcha,
  code: {
    badKey: 'ERROR_KEY_DOES_NOT_EXIST',
    zeroBalance: 'ERROR_ZERO_BALANCE',
    banned: 'ERROR_IP_BANNED',
    invalid: 'ERROR_REQUIRED_FIELDS',
    unsupportedType: 'ERROR_TASK_NOT_SUPPORTED',
    noTask: 'ERROR_TASKID_INVALID',
    unsolvable: 'ERROR_CAPTCHA_UNSOLVABLE',
    tooLong: 'ERROR_TASK_TIMEOUT',
    notFound: 'ERROR_PAGE_NOT_FOUND',
    badMethod: 'ERROR_BAD_REQUEST',
    badRequest: 'ERROR_BAD_REQUEST',
    badContentType: 'ERROR_BAD_REQUEST',
  },
  statuses: {},
  errorStatus: 200,
  errorId: () => 1,
  failedFields: {},
  balanceFields: { softBalance: 0, inviteBalance: 0, inviteBy: '' },
  solution: token => ({ token, userAgent: USER_AGENT }),
  validate: validateYes,
  widget: () => ({ action: '', cdata: '' }),
}

/** @type {ProviderRecord} */
const custom = {
  name: 'custom',
  taskType: 'TurnstileTask',
  prices: {},
  otherPrice: 1,
  integerIds: true,
  pollLimit: 120,
  solveLimitMs: Number.POSITIVE_INFINITY,
  bans: [],
  requestIds: false,
  jsonOnly: false,
  codes: CODES.custom,
  code: {
    badKey: 'ERROR_KEY_DOES_NOT_EXIST',
    zeroBalance: 'ERROR_ZERO_BALANCE',
    banned: 'ERROR_IP_BLOCKED',
    invalid: 'ERROR_BAD_PARAMETERS',
    unsupportedType: 'ERROR_TASK_NOT_SUPPORTED',
    noTask: 'ERROR_NO_SUCH_CAPCHA_ID',
    unsolvable: 'ERROR_CAPTCHA_UNSOLVABLE',
    tooLong: 'ERROR_CAPTCHA_UNSOLVABLE',
    notFound: 'ERROR_NO_SUCH_METHOD',
    badMethod: 'ERROR_NO_SUCH_METHOD',
    badRequest: 'ERROR_BAD_PARAMETERS',
    badContentType: 'ERROR_BAD_PARAMETERS',
  },
  statuses: {},
  errorStatus: 200,
  errorId: code => ERROR_IDS[code] ?? 1,
  failedFields: { status: 'failed' },
  balanceFields: {},
  solution: token => ({ token, userAgent: USER_AGENT }),
  validate: validateCustom,
  widget: task => ({
    action: textOf(task.action ?? task.pageAction),
    cdata: textOf(task.cData ?? task.data),
  }),
}

/** @type {Record<ProviderRecord['name'], ProviderRecord>} */
export const providers = { ezcaptcha, yescaptcha, custom }

/**
 * One reply: an HTTP status and a JSON body. `delivers` is the task whose token it carries.
 * @typedef {{ status: number, body: Record<string, any>, delivers?: import('./store.mjs').Task }} Reply
 */

/**
 * The replies of one provider, with `null` and `''` where the provider's own samples have them.
 * @param {ProviderRecord} provider
 * @param {() => string} nextRequestId
 */
export function createReplies(provider, nextRequestId) {
  /**
   * @param {number} status
   * @param {Record<string, any>} body
   * @returns {Reply}
   */
  const reply = (status, body) => {
    if (provider.requestIds) body.requestId = nextRequestId()
    return { status, body }
  }
  const empty = { errorId: 0, errorCode: null, errorDescription: null }

  return {
    /** @param {string | number} taskId */
    created: taskId => reply(200, { errorId: 0, errorCode: '', errorDescription: '', taskId }),
    processing: () => reply(200, { ...empty, status: 'processing' }),
    /** @param {unknown} solution */
    ready: solution => reply(200, { ...empty, solution, status: 'ready' }),
    /** @param {number} balance */
    balance: balance => reply(200, { errorId: 0, balance, ...provider.balanceFields }),
    /**
     * A task that failed. The request itself succeeded, so the status is 200.
     * @param {string} code
     */
    failed: code => reply(200, { ...envelope(provider, code), ...provider.failedFields }),
    /**
     * @param {string} code
     * @param {{ description?: string, errors?: Record<string, string>, status?: number }} [detail]
     */
    error: (code, { description, errors, status } = {}) => {
      const body = envelope(provider, code, description)
      if (errors) body.errors = errors
      return reply(status ?? provider.statuses[code] ?? provider.errorStatus, body)
    },
  }
}

/**
 * @param {ProviderRecord} provider
 * @param {string} code
 * @param {string} [description]
 * @returns {Record<string, any>}
 */
function envelope(provider, code, description) {
  return {
    errorId: provider.errorId(code),
    errorCode: code,
    errorDescription: description ?? DESCRIPTIONS[code] ?? code,
  }
}

/** @typedef {ReturnType<typeof createReplies>} Replies */
