/** The iframes of widgets. Such an iframe is in a closed shadow root; its address contains the widget's id and sitekey. */

import { dispose, evaluate, withTimeout } from './evaluate.mjs'
import { addressOf, hasNoAddress, parsed } from './frames.mjs'
import { addFramed, idOf, idsOf, sourceOf } from './in-page.mjs'
import { asAny, asString, asStrings } from './replies.mjs'

/** @typedef {import('./frames.mjs').Page} Page */
/** @typedef {import('./frames.mjs').Frame} Frame */
/** @typedef {{ frame: Frame, widgetId: string, sitekey: string }} Challenge */

const CLOUDFLARE = 'https://challenges.cloudflare.com'

/** @param {URL | undefined} address */
const isLoopback = address => /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(address?.hostname ?? '')

/**
 * Whether a widget's iframe can have this address: it is Cloudflare's, or, for tests, both the page and the stand-in for Cloudflare are on loopback.
 * @param {URL} address
 * @param {URL | undefined} page the address of the page
 */
export const isChallengeHost = (address, page) =>
  address.origin === CLOUDFLARE || (isLoopback(address) && isLoopback(page))

/**
 * @param {Page} page
 * @param {Frame} around
 * @returns {Promise<Challenge[]>}
 */
export async function challengesIn(page, around) {
  const children = page.frames().filter(frame => frame.parentFrame() === around)
  const found = await Promise.all(
    children.map(async frame => {
      const address = parsed(await destinationOf(frame))
      if (!address || !isChallengeHost(address, addressOf(around))) return []
      const segments = address.pathname.split('/')
      if (!segments.includes('challenge-platform') || !segments.includes('turnstile')) return []
      const at = segments.findIndex(segment => /^\dx[\w-]{8,}$/.test(segment))
      return at < 1 ? [] : [{ frame, widgetId: `cf-chl-widget-${segments[at - 1]}`, sitekey: segments[at] }]
    }),
  )
  return found.flat()
}

/** Where a frame leads. While it loads, or if it failed to load, only its element knows the address. @param {Frame} frame */
async function destinationOf(frame) {
  if (!hasNoAddress(frame.url()) && !frame.url().startsWith('chrome-error:')) return frame.url()
  const address = await ofElement(frame, element => evaluate(() => element.evaluate(sourceOf), asString))
  return address ?? ''
}

/**
 * Adds the widgets without a response field, which have only an iframe. Any frame can navigate itself to an address of Cloudflare, but only
 * the page can give an element the id that Turnstile gives to its iframe.
 * @param {any} list
 * @param {Challenge[]} challenges
 */
export async function addHidden(list, challenges) {
  if (challenges.length === 0) return
  const ids = await evaluate(() => list.evaluate(idsOf), asStrings)
  for (const { frame, widgetId } of challenges.filter(({ widgetId }) => !ids?.includes(widgetId))) {
    await ofElement(frame, async iframe => {
      const id = await evaluate(() => iframe.evaluate(idOf), asString)
      if (id === widgetId) await evaluate(() => iframe.evaluate(addFramed, list), asAny)
    })
  }
}

/**
 * @template T
 * @param {Frame} frame
 * @param {(element: any) => Promise<T>} use
 */
async function ofElement(frame, use) {
  const element = await withTimeout(() => frame.frameElement())
  if (!element) return
  try {
    return await use(element)
  } finally {
    dispose(element)
  }
}
