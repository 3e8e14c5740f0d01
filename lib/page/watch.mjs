/** Watches over a page while something is under way for it: whether it closes, crashes or leaves, or the caller gives up. */

import { isAlive } from './answers.mjs'
import { isClosed } from './frames.mjs'

/** @typedef {import('./frames.mjs').Page} Page */
/** @typedef {'aborted' | 'closed' | 'crashed' | 'navigated'} End */
/** @typedef {ReturnType<typeof watch>} Watch */

/** A page that closes loses its documents first. What is over after this time was not closed. */
const CLOSING_MS = 500

/**
 * @param {Page} page
 * @param {AbortSignal} [signal] the caller's
 */
export function watch(page, signal) {
  const stop = new AbortController()
  /** @type {End | undefined} */
  let end
  let free = false
  /** @type {Promise<void>} */
  const whenOver = new Promise(resolve => {
    stop.signal.addEventListener('abort', () => resolve(), { once: true })
  })
  /** @type {any} */
  let held
  /** @type {NodeJS.Timeout | undefined} */
  let closing

  /** @param {End} how @param {unknown} [reason] */
  const over = (how, reason) => {
    if (end || (free && how !== 'aborted')) return
    end = how
    rest()
    stop.abort(reason)
  }
  const rest = () => {
    held = undefined
    clearTimeout(closing)
    closing = undefined
  }
  const closed = () => over('closed')
  const crashed = () => over('crashed')
  const aborted = () => over('aborted', signal?.reason)

  /** The document is gone if its handle is. */
  const check = async () => {
    const asked = held
    if (!asked || (await isAlive(asked)) || asked !== held) return
    closing ??= setTimeout(() => over(isClosed(page) ? 'closed' : 'navigated'), CLOSING_MS)
  }

  /** A crash is `crash` to Playwright and `error` to Puppeteer. @type {[string, () => void][]} */
  const events = [
    ['close', closed],
    ['crash', crashed],
    ['error', crashed],
    ['framenavigated', check],
    ['framedetached', check],
  ]
  for (const [name, listener] of events) page.on(name, listener)
  signal?.addEventListener('abort', aborted, { once: true })
  if (signal?.aborted) aborted()
  if (isClosed(page)) closed()

  return {
    /** Fires when it is over, whatever the reason. */
    signal: stop.signal,
    whenOver,
    end() {
      if (isClosed(page)) closed()
      return end
    },
    /** From now on it is over, too, when the document of this handle is gone. @param {any} handle */
    hold(handle) {
      held = handle
      check()
    },
    /** From now on the page may go where it likes. */
    letGo() {
      free = true
      rest()
    },
    /** Waits until it is known whether the document is gone. */
    async settled() {
      await check()
      if (closing) await whenOver
    },
    close() {
      rest()
      for (const [name, listener] of events) page.off(name, listener)
      signal?.removeEventListener('abort', aborted)
    },
  }
}
