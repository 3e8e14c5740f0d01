/** YesCaptcha, from its documentation and from clients. */

import { MINUTE, USER_AGENT } from './record.mjs'
import { checkTarget, isObject, textOf } from './validation.mjs'

/**
 * @param {Record<string, any>} body
 * @returns {Record<string, string>}
 */
function validate(body) {
  /** @type {Record<string, string>} */
  const problems = {}
  if (!isObject(body.task)) return { task: 'is required' }
  checkTarget(body.task, problems)
  const softID = body.softID ?? body.softId
  if (softID !== undefined && softID !== null && !/^\d+$/.test(textOf(softID)))
    problems.softID = 'must be a number'
  return problems
}

/** @type {import('./record.mjs').ProviderRecord} */
export const yescaptcha = {
  name: 'yescaptcha',
  taskType: 'TurnstileTaskProxyless',
  prices: { TurnstileTaskProxyless: 15, TurnstileTaskProxylessM1: 30 },
  otherPrice: null,
  taskIds: 'uuid',
  pollLimit: 120,
  solveLimitMs: 2 * MINUTE,
  bans: [{ by: 'address', calls: null, codes: null, limit: 1000, windowMs: MINUTE, banMs: 10 * MINUTE }],
  requestIds: false,
  jsonOnly: false,
  codes: [
    ...['ERROR_KEY_DOES_NOT_EXIST', 'ERROR_ZERO_BALANCE', 'ERROR_SETTLEMENT_FAILED'],
    ...['ERROR_CLIENTKEY_UNAUTHORIZED', 'ERROR_IP_BANNED', 'ERROR_IP_BLOCKED_5MIN'],
    ...['ERROR_SERVICE_UNAVALIABLE', 'ERROR_INTERNAL_SERVER_ERROR', 'ERROR_THREADS_MAXIMUM'],
    ...['ERROR_NO_SLOT_AVAILABLE', 'ERROR_NO_SLOT_AVAILABLE_BLOCK', 'ERROR_REQUIRED_FIELDS'],
    ...['ERROR_PAGE_NOT_FOUND', 'ERROR_BAD_REQUEST', 'ERROR_TASK_NOT_SUPPORTED', 'ERROR_DOMAIN_NOT_ALLOWED'],
    ...['ERROR_CAPTCHA_UNSOLVABLE', 'ERROR_TASK_TIMEOUT', 'ERROR_TASKID_INVALID', 'ERROR_NO_SUCH_CAPCHA_ID'],
    ...['ERROR_PROXY_CONNECT_REFUSED', 'ERROR_PROXY_CONNECT_TIMEOUT', 'ERROR_PROXY_NOT_AUTHORISED'],
    ...['ERROR_BAD_PROXY'],
  ],
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
  // The account's developer id and its rebate.
  softIdReply: { softID: 3, balance: 0 },
  balanceFields: { softBalance: 0, inviteBalance: 0, inviteBy: '' },
  solution: token => ({ token, userAgent: USER_AGENT }),
  validate,
  widget: () => ({ action: '', cdata: '' }),
}
