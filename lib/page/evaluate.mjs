/** Evaluation in a page, which may be busy or gone, and whose scripts can change any result. */

import { clearTimeout, setTimeout } from './clock.mjs'
import { isThere } from './in-page.mjs'

/** A busy page may take this long. */
const TIMEOUT_MS = 5000

/** A script of the page broke the code that ran there, or changed its result: see `cause`. */
export class PageScriptError extends Error {}

/** How both drivers report that the document, its frame or the whole page is gone. */
const GONE =
  /\b(?:closed|collected|crashed|destroyed|detached|disconnected|disposed)\b|Protocol error|only in the context|same JavaScript world|different document|object with given id|active page/i

/** Whether a driver's error means that the document is gone. All other errors come from scripts. @param {any} error */
export const isGoneError = error => {
  const message = error instanceof Error ? error.message : error
  return typeof message === 'string' && GONE.test(message.split('\n', 1)[0])
}

/**
 * The result of a driver's method, or undefined: the frame is gone, or has no document yet. A handle that arrives after the timeout is
 * disposed of, because it would keep a part of the page alive.
 * @template T
 * @param {() => Promise<T>} call throws in Puppeteer, without a promise, if the frame is gone
 * @param {number} [timeoutMs]
 * @returns {Promise<T | undefined>}
 */
export async function withTimeout(call, timeoutMs) {
  return (await settledWithin(call, timeoutMs).catch(() => undefined))?.result
}

/**
 * The same for code that runs in the page: the result is checked, and an error of a script is thrown.
 * @template T
 * @param {() => Promise<unknown>} call
 * @param {(result: any) => T} check throws if the result has another shape
 * @param {number} [timeoutMs]
 * @returns {Promise<T | undefined>}
 * @throws {PageScriptError}
 */
export async function evaluate(call, check, timeoutMs) {
  try {
    const settled = await settledWithin(call, timeoutMs)
    return settled && check(settled.result)
  } catch (cause) {
    if (isGoneError(cause)) return undefined
    throw new PageScriptError('a script of the page broke the code that runs there', {
      cause: cause ?? new Error(`a script of the page threw ${cause}`),
    })
  }
}

/** @template T @param {() => Promise<T>} call @param {number} [timeoutMs] @returns {Promise<{ result: T } | undefined>} */
async function settledWithin(call, timeoutMs = TIMEOUT_MS) {
  /** @type {NodeJS.Timeout | undefined} */
  let timer
  try {
    const promise = call()
    /** @type {Promise<undefined>} */
    const timeout = new Promise(resolve => {
      timer = setTimeout(() => {
        resolve(undefined)
        promise.then(dispose, () => {})
      }, timeoutMs)
    })
    return await Promise.race([promise.then(result => ({ result })), timeout])
  } finally {
    clearTimeout(timer)
  }
}

/** Whether the document of a handle still exists. There is no timeout: a busy page is not gone. @param {any} handle */
export async function isAlive(handle) {
  try {
    await handle.evaluate(isThere)
    return true
  } catch (error) {
    return !isGoneError(error)
  }
}

/** @param {any} handle */
export function dispose(handle) {
  handle?.dispose?.().catch(() => {})
}
