/** What solve and wait have in common: a token is waited for, shown, and handed over. */

import { OutputClosed } from './errors.mjs'
import { EXIT } from './exit-codes.mjs'
import { printable } from './format.mjs'
import { createdDetail, done, tokenDetail, watch } from './progress.mjs'
import { printJson } from './terminal.mjs'

/** @typedef {import('../../index.js').Solution} Solution */
/** @typedef {import('../../index.js').PollingOptions} PollingOptions */

/** A retry may be on its way by the time that its event is read. */
const RETRY_MARGIN_MS = 50

/**
 * @param {import('./run.mjs').Context} context
 * @param {(options: PollingOptions & { signal: AbortSignal }) => Promise<Solution>} call
 * @returns {Promise<number>}
 */
export async function deliver({ values, terminal, interrupts, style, talks }, call) {
  const { provider = '', 'task-id': known } = values
  const progress = watch(terminal, { provider, taskId: known, style })
  // Between two attempts to create the task nothing is on its way, and nothing can be lost.
  let idleUntil = 0
  if (known === undefined) {
    interrupts.hold({
      needed: () => performance.now() >= idleUntil,
      begins() {
        if (talks)
          terminal.say('The task is just being created: waiting for its id. Once more leaves at once.')
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
        // Left on the screen, so that the id is there whatever becomes of the process.
        if (event.phase === 'created' && talks && terminal.live)
          terminal.say(done(terminal, 'task', createdDetail(event)))
        if (event.taskId !== undefined) return interrupts.release()
        idleUntil = performance.now() + (event.retryDelayMs ?? 0) - RETRY_MARGIN_MS
        interrupts.review()
      },
    })
  } finally {
    interrupts.release()
    progress.stop()
  }
  if (talks && terminal.live) terminal.say(done(terminal, 'token', tokenDetail(solution)))
  try {
    if (values.json) await printJson(terminal, solution)
    else await terminal.print(terminal.isTTY ? printable(solution.token) : solution.token)
  } catch (error) {
    const { provider, taskId } = solution
    throw error instanceof OutputClosed ? new OutputClosed({ provider, taskId }) : error
  }
  return EXIT.ok
}
