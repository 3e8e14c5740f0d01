/** Calls into a page: it may be busy, it may have gone, and it may answer anything. */

import { isThere } from './in-page.mjs'

/** A page may be busy, but not for ever. */
const PATIENCE_MS = 5000

/** A script of the page broke what ran there, or made it answer with something else: see `cause`. */
export class PageScriptFault extends Error {}

/** How both drivers say that the document, its frame or the whole page has gone. */
const GONE =
  /\b(?:closed|collected|crashed|destroyed|detached|disconnected|disposed)\b|Protocol error|only in the context|same JavaScript world|different document|object with given id|active page/i

/** Whether the document has gone, by a driver's error. All other errors come from scripts. @param {any} error */
export const isGone = error => GONE.test(String(error?.message ?? error).split('\n', 1)[0])

/**
 * What a driver answers, or undefined if there is no answer to be had: the frame has gone, or has no document yet. A handle that comes
 * too late would hold on to a part of the page for as long as that lives.
 * @template T
 * @param {() => Promise<T>} ask of a frame that has gone Puppeteer refuses it at once, without a promise
 * @param {number} [patienceMs]
 * @returns {Promise<T | undefined>}
 */
export async function answerOf(ask, patienceMs) {
  return (await asked(ask, patienceMs).catch(() => undefined))?.answer
}

/**
 * The same for what runs in the page: the answer is checked, and an error of a script is thrown.
 * @template T
 * @param {() => Promise<unknown>} ask
 * @param {(answer: any) => T} checked throws if the answer is of another shape
 * @param {number} [patienceMs]
 * @returns {Promise<T | undefined>}
 * @throws {PageScriptFault}
 */
export async function evaluated(ask, checked, patienceMs) {
  try {
    const came = await asked(ask, patienceMs)
    return came && checked(came.answer)
  } catch (cause) {
    if (isGone(cause)) return undefined
    throw new PageScriptFault('a script of the page is in the way', { cause })
  }
}

/** @template T @param {() => Promise<T>} ask @param {number} [patienceMs] @returns {Promise<{ answer: T } | undefined>} */
async function asked(ask, patienceMs = PATIENCE_MS) {
  /** @type {NodeJS.Timeout | undefined} */
  let timer
  try {
    const answer = ask()
    /** @type {Promise<undefined>} */
    const late = new Promise(resolve => {
      timer = setTimeout(() => {
        resolve(undefined)
        answer.then(dispose, () => {})
      }, patienceMs)
    })
    return await Promise.race([answer.then(answer => ({ answer })), late])
  } finally {
    clearTimeout(timer)
  }
}

/** Whether the document of a handle is still there. It waits as long as it takes: a busy page has not gone. @param {any} handle */
export async function isAlive(handle) {
  try {
    await handle.evaluate(isThere)
    return true
  } catch (error) {
    return !isGone(error)
  }
}

/** @param {any} handle */
export function dispose(handle) {
  handle?.dispose?.().catch(() => {})
}
