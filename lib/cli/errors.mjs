/** The errors of the command line itself. The library reports errors as `TurnstileError`. */

/** Wrong usage. The message never contains a value, because it might be a secret in the wrong place. */
export class UsageError extends Error {
  /**
   * @param {string} message
   * @param {{ flag?: string, next?: string }} [details] `flag` as the user types it; `next` is what to do
   */
  constructor(message, { flag, next } = {}) {
    super(message)
    this.name = 'UsageError'
    this.flag = flag
    this.next = next
  }
}

/** A failure with a known cause, which needs no stack: a port in use, an addon that does not load. */
export class CommandError extends Error {
  /**
   * @param {string} message
   * @param {string} [next]
   */
  constructor(message, next) {
    super(message)
    this.name = 'CommandError'
    this.next = next
  }
}

/** The reader closed standard output. `task` is the task whose token was not written. */
export class OutputClosedError extends Error {
  /** @param {{ provider: import('../../index.js').Provider, taskId: string }} [task] */
  constructor(task) {
    super('standard output was closed before the token was written')
    this.name = 'OutputClosedError'
    this.task = task
  }
}

/** A signal stopped the command. */
export class InterruptedError extends Error {
  constructor() {
    super('interrupted')
    this.name = 'InterruptedError'
  }
}
