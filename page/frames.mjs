/** Frames of a page, as both drivers show them, and which to look into. */

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

/** A frame that has no document yet, and may never have one, must not hold up the look at all others. */
const PATIENCE_WITH_FRAMES_MS = 500

/** @param {Frame} frame */
export const patienceWith = frame => (frame.parentFrame() ? PATIENCE_WITH_FRAMES_MS : undefined)

/** @param {string} address */
export function parsed(address) {
  try {
    return new URL(address)
  } catch {
    return undefined
  }
}

/** Whether a document has no address of its own. @param {string} address */
export const isPlaceless = address => address === '' || /^(?:about:|blob:)/.test(address)

/** The address of a frame, or of the nearest frame around it that has one. @param {Frame} frame @returns {URL | undefined} */
export function addressOf(frame) {
  for (let at = /** @type {Frame | null} */ (frame); at; at = at.parentFrame()) {
    if (!isPlaceless(at.url())) return parsed(at.url())
  }
}

/** To Puppeteer a page is not closed by the death of its browser. @param {Page} page */
export const isClosed = page => page.isClosed() || page.browser?.().connected === false

/** The page itself and its frames of the same origin. @param {Page} page */
export function framesToLookInto(page) {
  const main = page.mainFrame()
  const origin = addressOf(main)?.origin
  return page.frames().filter(frame => frame === main || addressOf(frame)?.origin === origin)
}

/**
 * What the widget in this frame says its page is. It is told to the provider, so nothing secret may be left in it.
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
