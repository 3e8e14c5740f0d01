/** The exit codes. */

export const EXIT = Object.freeze({
  ok: 0,
  failure: 1,
  usage: 2,
  account: 3,
  unavailable: 4,
  taskFailed: 5,
  rejected: 6,
  timeout: 7,
  connection: 8,
  protocol: 9,
  SIGINT: 130,
  SIGTERM: 143,
})

/** The table in `--help` and in the documentation. @type {ReadonlyArray<readonly [codes: string, meaning: string]>} */
export const exitCodeTable = [
  ['0', 'success'],
  ['1', 'the command failed: the addon does not load, the port is in use, an unexpected error'],
  ['2', 'wrong usage: a command, a flag, a value, no key (INVALID_OPTIONS)'],
  ['3', 'the provider refused the key, the balance or the plan (PROVIDER_ERROR, reason account)'],
  ['4', 'the provider is busy, or has banned the key for a while (reasons busy, banned); try again later'],
  ['5', 'the task failed or is unknown; only a new task can succeed (reasons unsolvable, expired)'],
  ['6', 'the provider refused the task; correct it first (reasons request, proxy, unknown)'],
  ['7', 'TIMEOUT; wait continues a task that was created'],
  ['8', 'CONNECTION_FAILED'],
  ['9', 'HTTP_ERROR or INVALID_RESPONSE: the reply does not follow the protocol'],
  ['130', 'Ctrl-C (143: SIGTERM); wait continues a task that was created'],
]

/** @type {Record<import('../../index.js').ProviderErrorReason, number>} */
const REASONS = {
  account: EXIT.account,
  banned: EXIT.unavailable,
  busy: EXIT.unavailable,
  unsolvable: EXIT.taskFailed,
  expired: EXIT.taskFailed,
  request: EXIT.rejected,
  proxy: EXIT.rejected,
  unknown: EXIT.rejected,
}

/**
 * @param {Pick<import('../../index.js').TurnstileError, 'code' | 'reason'>} error
 * @param {'SIGINT' | 'SIGTERM'} [signal] the cause of an ABORT_ERR
 * @returns {number}
 */
export function exitCodeOf({ code, reason }, signal = 'SIGINT') {
  switch (code) {
    case 'INVALID_OPTIONS':
      return EXIT.usage
    case 'PROVIDER_ERROR':
      return REASONS[reason ?? 'unknown'] ?? EXIT.rejected
    case 'TIMEOUT':
      return EXIT.timeout
    case 'CONNECTION_FAILED':
      return EXIT.connection
    case 'HTTP_ERROR':
    case 'INVALID_RESPONSE':
      return EXIT.protocol
    case 'ABORT_ERR':
      return EXIT[signal]
    default:
      return EXIT.failure
  }
}
