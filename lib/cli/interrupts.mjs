/**
 * Ctrl-C and SIGTERM. The first aborts what is under way, the second leaves at once. While a task is being created the first
 * waits for its id: a task that is paid for and has no name is lost.
 */

import { Interrupted } from './errors.mjs'
import { EXIT } from './exit-codes.mjs'

/** @typedef {'SIGINT' | 'SIGTERM'} Signal */
/** `begins` is called when a signal starts to wait. @typedef {{ needed: () => boolean, begins: () => void }} Hold */

/** @type {readonly Signal[]} */
const SIGNALS = ['SIGINT', 'SIGTERM']

const HOLD_MS = 5000
// npx passes on the signal that the terminal has sent already: two at once are one.
const SAME_PRESS_MS = 300

/** @param {{ leave: (exitCode: number) => void }} world `leave` ends the process */
export function listenForInterrupts({ leave }) {
  const controller = new AbortController()
  /** @type {{ signal: Signal, at: number } | undefined} */
  let first
  /** @type {Hold | undefined} */
  let hold
  /** @type {NodeJS.Timeout | undefined} */
  let patience

  const abort = () => {
    clearTimeout(patience)
    patience = hold = undefined
    controller.abort(new Interrupted())
  }

  /** @param {Signal} signal */
  const interrupt = signal => {
    if (first) {
      if (performance.now() - first.at > SAME_PRESS_MS) leave(EXIT[signal])
      return
    }
    first = { signal, at: performance.now() }
    if (!hold?.needed()) return abort()
    hold.begins()
    patience = setTimeout(abort, HOLD_MS)
  }

  const listeners = SIGNALS.map(signal => /** @type {const} */ ([signal, () => interrupt(signal)]))
  for (const [signal, listener] of listeners) process.on(signal, listener)

  return {
    signal: controller.signal,
    interrupt,
    /** The signal that came first. */
    get received() {
      return first?.signal
    },

    /** @param {Hold} next from here on a signal waits where it has to */
    hold(next) {
      hold = next
    },

    /** A signal that waits has its way, unless it has to wait on. */
    review() {
      if (patience && !hold?.needed()) abort()
    },

    /** From here on no signal waits. */
    release() {
      hold = undefined
      if (patience) abort()
    },

    stop() {
      clearTimeout(patience)
      for (const [signal, listener] of listeners) process.off(signal, listener)
    },
  }
}

/** @typedef {ReturnType<typeof listenForInterrupts>} Interrupts */
