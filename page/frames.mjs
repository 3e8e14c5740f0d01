/** Frames of a page, as both drivers show them: which to look into, and which hold a challenge. */

import { sourceOf } from './in-page.mjs'

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

/** A page may be busy. A frame that has no document yet, and may never have one, must not hold up the look at all others. */
const PATIENCE_MS = 5000
const PATIENCE_WITH_FRAMES_MS = 500

/** @param {Frame} frame */
export const patienceWith = frame => (frame.parentFrame() ? PATIENCE_WITH_FRAMES_MS : PATIENCE_MS)

/** @param {string} address */
function parsed(address) {
  try {
    return new URL(address)
  } catch {
    return undefined
  }
}

/** Documents without an address of their own, which belong to the frame around them. @param {string} address */
const inherits = address => address === '' || /^(?:about:|blob:)/.test(address)

/** @param {Frame} frame @returns {URL | undefined} */
function addressOf(frame) {
  for (let at = /** @type {Frame | null} */ (frame); at; at = at.parentFrame()) {
    if (!inherits(at.url())) return parsed(at.url())
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

/**
 * The challenges in a frame: a widget's own iframe, which stands in a closed shadow root, carries its id and sitekey in its address.
 * @param {Page} page
 * @param {Frame} around
 */
export async function challengesIn(page, around) {
  const children = page.frames().filter(frame => frame.parentFrame() === around)
  const found = await Promise.all(
    children.map(async frame => {
      const segments = parsed(await destinationOf(frame))?.pathname.split('/') ?? []
      if (!segments.includes('challenge-platform') || !segments.includes('turnstile')) return []
      const at = segments.findIndex(segment => /^\dx[\w-]{8,}$/.test(segment))
      return at < 1 ? [] : [{ frame, widgetId: `cf-chl-widget-${segments[at - 1]}`, sitekey: segments[at] }]
    }),
  )
  return found.flat()
}

/** A frame that still loads, or could not, has no address that tells anything: its element says where it was to go. @param {Frame} frame */
async function destinationOf(frame) {
  if (!inherits(frame.url()) && !frame.url().startsWith('chrome-error:')) return frame.url()
  const element = await answerOf(() => frame.frameElement())
  const address = element && (await answerOf(() => element.evaluate(sourceOf)))
  dispose(element)
  return address ?? ''
}

/**
 * What a driver answers, or undefined if there is no answer to be had: the frame has gone, or has no document yet. A handle that comes
 * too late would hold on to a part of the page for as long as that lives.
 * @template T
 * @param {() => Promise<T>} ask of a frame that has gone Puppeteer refuses it at once, without a promise
 * @param {number} [patienceMs]
 * @returns {Promise<T | undefined>}
 */
export async function answerOf(ask, patienceMs = PATIENCE_MS) {
  /** @type {NodeJS.Timeout | undefined} */
  let timer
  try {
    const asked = ask()
    const late = new Promise(resolve => {
      timer = setTimeout(() => {
        resolve(undefined)
        asked.then(dispose, () => {})
      }, patienceMs)
    })
    return /** @type {T | undefined} */ (await Promise.race([asked, late]))
  } catch {
    return undefined
  } finally {
    clearTimeout(timer)
  }
}

/** @param {any} handle */
export function dispose(handle) {
  handle?.dispose?.().catch(() => {})
}
