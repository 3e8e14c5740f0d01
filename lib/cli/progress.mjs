/** Shows the progress of one call: as a line that is redrawn in place on a terminal, as plain lines elsewhere. */

import { truncate } from './escape.mjs'
import { formatSeconds, formatTime, pluralize } from './format.mjs'
import { logJson } from './json.mjs'
import { providerNames } from './library.mjs'

/** @typedef {import('../../index.js').Progress} Progress */
/** @typedef {import('./terminal.mjs').Terminal} Terminal */
/** @typedef {import('./terminal.mjs').Line} Line */

/**
 * @typedef {object} State
 * @property {string} [provider]
 * @property {'balance' | 'creating' | 'waiting' | 'retrying'} phase
 * @property {number} startedAt
 * @property {number} polls
 * @property {string} [taskId]
 * @property {string} [errorCode] of the failure, in the phase `retrying`
 * @property {number} [retryAt] in the phase `retrying`
 */

/** In characters; the id of a task is shorter. */
const MAX_LOG_LINE = 2000

const SPINNER = { unicode: '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏', ascii: '|/-\\' }

/**
 * The parts of the progress line, the most important first.
 * @param {State} state
 * @param {number} now
 * @returns {string[]}
 */
export function progressParts(state, now) {
  const { phase, provider, polls, startedAt, errorCode, retryAt = now } = state
  const status = {
    balance: 'reading the balance',
    creating: 'creating the task',
    waiting: 'waiting for the token',
    retrying: retryAt > now ? `${errorCode}, retry in ${formatSeconds(retryAt - now)}` : 'retrying',
  }[phase]
  return [
    status,
    formatSeconds(now - startedAt),
    ...(polls > 0 ? [pluralize(polls, 'poll')] : []),
    ...(provider ? [provider] : []),
  ]
}

/**
 * Joins parts to a line of limited width: drops parts from the end, and cuts the last one.
 * @param {readonly string[]} parts
 * @param {number} width
 * @param {boolean} unicode
 */
export function fitParts(parts, width, unicode) {
  const [separator, ellipsis] = unicode ? [' · ', '…'] : [' - ', '~']
  let count = parts.length
  while (count > 1 && parts.slice(0, count).join(separator).length > width) count--
  const text = parts.slice(0, count).join(separator)
  if (text.length <= width) return text
  return width > 0 ? `${text.slice(0, width - 1)}${ellipsis}` : ''
}

/**
 * @param {State} state
 * @param {{ now: number, columns: number, tick: number, unicode: boolean}} view
 * @returns {Line}
 */
export function progressLine(state, { now, columns, tick, unicode }) {
  const frames = unicode ? SPINNER.unicode : SPINNER.ascii
  const text = fitParts(progressParts(state, now), columns - 2, unicode)
  return [[frames[tick % frames.length], state.phase === 'retrying' ? 'yellow' : 'cyan'], ` ${text}`]
}

/**
 * An event as a line of a log.
 * @param {Progress} event
 */
export function logLine({ phase, provider, taskId, polls, elapsedMs, retryDelayMs = 0, code, message }) {
  const after = `after ${formatSeconds(elapsedMs)}`
  const text = {
    created: `task ${taskId} created ${after}`,
    processing: `not ready ${after}, ${pluralize(polls, 'poll')}`,
    retrying: `${code} ${after} (${message}), retry in ${formatSeconds(retryDelayMs)}`,
    ready: `token ${after}, ${pluralize(polls, 'poll')}`,
  }[phase]
  return truncate(`${provider}: ${text}`, MAX_LOG_LINE)
}

/**
 * The state after an event.
 * @param {State} state
 * @param {Progress} event
 * @param {number} now
 * @returns {State}
 */
export function nextState(state, { phase, taskId = state.taskId, polls, code, retryDelayMs = 0 }, now) {
  /** @type {State} */
  const next = { ...state, taskId, polls, phase: taskId === undefined ? 'creating' : 'waiting' }
  return phase === 'retrying' ? { ...next, phase, errorCode: code, retryAt: now + retryDelayMs } : next
}

/**
 * Shows the progress of a call until `stop` is called.
 * @param {Terminal} terminal
 * @param {object} call
 * @param {string} call.provider
 * @param {string} [call.taskId]
 * @param {import('./run.mjs').ProgressFormat} call.format
 * @param {State['phase']} [call.phase]
 * @param {(message: string) => string} [call.withFlags] puts flags in place of the library's options
 */
export function showProgress(terminal, { provider, taskId, format, phase, withFlags = text => text }) {
  const now = () => performance.now()
  /** @type {State} */
  let state = {
    // Another name is refused, and it might be a secret.
    provider: providerNames().includes(provider) ? provider : undefined,
    taskId,
    phase: phase ?? (taskId === undefined ? 'creating' : 'waiting'),
    startedAt: now(),
    polls: 0,
  }
  if (format === 'text')
    terminal.showLine((columns, tick) =>
      progressLine(state, { now: now(), columns, tick, unicode: terminal.unicode }),
    )

  return {
    /** @param {Progress} progress */
    onProgress(progress) {
      const { code, message } = progress
      // Other messages quote the provider.
      const isOwn = code === 'CONNECTION_FAILED' && message !== undefined
      const event = isOwn ? { ...progress, message: withFlags(message) } : progress
      state = nextState(state, event, now())
      if (format === 'json') logJson(terminal, event)
      else if (format === 'text' && !terminal.interactive) terminal.log(logLine(event))
    },
    stop: () => terminal.hideLine(),
  }
}

/**
 * A completed step.
 * @param {{ unicode: boolean }} terminal
 * @param {string} step
 * @param {string} detail
 * @returns {Line}
 */
export const stepLine = ({ unicode }, step, detail) => [
  [unicode ? '✓' : '+', 'green'],
  ` ${step.padEnd(10)}`,
  [truncate(detail, MAX_LOG_LINE), 'dim'],
]

/**
 * @param {Progress} event
 */
export const createdDetail = ({ taskId, elapsedMs }) => `${taskId}, created in ${formatSeconds(elapsedMs)}`

/**
 * @param {import('../../index.js').Solution} solution
 */
export function tokenDetail({ token, elapsedMs, polls, readyAt, expiresAt }) {
  const validity = `valid for ${Math.round((expiresAt - readyAt) / 1000)} s, until ${formatTime(expiresAt)}`
  return `${token.length} characters, in ${formatSeconds(elapsedMs)}, ${pluralize(polls, 'poll')}; ${validity}`
}
