/** Waits for a token and prints it, for the commands solve and wait. */

import { OutputClosedError } from './errors.mjs'
import { EXIT } from './exit-codes.mjs'
import { printJson } from './json.mjs'
import { createdDetail, showProgress, stepLine, tokenDetail } from './progress.mjs'

/** @typedef {import('../../index.js').Solution} Solution */
/** @typedef {import('../../index.js').PollingOptions} PollingOptions */

/** By the time that the event of a retry is read, its request may have been sent. */
const RETRY_MARGIN_MS = 50

/**
 * @param {import('./run.mjs').Context} context
 * @param {(options: PollingOptions & { signal: AbortSignal }) => Promise<Solution>} call
 * @returns {Promise<number>}
 */
export async function printToken({ values, terminal, interrupts, progressFormat, verbose, withFlags }, call) {
  const { provider = '', 'task-id': knownTask } = values
  const progress = showProgress(terminal, {
    provider,
    taskId: knownTask,
    format: progressFormat,
    withFlags,
  })
  // Between two attempts to create the task no request is in flight, so nothing can be lost.
  let idleUntil = 0
  if (knownTask === undefined) {
    interrupts.defer({
      isNeeded: () => performance.now() >= idleUntil,
      onDefer() {
        if (verbose)
          terminal.log('The task is being created: waiting for its id. Press Ctrl-C again to exit at once.')
      },
    })
  }
  /** @type {Solution} */
  let solution
  try {
    solution = await call({
      signal: interrupts.signal,
      onProgress(event) {
        progress.onProgress(event)
        // Stays on the screen, so that the id is known even if the process is killed.
        if (event.phase === 'created' && verbose && terminal.interactive)
          terminal.log(stepLine(terminal, 'task', createdDetail(event)))
        if (event.taskId !== undefined) return interrupts.stopDeferring()
        idleUntil = performance.now() + (event.retryDelayMs ?? 0) - RETRY_MARGIN_MS
        interrupts.recheck()
      },
    })
  } finally {
    interrupts.stopDeferring()
    progress.stop()
  }
  if (verbose && terminal.interactive) terminal.log(stepLine(terminal, 'token', tokenDetail(solution)))
  try {
    if (values.json) await printJson(terminal, solution)
    else if (terminal.isTTY) await terminal.print(solution.token)
    else await terminal.write(`${solution.token}\n`)
  } catch (error) {
    const { provider, taskId } = solution
    throw error instanceof OutputClosedError ? new OutputClosedError({ provider, taskId }) : error
  }
  return EXIT.ok
}
