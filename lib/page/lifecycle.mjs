/** The lifecycle of a page during a call: whether it closes, crashes or navigates, or the caller aborts. */

import { clearTimeout, setTimeout } from './clock.mjs'
import { isAlive } from './evaluate.mjs'
import { isClosed } from './frames.mjs'

/** @typedef {import('./frames.mjs').Page} Page */
/** @typedef {'aborted' | 'closed' | 'crashed' | 'navigated'} EndReason */
/** @typedef {ReturnType<typeof watchLifecycle>} Lifecycle */

/** A page that closes loses its documents first. If it is still open after this time, it has navigated. */
const CLOSING_MS = 500

/**
 * @param {Page} page
 * @param {AbortSignal} [signal] the caller's
 */
export function watchLifecycle(page, signal) {
  const controller = new AbortController()
  /** @type {EndReason | undefined} */
  let endReason
  let isDetached = false
  /** @type {Promise<void>} */
  const ended = new Promise(resolve => {
    controller.signal.addEventListener('abort', () => resolve(), { once: true })
  })
  /** @type {any} */
  let attached
  /** @type {NodeJS.Timeout | undefined} */
  let closing

  /** @param {EndReason} as @param {unknown} [reason] */
  const end = (as, reason) => {
    if (endReason || (isDetached && as !== 'aborted')) return
    endReason = as
    release()
    controller.abort(reason)
  }
  const release = () => {
    attached = undefined
    clearTimeout(closing)
    closing = undefined
  }
  const onClose = () => end('closed')
  const onCrash = () => end('crashed')
  const onAbort = () => end('aborted', signal?.reason)

  /** The document is gone if its handle is. */
  const check = async () => {
    const handle = attached
    if (!handle || (await isAlive(handle)) || handle !== attached) return
    closing ??= setTimeout(() => end(isClosed(page) ? 'closed' : 'navigated'), CLOSING_MS)
  }

  /** Playwright calls a crash `crash`, and Puppeteer `error`. @type {[string, () => void][]} */
  const events = [
    ['close', onClose],
    ['crash', onCrash],
    ['error', onCrash],
    ['framenavigated', check],
    ['framedetached', check],
  ]
  for (const [name, listener] of events) page.on(name, listener)
  signal?.addEventListener('abort', onAbort, { once: true })
  if (signal?.aborted) onAbort()
  if (isClosed(page)) onClose()

  return {
    /** Aborted when the call ends early, for whatever reason. */
    signal: controller.signal,
    ended,
    endReason() {
      if (isClosed(page)) onClose()
      return endReason
    },
    /** From now on, the call also ends early if the document of this handle is gone. @param {any} handle */
    attach(handle) {
      attached = handle
      check()
    },
    /** From now on, only the caller's signal ends the call early. */
    detach() {
      isDetached = true
      release()
    },
    /** Waits until it is known whether the document is gone. */
    async checked() {
      await check()
      if (closing) await ended
    },
    close() {
      release()
      for (const [name, listener] of events) page.off(name, listener)
      signal?.removeEventListener('abort', onAbort)
    },
  }
}
