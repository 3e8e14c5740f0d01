/** What a provider is to the sandbox: data, and what its validation needs. A new provider is a new record in index.mjs. */

/**
 * @typedef {object} ProviderRecord
 * @property {string} name
 * @property {string} taskType a client's default
 * @property {Record<string, number>} prices points by task type. Invented, except that YesCaptcha's page says 15 and 30
 * @property {number | null} otherPrice points of any other task type; null refuses other types
 * @property {boolean} [typesIgnoreCase]
 * @property {'uuid' | 'integer'} taskIds
 * @property {number} pollLimit polls a task that are answered; after them, it does not exist
 * @property {number} [pollLimitBanMs] the first poll after the limit bans the key for this long
 * @property {number} solveLimitMs after which an unfinished task has failed
 * @property {number} [keptAfterReadyMs] a result is kept this long after it is ready; at most five minutes from creation
 * @property {import('../bans.mjs').BanRule[]} bans
 * @property {boolean} requestIds every reply carries a `requestId`
 * @property {boolean} jsonOnly refuses another Content-Type than application/json
 * @property {readonly string[]} codes every code that it may send
 * @property {Record<'badKey' | 'zeroBalance' | 'banned' | 'invalid' | 'unsupportedType' | 'noTask' | 'unsolvable' | 'tooLong' | 'notFound' | 'badMethod' | 'badRequest' | 'badContentType', string>} code
 * @property {Record<string, number>} statuses HTTP status by error code
 * @property {number} errorStatus HTTP status of every other error code
 * @property {(code: string) => number} errorId
 * @property {Record<string, unknown>} [createdFields] beside errorId and taskId of a new task. Default: an empty code and description
 * @property {string} [createdStatus] the `status` of a new task, which the option `createdStatus` may change
 * @property {Record<string, unknown>} [pendingFields] beside errorId and status of a task. Default: code and description are null
 * @property {(task: import('../store.mjs').Task, now: number) => Record<string, unknown>} [readyFields] beside the solution
 * @property {Record<string, unknown>} failedFields beside the error of a failed task
 * @property {Record<string, unknown>} [errorFields] beside every other error
 * @property {Record<string, unknown>} balanceFields beside the balance
 * @property {Record<string, boolean>} [feedback] endpoints for feedback; whether they say that the token was accepted
 * @property {Record<string, unknown>} [feedbackReply]
 * @property {Record<string, unknown>} [softIdReply] of `/getSoftID`
 * @property {(token: string) => Record<string, unknown>} solution
 * @property {(body: Record<string, any>) => Record<string, string>} validate field path -> what is wrong with it
 * @property {(task: Record<string, any>) => { action: string, cdata: string }} widget what the token is bound to
 */

export const MINUTE = 60_000
export const USER_AGENT =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36'

/** Compatible services number their errors; a client that tests `errorId == 1` fails here. @type {Record<string, number>} */
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

/** @param {string} code */
export const numberedErrorId = code => ERROR_IDS[code] ?? 1

/** The fields beside a ready task of services that bill in USD. @param {import('../store.mjs').Task} task @param {number} now */
export const costFields = (task, now) => ({
  cost: (task.price / 1000).toFixed(5),
  ip: '203.0.113.7',
  createTime: Math.floor(task.createdAt / 1000),
  endTime: Math.floor(Math.min(task.readyAt, now) / 1000),
  solveCount: 1,
})
