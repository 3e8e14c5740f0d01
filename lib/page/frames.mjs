/** Frames of a page, as both drivers show them, and which of them are the page's own. */

import { dispose, evaluate, withTimeout } from './evaluate.mjs'
import { canRead } from './in-page.mjs'
import { asBoolean } from './replies.mjs'

/**
 * A page of either driver, as this module calls it.
 * @typedef {object} Page
 * @property {() => boolean} isClosed
 * @property {() => { connected?: boolean }} [browser] Puppeteer's alone
 * @property {() => Frame} mainFrame
 * @property {() => Frame[]} frames
 * @property {(event: string, listener: () => void) => void} on
 * @property {(event: string, listener: () => void) => void} off
 */

/**
 * @typedef {object} Frame
 * @property {() => string} url
 * @property {() => Frame | null} parentFrame
 * @property {(pageFunction: Function | string, value?: unknown) => Promise<any>} evaluate
 * @property {(pageFunction: Function, value?: unknown) => Promise<any>} evaluateHandle
 * @property {() => Promise<any>} frameElement
 */

/** A frame that has no document yet, and may never have one, must not delay the scan of all others. */
const CHILD_FRAME_TIMEOUT_MS = 500

/** @param {Frame} frame */
export const timeoutOf = frame => (frame.parentFrame() ? CHILD_FRAME_TIMEOUT_MS : undefined)

/** @param {string} address */
export function parsed(address) {
  try {
    return new URL(address)
  } catch {
    return undefined
  }
}

/** Whether a document has no address of its own. @param {string} address */
export const hasNoAddress = address => address === '' || /^(?:about:|blob:)/.test(address)

/** The address of an own frame, or of the nearest frame around it that has one. @param {Frame} frame @returns {URL | undefined} */
export function addressOf(frame) {
  for (let at = /** @type {Frame | null} */ (frame); at; at = at.parentFrame()) {
    if (!hasNoAddress(at.url())) return parsed(at.url())
  }
}

/** Puppeteer does not mark a page as closed if its browser has died. @param {Page} page */
export const isClosed = page => page.isClosed() || page.browser?.().connected === false

/**
 * The origin in the address of a frame, if there is one. The document may still have another: that of the frame that navigated it to
 * `about:blank`, or an opaque one because of a sandbox.
 * @param {Frame} frame
 */
function originOf(frame) {
  const origin = parsed(frame.url())?.origin
  return origin === 'null' ? undefined : origin
}

/** Whether a frame can be the page's own, by its address. @param {Page} page @param {Frame} frame */
function mayBeOwn(page, frame) {
  const main = page.mainFrame()
  const origin = originOf(frame)
  return frame === main || origin === undefined || origin === originOf(main)
}

/**
 * Whether a frame is the page's own: from the main frame down, each document can read the document of the next frame. The outer document
 * is asked, because a frame of another origin chooses its own address. Nothing runs in the frame itself.
 * @param {Page} page
 * @param {Frame} frame
 * @param {number} [timeoutMs] how long each outer document may take
 */
export async function isOwn(page, frame, timeoutMs) {
  /** @type {Frame[]} */
  const path = []
  for (let at = /** @type {Frame | null} */ (frame); at !== page.mainFrame(); at = at.parentFrame()) {
    if (!at || !mayBeOwn(page, at)) return false
    path.unshift(at)
  }
  for (const inner of path) {
    const around = inner.parentFrame()
    if (!around) return false
    const outerTimeoutMs = timeoutMs ?? timeoutOf(around)
    const element = await withTimeout(() => inner.frameElement(), outerTimeoutMs)
    if (!element) return false
    try {
      if (!(await evaluate(() => element.evaluate(canRead), asBoolean, outerTimeoutMs))) return false
    } finally {
      dispose(element)
    }
  }
  return true
}

/** The page itself and the frames that may be its own; `isOwn` says which are. @param {Page} page */
export const framesToScan = page => page.frames().filter(frame => mayBeOwn(page, frame))

/**
 * The `websiteURL` of a widget in this own frame. It is sent to the provider, so it must contain no secret.
 * @param {Frame} frame
 */
export function websiteURLOf(frame) {
  const address = addressOf(frame)
  if (!address) return frame.url()
  address.username = ''
  address.password = ''
  address.hash = ''
  return address.href
}
