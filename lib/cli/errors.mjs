/** The ways in which the command line itself fails. What the library refuses comes as a TurnstileError. */

/** A command line that cannot be obeyed. Its text never repeats a value: it might be a secret in the wrong place. */
export class UsageError extends Error {
  /**
   * @param {string} message
   * @param {{ flag?: string, next?: string }} [more] `flag` as the user types it; `next` is what to do
   */
  constructor(message, { flag, next } = {}) {
    super(message)
    this.name = 'UsageError'
    this.flag = flag
    this.next = next
  }
}

/** A failure that has a plain cause and needs no stack: a port that is taken, an addon that does not load. */
export class PlainError extends Error {
  /**
   * @param {string} message
   * @param {string} [next]
   */
  constructor(message, next) {
    super(message)
    this.name = 'PlainError'
    this.next = next
  }
}

/** Whoever reads standard output is gone. `solution` is what could not be handed over. */
export class OutputClosed extends Error {
  /** @param {{ provider: string, taskId: string }} [solution] */
  constructor(solution) {
    super('standard output was closed before the token was written')
    this.name = 'OutputClosed'
    this.solution = solution
  }
}

/** A signal came: why the rest is not done. */
export class Interrupted extends Error {
  constructor() {
    super('interrupted')
    this.name = 'Interrupted'
  }
}
