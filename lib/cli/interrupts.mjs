/**
 * Ctrl-C and SIGTERM. The first signal aborts the command, the second ends the process at once. While a task is being
 * created the first signal is deferred until its id is known: without its id a paid task is lost.
 */

import { InterruptedError } from './errors.mjs'
import { EXIT } from './exit-codes.mjs'

/** @typedef {'SIGINT' | 'SIGTERM'} Signal */
/** `onDefer` is called when a signal is deferred. @typedef {{ isNeeded: () => boolean, onDefer: () => void }} Deferral */

/** @type {readonly Signal[]} */
const SIGNALS = ['SIGINT', 'SIGTERM']

const MAX_DEFERRAL_MS = 5000
// npx passes on a signal that the terminal has already sent to every process: both count as one.
const DUPLICATE_MS = 300

/** @param {{ exit: (exitCode: number) => void }} options */
export function handleSignals({ exit }) {
  const controller = new AbortController()
  /** @type {{ signal: Signal, at: number } | undefined} */
  let first
  /** @type {Deferral | undefined} */
  let deferral
  /** @type {NodeJS.Timeout | undefined} */
  let timer

  const abort = () => {
    clearTimeout(timer)
    timer = deferral = undefined
    controller.abort(new InterruptedError())
  }

  /** @param {Signal} signal */
  const interrupt = signal => {
    if (first) {
      if (performance.now() - first.at > DUPLICATE_MS) exit(EXIT[signal])
      return
    }
    first = { signal, at: performance.now() }
    if (!deferral?.isNeeded()) return abort()
    deferral.onDefer()
    timer = setTimeout(abort, MAX_DEFERRAL_MS)
  }

  const listeners = SIGNALS.map(signal => /** @type {const} */ ([signal, () => interrupt(signal)]))
  for (const [signal, listener] of listeners) process.on(signal, listener)

  return {
    signal: controller.signal,
    interrupt,
    /** The first signal received. */
    get received() {
      return first?.signal
    },

    /** Defers signals from now on, while that is needed. @param {Deferral} next */
    defer(next) {
      deferral = next
    },

    /** Aborts if a signal is deferred and need not be any longer. */
    recheck() {
      if (timer && !deferral?.isNeeded()) abort()
    },

    /** Defers no signal from now on, and aborts if one is deferred. */
    stopDeferring() {
      deferral = undefined
      if (timer) abort()
    },

    /** Removes the listeners. */
    close() {
      clearTimeout(timer)
      for (const [signal, listener] of listeners) process.off(signal, listener)
    },
  }
}

/** @typedef {ReturnType<typeof handleSignals>} Interrupts */
