/** Services with the same protocol, from their documentation and their own SDKs, and `custom`, which stands for any other. */

import { isIP } from 'node:net'
import { costFields, MINUTE, numberedErrorId, USER_AGENT } from './record.mjs'
import { checkTarget, isObject, isText, textOf } from './validation.mjs'

/** @typedef {import('./record.mjs').ProviderRecord} ProviderRecord */
/** @typedef {Record<string, string>} Problems */

const UUID = /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/i

/** @param {Record<string, any>} body @param {Problems} problems */
function checkSoftId({ softId }, problems) {
  if (softId !== undefined && softId !== null && !Number.isInteger(softId))
    problems.softId = 'must be an integer'
}

/** @param {Record<string, any>} task @param {string[]} types @param {boolean} addressOnly @param {Problems} problems */
function checkProxy(task, types, addressOnly, problems) {
  const { proxyType, proxyAddress, proxyPort } = task
  if (!types.includes(proxyType)) problems['task.proxyType'] = `must be one of ${types.join(', ')}`
  if (!isText(proxyAddress)) problems['task.proxyAddress'] = 'must not be blank'
  else if (addressOnly && isIP(proxyAddress) === 0) problems['task.proxyAddress'] = 'must be an IP address'
  const port = Number(textOf(proxyPort))
  if (!Number.isInteger(port) || port < 1 || port > 65535) problems['task.proxyPort'] = 'must be a port'
}

/**
 * @param {(body: Record<string, any>, problems: Problems) => void} check
 * @returns {ProviderRecord['validate']}
 */
const validation = check => body => {
  /** @type {Problems} */
  const problems = {}
  if (!isObject(body.task)) return { task: 'is required' }
  checkTarget(body.task, problems)
  check(body, problems)
  return problems
}

/** What the error codes of most services have in common. */
const CODES = {
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
}

/** @type {Omit<ProviderRecord, 'name' | 'prices' | 'codes' | 'validate' | 'widget'>} */
const common = {
  taskType: 'TurnstileTaskProxyless',
  otherPrice: null,
  taskIds: 'integer',
  pollLimit: Number.POSITIVE_INFINITY,
  solveLimitMs: 2 * MINUTE,
  bans: [],
  requestIds: false,
  jsonOnly: false,
  code: CODES,
  statuses: {},
  errorStatus: 200,
  errorId: numberedErrorId,
  createdFields: {},
  pendingFields: {},
  failedFields: {},
  balanceFields: {},
  solution: token => ({ token, userAgent: USER_AGENT }),
}

/** @type {ProviderRecord} */
export const custom = {
  ...common,
  name: 'custom',
  taskType: 'TurnstileTask',
  prices: {},
  otherPrice: 1,
  pollLimit: 120,
  solveLimitMs: Number.POSITIVE_INFINITY,
  codes: [
    ...['ERROR_KEY_DOES_NOT_EXIST', 'ERROR_ZERO_BALANCE', 'ERROR_IP_BLOCKED', 'ERROR_NO_SLOT_AVAILABLE'],
    ...['ERROR_NO_SUCH_METHOD', 'ERROR_TASK_ABSENT', 'ERROR_TASK_NOT_SUPPORTED', 'ERROR_BAD_PARAMETERS'],
    ...['ERROR_BAD_REQUEST', 'ERROR_CAPTCHA_UNSOLVABLE', 'ERROR_NO_SUCH_CAPCHA_ID', 'ERROR_BAD_PROXY'],
    ...['ERROR_PROXY_CONNECT_REFUSED', 'CAPTCHA_NOT_READY'],
  ],
  createdFields: undefined,
  pendingFields: undefined,
  readyFields: costFields,
  failedFields: { status: 'failed' },
  solution: token => ({ token, type: 'turnstile', userAgent: USER_AGENT }),
  validate: ({ task }) => {
    /** @type {Problems} */
    const problems = {}
    if (!isObject(task)) problems.task = 'is required'
    else if (!isText(task.type)) problems['task.type'] = 'is required'
    return problems
  },
  widget: task => ({
    action: textOf(task.action ?? task.pageAction ?? task.metadata?.action),
    cdata: textOf(task.cData ?? task.data ?? task.metadata?.cdata),
  }),
}

/** @type {ProviderRecord} */
export const twoCaptcha = {
  ...common,
  name: '2captcha',
  prices: { TurnstileTaskProxyless: 1, TurnstileTask: 1 },
  codes: [
    ...['ERROR_KEY_DOES_NOT_EXIST', 'ERROR_ZERO_BALANCE', 'ERROR_IP_NOT_ALLOWED', 'ERROR_ACCOUNT_SUSPENDED'],
    ...['ERROR_IP_BLOCKED', 'ERROR_NO_SLOT_AVAILABLE', 'ERROR_PAGEURL', 'ERROR_NO_SUCH_METHOD'],
    ...['ERROR_TASK_ABSENT', 'ERROR_TASK_NOT_SUPPORTED', 'ERROR_RECAPTCHA_INVALID_SITEKEY'],
    ...['ERROR_BAD_PARAMETERS', 'ERROR_CAPTCHA_UNSOLVABLE', 'ERROR_BAD_DUPLICATES'],
    ...['ERROR_NO_SUCH_CAPCHA_ID', 'ERROR_BAD_PROXY'],
  ],
  readyFields: costFields,
  feedback: { '/reportCorrect': true, '/reportIncorrect': false },
  feedbackReply: { status: 'success' },
  validate: validation((body, problems) => {
    checkSoftId(body, problems)
    if (body.task.type === 'TurnstileTask')
      checkProxy(body.task, ['http', 'socks4', 'socks5'], false, problems)
  }),
  widget: task => ({ action: textOf(task.action), cdata: textOf(task.data) }),
}

/** @type {ProviderRecord} */
export const anticaptcha = {
  ...common,
  name: 'anticaptcha',
  prices: { TurnstileTaskProxyless: 1, TurnstileTask: 1 },
  keptAfterReadyMs: MINUTE,
  // The number of erroneous requests and the duration are not documented.
  bans: [{ by: 'address', calls: null, codes: null, limit: 100, windowMs: MINUTE, banMs: 5 * MINUTE }],
  codes: [
    ...['ERROR_KEY_DOES_NOT_EXIST', 'ERROR_ZERO_BALANCE', 'ERROR_IP_NOT_ALLOWED', 'ERROR_ACCOUNT_SUSPENDED'],
    ...['ERROR_IP_BLOCKED', 'ERROR_NO_SLOT_AVAILABLE', 'ERROR_NO_SUCH_METHOD', 'ERROR_TASK_ABSENT'],
    ...['ERROR_TASK_NOT_SUPPORTED', 'ERROR_BAD_PARAMETERS', 'ERROR_CAPTCHA_UNSOLVABLE'],
    ...['ERROR_NO_SUCH_CAPCHA_ID', 'ERROR_PROXY_CONNECT_REFUSED', 'ERROR_PROXY_CONNECT_TIMEOUT'],
    ...['ERROR_PROXY_READ_TIMEOUT', 'ERROR_PROXY_BANNED', 'ERROR_PROXY_NOT_AUTHORISED'],
  ],
  readyFields: (task, now) => {
    const { cost, solveCount } = costFields(task, now)
    return { cost, solveCount }
  },
  validate: validation((body, problems) => {
    checkSoftId(body, problems)
    if (body.task.type === 'TurnstileTask')
      checkProxy(body.task, ['http', 'socks4', 'socks5'], true, problems)
  }),
  widget: task => ({ action: textOf(task.action), cdata: textOf(task.cData) }),
}

/** @type {ProviderRecord} */
export const capmonster = {
  ...common,
  name: 'capmonster',
  taskType: 'TurnstileTask',
  prices: { TurnstileTask: 1, TurnstileTaskProxyless: 1 },
  pollLimit: 120,
  pollLimitBanMs: 10 * MINUTE,
  bans: [
    {
      by: 'address',
      calls: null,
      codes: ['ERROR_KEY_DOES_NOT_EXIST', 'ERROR_ZERO_BALANCE', 'ERROR_NO_SUCH_CAPCHA_ID'],
      // How many of them ban is not documented.
      limit: 100,
      windowMs: MINUTE,
      banMs: 10 * MINUTE,
    },
  ],
  code: {
    ...CODES,
    banned: 'ERROR_IP_BANNED',
    invalid: 'ERROR_TASK_ABSENT',
    badRequest: 'ERROR_TASK_ABSENT',
  },
  errorId: () => 1,
  errorFields: { taskId: 0 },
  pendingFields: undefined,
  codes: [
    ...['ERROR_KEY_DOES_NOT_EXIST', 'ERROR_ZERO_BALANCE', 'ERROR_IP_NOT_ALLOWED', 'ERROR_IP_BANNED'],
    ...['ERROR_IP_BLOCKED', 'ERROR_NO_SLOT_AVAILABLE', 'ERROR_TOO_MUCH_REQUESTS', 'ERROR_NO_SUCH_METHOD'],
    ...['ERROR_DOMAIN_NOT_ALLOWED', 'ERROR_TASK_NOT_SUPPORTED', 'ERROR_TASK_ABSENT'],
    ...['ERROR_RECAPTCHA_INVALID_SITEKEY', 'ERROR_RECAPTCHA_INVALID_DOMAIN', 'ERROR_WRONG_USERAGENT'],
    ...['ERROR_CAPTCHA_UNSOLVABLE', 'ERROR_RECAPTCHA_TIMEOUT', 'ERROR_TOKEN_EXPIRED'],
    ...['ERROR_NO_SUCH_CAPCHA_ID', 'WRONG_CAPTCHA_ID', 'ERROR_PROXY_CONNECT_REFUSED', 'ERROR_PROXY_BANNED'],
    ...['ERROR_PROXY_MISSING', 'ERROR_PROXY_NOT_AUTHORISED', 'ERROR_PROXY_READ_TIMEOUT'],
  ],
  feedback: { '/reportIncorrectTokenCaptcha': false },
  feedbackReply: { status: 'success' },
  solution: token => ({ userAgent: USER_AGENT, token }),
  validate: validation((body, problems) => {
    checkSoftId(body, problems)
    if (body.task.proxyType !== undefined)
      checkProxy(body.task, ['http', 'https', 'socks4', 'socks5'], false, problems)
  }),
  widget: task => ({ action: textOf(task.pageAction), cdata: textOf(task.data) }),
}

/** @type {ProviderRecord} */
export const capsolver = {
  ...common,
  name: 'capsolver',
  taskType: 'AntiTurnstileTaskProxyLess',
  prices: { AntiTurnstileTaskProxyLess: 1 },
  taskIds: 'uuid',
  pollLimit: 120,
  // How many errors ban is not documented.
  bans: [{ by: 'address', calls: null, codes: null, limit: 100, windowMs: MINUTE, banMs: 10 * MINUTE }],
  code: {
    ...CODES,
    badKey: 'ERROR_KEY_DENIED_ACCESS',
    banned: 'ERROR_IP_BANNED',
    invalid: 'ERROR_INVALID_TASK_DATA',
    noTask: 'ERROR_TASKID_INVALID',
    unsolvable: 'ERROR_CAPTCHA_SOLVE_FAILED',
    tooLong: 'ERROR_TASK_TIMEOUT',
    notFound: 'ERROR_BAD_REQUEST',
    badMethod: 'ERROR_BAD_REQUEST',
    badRequest: 'ERROR_BAD_REQUEST',
    badContentType: 'ERROR_BAD_REQUEST',
  },
  statuses: { ERROR_KEY_DENIED_ACCESS: 401 },
  errorStatus: 400,
  errorId: () => 1,
  createdStatus: 'idle',
  failedFields: { status: 'failed' },
  codes: [
    ...['ERROR_KEY_DENIED_ACCESS', 'ERROR_ZERO_BALANCE', 'ERROR_SETTLEMENT_FAILED', 'ERROR_IP_BANNED'],
    ...['ERROR_KEY_TEMP_BLOCKED', 'ERROR_SERVICE_UNAVALIABLE', 'ERROR_RATE_LIMIT', 'ERROR_INVALID_TASK_DATA'],
    ...['ERROR_BAD_REQUEST', 'ERROR_TASK_NOT_SUPPORTED', 'ERROR_UNKNOWN_QUESTION'],
    ...['ERROR_CAPTCHA_UNSOLVABLE', 'ERROR_TASK_TIMEOUT', 'ERROR_CAPTCHA_SOLVE_FAILED'],
    ...['ERROR_TASKID_INVALID', 'ERROR_PROXY_BANNED'],
  ],
  balanceFields: { packages: [] },
  feedback: { '/feedbackTask': false },
  feedbackReply: { message: 'okay' },
  solution: token => ({ token, type: 'turnstile', userAgent: USER_AGENT }),
  validate: validation(({ appId }, problems) => {
    if (appId !== undefined && appId !== null && !UUID.test(textOf(appId))) problems.appId = 'must be a UUID'
  }),
  widget: task => ({ action: textOf(task.metadata?.action), cdata: textOf(task.metadata?.cdata) }),
}
