/**
 * Real time for deadlines. The functions are taken when the module is loaded, so fake timers that a test installs later do not change
 * them; nor does a change of the system's clock.
 */

const { clearTimeout, performance, setTimeout } = globalThis

export { clearTimeout, setTimeout }

/** Monotonic, in milliseconds. */
export const now = performance.now.bind(performance)

/** Resolves after that time, or when the signal is aborted. @param {number} ms @param {AbortSignal} signal */
export function delay(ms, signal) {
  return /** @type {Promise<void>} */ (
    new Promise(resolve => {
      const end = () => {
        clearTimeout(timer)
        signal.removeEventListener('abort', end)
        resolve()
      }
      const timer = setTimeout(end, ms)
      signal.addEventListener('abort', end)
      if (signal.aborted) end()
    })
  )
}

/**
 * The lifetime of a token.
 * @typedef {object} Expiry
 * @property {() => number} leftMs how long it is still valid
 */

/**
 * @param {{ readyAt: number, expiresAt: number, elapsedMs: number }} solution
 * @param {number} startedAt when the solve was started, by `now`
 * @returns {Expiry}
 */
export function expiryOf({ readyAt, expiresAt, elapsedMs }, startedAt) {
  const end = startedAt + elapsedMs + (expiresAt - readyAt)
  return { leftMs: () => end - now() }
}
