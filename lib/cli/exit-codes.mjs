/** What the exit code says, so that a script can branch on it. */

export const EXIT = Object.freeze({
  ok: 0,
  internal: 1,
  usage: 2,
  account: 3,
  notNow: 4,
  taskFailed: 5,
  refused: 6,
  timeout: 7,
  connection: 8,
  answer: 9,
  SIGINT: 130,
  SIGTERM: 143,
})

/** The table of `--help`. @type {ReadonlyArray<readonly [codes: string, meaning: string]>} */
export const exitCodeTable = [
  ['0', 'done'],
  ['1', 'the program itself failed: no addon, a port that is taken, something unforeseen'],
  ['2', 'wrong usage: a flag, a value, no key (INVALID_OPTIONS)'],
  ['3', 'the key, the balance or the plan was refused (PROVIDER_ERROR, reason account)'],
  ['4', 'not now: banned for a while, or busy (reasons banned, busy)'],
  ['5', 'the task failed or is gone; only a new one helps (reasons unsolvable, expired)'],
  ['6', 'refused for another reason; correct the task (reasons request, proxy, unknown)'],
  ['7', 'TIMEOUT; a task that was created can be resumed with wait'],
  ['8', 'CONNECTION_FAILED'],
  ['9', 'HTTP_ERROR, INVALID_RESPONSE: what answered breaks the protocol'],
  ['130', 'Ctrl-C; a task that was created can be resumed with wait (143: SIGTERM)'],
]

/** @type {Record<import('../../index.js').ProviderErrorReason, number>} */
const REASONS = {
  account: EXIT.account,
  banned: EXIT.notNow,
  busy: EXIT.notNow,
  unsolvable: EXIT.taskFailed,
  expired: EXIT.taskFailed,
  request: EXIT.refused,
  proxy: EXIT.refused,
  unknown: EXIT.refused,
}

/**
 * @param {Pick<import('../../index.js').TurnstileError, 'code' | 'reason'>} error
 * @param {'SIGINT' | 'SIGTERM'} [signal] that was behind an ABORT_ERR
 * @returns {number}
 */
export function exitCodeOf({ code, reason }, signal = 'SIGINT') {
  switch (code) {
    case 'INVALID_OPTIONS':
      return EXIT.usage
    case 'PROVIDER_ERROR':
      return REASONS[reason ?? 'unknown'] ?? EXIT.refused
    case 'TIMEOUT':
      return EXIT.timeout
    case 'CONNECTION_FAILED':
      return EXIT.connection
    case 'HTTP_ERROR':
    case 'INVALID_RESPONSE':
      return EXIT.answer
    case 'ABORT_ERR':
      return EXIT[signal]
    default:
      return EXIT.internal
  }
}
