/**
 * The outcome of every fault of the sandbox in every call, written by hand from the contract. Outcomes that depend on time, such as a
 * request without a reply, a Retry-After and a fault without end, are in the matrix in Rust, where time is paused.
 */

/** @typedef {import('../../index.js').TurnstileErrorCode} Code */
/** @typedef {import('../../index.js').ProviderErrorReason} Reason */
/** @typedef {import('../../lib/sandbox/index.mjs').FaultRule} FaultRule */
/** @typedef {import('../../lib/sandbox/index.mjs').FaultName} FaultName */

/**
 * - `ok`: the call succeeds.
 * - `waits`: the task is not ready; polling continues, and nothing counts as a retry.
 * - `again`: the request is sent again, and the call succeeds. If the fault never ends: TIMEOUT, with the fault as its cause.
 * - `charge-unknown`: ends at once; a task may exist and be charged, and its id is unknown.
 * - `free`: ends at once; nothing is charged.
 * - `resumable`: ends at once; the task is paid for, and its id is in the error.
 * @typedef {'ok' | 'waits' | 'again' | 'charge-unknown' | 'free' | 'resumable'} Word
 */

/**
 * What an exchange looks like from the client's side: these fields, and no others, are on the error.
 * @typedef {{ code: Code, status?: number, errorId?: number, errorCode?: string, reason?: Reason, retryAfterMs?: number }} Seen
 */

/** `taskId`: the reply names this task, which the sandbox does not know. @typedef {{ word: Word, seen?: Seen, taskId?: string }} Cell */

/**
 * @typedef {object} Row
 * @property {string} group the line of docs/time-and-money.md that it belongs to
 * @property {string} name what goes wrong, in a few words
 * @property {FaultName} fault
 * @property {(call: 'createTask' | 'getTaskResult' | 'getBalance') => Partial<FaultRule>} params
 * @property {boolean[]} accepted whether the request is processed, which the client does not see
 * @property {Seen} [seen]
 * @property {(Cell | null)[]} cells in the order of `columns`; null where the fault cannot be
 * @property {boolean} [unready] the task is ready only after the fault
 * @property {boolean} [http2]
 */

/** @typedef {'createTask' | 'solveTurnstile' | 'waitForTask' | 'getTaskResult' | 'getBalance'} CallName */
/** @typedef {{ call: CallName, method: 'createTask' | 'getTaskResult' | 'getBalance', title: string }} Column */

/** Which call meets the fault, and in which of its requests. @type {Column[]} */
export const columns = [
  { call: 'createTask', method: 'createTask', title: 'createTask' },
  { call: 'solveTurnstile', method: 'createTask', title: 'solveTurnstile, creating' },
  { call: 'solveTurnstile', method: 'getTaskResult', title: 'solveTurnstile, polling' },
  { call: 'waitForTask', method: 'getTaskResult', title: 'waitForTask' },
  { call: 'getTaskResult', method: 'getTaskResult', title: 'getTaskResult' },
  { call: 'getBalance', method: 'getBalance', title: 'getBalance' },
]

/** @type {Seen} */
const lost = { code: 'CONNECTION_FAILED' }
/** @type {Seen} */
const garbled = { code: 'INVALID_RESPONSE', status: 200 }
/** @param {number} status @returns {Seen} */
const http = status => ({ code: 'HTTP_ERROR', status })
/** @param {string} errorCode @param {Reason} reason @param {number} [status] EZ-Captcha sends most errors with 500 @returns {Seen} */
const refused = (errorCode, reason, status = 500) => ({
  code: 'PROVIDER_ERROR',
  status,
  errorId: 1,
  errorCode,
  reason,
})

/** @type {Row[]} */
export const rows = []

/**
 * @param {string} group
 * @param {Seen | undefined} seen
 * @param {string} words of the six columns; `-` where the fault cannot be
 * @param {[name: string, fault: FaultName, more?: Partial<Omit<Row, 'params'>> & { params?: Partial<FaultRule> | Row['params'] }][]} faults
 */
function table(group, seen, words, faults) {
  for (const [name, fault, { params = {}, ...more } = {}] of faults) {
    /** @type {(Cell | null)[]} */
    const cells = words
      .split(/\s+/)
      .map(word => (word === '-' ? null : { word: /** @type {Word} */ (word), seen }))
    const paramsOf = typeof params === 'function' ? params : () => params
    rows.push({ group, name, fault, accepted: [false], seen, cells, ...more, params: paramsOf })
  }
}

const either = { accepted: [false, true] }
const acted = { accepted: [true] }

// The columns: createTask, solve (createTask), solve (getTaskResult), waitForTask, getTaskResult, getBalance.
const NOTHING_WRONG = 'ok ok ok ok ok ok'
const EVERYWHERE_AGAIN = 'again again again again again again'
const BUT_NOT_CREATE = 'charge-unknown charge-unknown again again again again'
const REFUSED = 'free free resumable resumable resumable free'
const BROKEN_RESULT = '- - resumable resumable resumable -'

table('An answer that is late, or followed by a close', undefined, NOTHING_WRONG, [
  ['late, but in time', 'latency', { ...acted, params: { delayMs: 5 } }],
  ['byte by byte, but in time', 'slow-body', { ...acted, params: { intervalMs: 0 } }],
])
table('An answer that is late, or followed by a close', undefined, 'ok ok waits waits waits ok', [
  ['closed after the answer', 'close-after', { ...acted, unready: true }],
])

table('Reset, closed or cut off before the answer was complete', lost, BUT_NOT_CREATE, [
  ['connection-reset', 'connection-reset'],
  ['reset once it was acted on', 'connection-reset-after-processing', acted],
  ['stream reset', 'stream-reset', either],
  ['closed unanswered', 'goaway', either],
  ['body cut short', 'truncated-body', either],
  ['HTTP/2 stream reset', 'stream-reset', { ...either, http2: true }],
])

table('HTTP/2 says that the request was not taken', lost, EVERYWHERE_AGAIN, [
  ['HTTP/2 stream refused', 'stream-reset', { http2: true, params: { http2Code: 7 } }],
  ['HTTP/2 GOAWAY', 'goaway', { http2: true }],
])

table('200, but no answer of the task API: cut JSON, a page, nothing, over 1 MiB', garbled, BUT_NOT_CREATE, [
  ['truncated JSON', 'truncated-json', either],
  ['empty body', 'empty-body', either],
  ['HTML with 200', 'html', either],
  ['no envelope', 'unexpected-json', either],
  ['wrong JSON types', 'wrong-types', either],
  ['over 1 MiB', 'oversized', either],
  ['endless whitespace', 'whitespace', either],
  ['a JSON array', 'reply', { params: { body: [{ errorId: 0, status: 'ready' }] } }],
])

for (const [fault, status] of /** @type {const} */ ([
  ['408', 408],
  ['500-html', 500],
  ['502', 502],
  ['503', 503],
])) {
  table('408 or 5xx from a gateway', http(status), BUT_NOT_CREATE, [[`${status}`, fault, either]])
}
table('A redirect: it is not followed', http(307), 'free free again again again again', [
  ['redirect (307)', 'redirect'],
])
// What 303 says is that the POST was done and that its result is elsewhere.
table('303, a redirect that says that the request was acted on', http(303), BUT_NOT_CREATE, [
  ['redirect (303)', 'reply', { ...either, params: { status: 303, headers: { location: '/elsewhere' } } }],
])
for (const status of [403, 404]) {
  table('Any other 4xx without an answer of the task API', http(status), REFUSED, [
    [`${status}`, 'reply', { params: { status, body: '<html>no</html>' } }],
  ])
}

table('Refused for now: 429, or `reason: busy`', http(429), EVERYWHERE_AGAIN, [['429', '429']])
for (const [code, status] of /** @type {[string, number][]} */ ([
  ['ERROR_INTERNAL_SERVER_ERROR', 500],
  ['ERROR_REQUEST_LIMIT', 429],
  ['ERROR_SERVICE_UNAVAILABLE', 500],
])) {
  table('Refused for now: 429, or `reason: busy`', refused(code, 'busy', status), EVERYWHERE_AGAIN, [
    [code, 'error', { params: { errorCode: code } }],
  ])
}
const unknownCode = 'ERROR_UNKNOWN_CODE'
table('Refused for now: 429, or `reason: busy`', refused(unknownCode, 'unknown', 429), EVERYWHERE_AGAIN, [
  [`${unknownCode}, 429`, 'error', { params: { errorCode: unknownCode, status: 429 } }],
])

for (const [code, reason, status, words] of /** @type {[string, Reason, number, string][]} */ ([
  ['ERROR_KEY_DOES_NOT_EXIST', 'account', 500, REFUSED],
  ['ERROR_ZERO_BALANCE', 'account', 500, REFUSED],
  ['ERROR_REQUEST_PARAMETERS', 'request', 400, REFUSED],
  ['ERROR_TASK_NOT_EXIST', 'expired', 500, REFUSED],
  ['ERROR_REQUEST_PROXY_MISSING', 'proxy', 500, REFUSED],
  [unknownCode, 'unknown', 500, REFUSED],
])) {
  table(
    'Refused for good: `reason` is account, request, expired, proxy or unknown',
    refused(code, reason, status),
    words,
    [[code, 'error', { params: { errorCode: code } }]],
  )
}
// At least a minute of silence, since one probe a minute is all that a ban allows.
table(
  '`reason: banned`: nothing but polls is sent for `retryAfterMs`',
  { ...refused('ERROR_REQUEST_BANNED', 'banned', 429), retryAfterMs: 60_000 },
  'free free again again again free',
  [['ERROR_REQUEST_BANNED', 'error', { params: { errorCode: 'ERROR_REQUEST_BANNED' } }]],
)
for (const encoding of /** @type {const} */ (['plain', 'percent', 'base64'])) {
  table(
    'A refusal whose text repeats the key: it is taken out',
    refused('ERROR_REQUEST_PARAMETERS', 'request', 400),
    REFUSED,
    [[`the key echoed (${encoding})`, 'echo-key', { params: { encoding } }]],
  )
}

const unsolvable = refused('ERROR_CAPTCHA_UNSOLVABLE', 'unsolvable', 200)
table('`reason: unsolvable`: the task failed', unsolvable, 'ok resumable resumable resumable resumable -', [
  ['the task fails', 'failed-task', acted],
])
table('`reason: unsolvable`: the task failed', refused('', 'unsolvable', 200), BROKEN_RESULT, [
  ['the task fails, no code', 'reply', { params: { body: { errorId: 1, status: 'failed' } } }],
])
table('The task is not ready, said in another way', undefined, '- - waits waits waits -', [
  ['CAPTCHA_NOT_READY', 'error', { params: { errorCode: 'CAPTCHA_NOT_READY' } }],
  ['status idle', 'reply', { params: { body: { errorId: 0, status: 'idle' } } }],
])

table('Created, but without an id', garbled, 'charge-unknown charge-unknown - - - -', [
  ['created without an id', 'created-without-id', acted],
])
table('An unknown status, or ready without a token', garbled, BROKEN_RESULT, [
  ['unknown status', 'unknown-status', acted],
  ['ready without a token', 'ready-without-token', acted],
  ['ready with solution null', 'ready-null-solution', acted],
])

// Valid JSON in the shape of a reply is accepted. Afterwards its task is unknown.
const unknownTask = refused('ERROR_TASK_NOT_EXIST', 'expired')
/** @type {(Cell | null)[]} */
const accepted = [
  { word: 'ok', taskId: 'x' },
  { word: 'resumable', taskId: 'x', seen: unknownTask },
]
const deep = /** @type {const} */ ({ word: 'resumable', seen: garbled })
table('JSON nested 100 000 levels deep', garbled, '', [
  ['deep JSON', 'deep-json', { cells: [...accepted, deep, deep, deep, { word: 'free', seen: garbled }] }],
])
const success = {
  createTask: { errorId: 0, taskId: 'x', news: { a: 1 } },
  getTaskResult: { errorId: 0, status: 'ready', solution: { gRecaptchaResponse: 'token' }, news: [1] },
  getBalance: { errorId: 0, balance: 7, news: null },
}
for (const status of [200, 500]) {
  const ok = /** @type {const} */ ({ word: 'ok' })
  table('A success with unknown fields, or with an HTTP status of failure', undefined, '', [
    [
      `success with HTTP ${status}`,
      'reply',
      {
        params: call => ({ status, body: success[call] }),
        cells: [...accepted, ok, ok, ok, ok],
      },
    ],
  ])
}
