/** EZ-Captcha, from its documentation, its wiki and its own SDKs. */

import { MINUTE } from './record.mjs'
import { checkTarget, isObject, isText, proxyProblem } from './validation.mjs'

const WIDGET_VALUE = /^[A-Za-z0-9_-]*$/
const MAX_INT32 = 0x7fffffff

/**
 * @param {unknown} rqData
 * @param {Record<string, string>} problems
 */
function checkRqData(rqData, problems) {
  if (!isObject(rqData)) {
    problems['task.rqData'] = 'must be an object'
    return
  }
  const data = /** @type {Record<string, unknown>} */ (rqData)
  if (data.mode !== undefined && !isText(data.mode)) problems['task.rqData.mode'] = 'must be a string'
  for (const [name, length] of /** @type {const} */ ([
    ['metadataAction', 32],
    ['metadataCdata', 255],
  ])) {
    const value = data[name]
    if (value === undefined || value === null) continue
    if (typeof value !== 'string') problems[`task.rqData.${name}`] = 'must be a string'
    else if (value.length > length) problems[`task.rqData.${name}`] = `must have at most ${length} characters`
    else if (!WIDGET_VALUE.test(value)) problems[`task.rqData.${name}`] = 'must match [A-Za-z0-9_-]'
  }
}

/**
 * @param {Record<string, any>} body
 * @returns {Record<string, string>}
 */
function validate(body) {
  /** @type {Record<string, string>} */
  const problems = {}
  if (!isObject(body.task)) return { task: 'must not be null' }
  checkTarget(body.task, problems)
  if (body.task.rqData !== undefined && body.task.rqData !== null) checkRqData(body.task.rqData, problems)
  if (body.task.proxy !== undefined && body.task.proxy !== null && body.task.proxy !== '') {
    const problem = proxyProblem(body.task.proxy)
    if (problem) problems['task.proxy'] = problem
  }
  if (body.appId !== undefined && body.appId !== null && !isInt32(body.appId)) {
    problems.appId = 'must be an integer of 32 bits'
  }
  return problems
}

/** @param {unknown} value */
const isInt32 = value => Number.isInteger(value) && Math.abs(Number(value)) <= MAX_INT32

/** @type {import('./record.mjs').ProviderRecord} */
export const ezcaptcha = {
  name: 'ezcaptcha',
  taskType: 'CloudFlareTurnstileTask',
  prices: { CloudFlareTurnstileTask: 15 },
  otherPrice: null,
  // The types match without regard to case.
  typesIgnoreCase: true,
  taskIds: 'uuid',
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
  codes: [
    ...['ERROR_KEY_DOES_NOT_EXIST', 'ERROR_KEY_NOT_AVAILABLE', 'ERROR_ZERO_BALANCE', 'ERROR_KEY_BANNED'],
    ...['ERROR_SUBSCRIPTION_EXPIRED', 'ERROR_PACKAGE_NOT_EXIST', 'ERROR_PACKAGE_TASK_TYPE_NOT_SUPPORTED'],
    ...['ERROR_SETTLEMENT_FAILED', 'ERROR_REQUEST_BANNED', 'ERROR_IP_BANNED', 'ERROR_REQUEST_LIMIT'],
    ...['ERROR_INTERNAL_SERVER_ERROR', 'ERROR_SERVICE_UNAVAILABLE', 'ERROR_SERVICE_TIMEOUT'],
    ...['ERROR_SERVICE_UNAVALIABLE', 'ERROR_NO_SLOT_AVAILABLE', 'ERROR_THREADS_MAXIMUM'],
    ...['ERROR_TASK_TYPE_NOT_SUPPORTED', 'ERROR_TASK_TYPE_NOT_AVAILABLE', 'ERROR_TASK_TYPE_NOT_ALLOWED'],
    ...['ERROR_WEBSITE_NOT_ALLOWED', 'ERROR_REQUEST_PARAMETERS', 'ERROR_REQUEST_METHOD'],
    ...['ERROR_CONTENT_TYPE_ERROR', 'ERROR_NOT_FOUND', 'ERROR_REQUIRED_FIELDS', 'ERROR_TASK_NOT_SUPPORTED'],
    ...['ERROR_RECAPTCHA_INVALID_SITEKEY', 'INVALID_RECAPTCHA_SITEURL', 'ERROR_BAD_REQUEST'],
    ...['ERROR_PAGE_NOT_FOUND', 'ERROR_CAPTCHA_UNSOLVABLE', 'ERROR_TASK_TIMEOUT', 'ERROR_TASK_NOT_EXIST'],
    ...['ERROR_TASKID_INVALID', 'ERROR_REQUEST_PROXY_MISSING'],
  ],
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
  validate,
  widget: task => ({ action: task.rqData?.metadataAction ?? '', cdata: task.rqData?.metadataCdata ?? '' }),
}
