/** What a person sees of one call while it runs: a live line on a terminal, plain lines elsewhere. */

import { clock, counted, printable, seconds } from './format.mjs'

/** @typedef {import('../../index.js').Progress} Progress */
/** @typedef {import('./terminal.mjs').Terminal} Terminal */
/** @typedef {import('./terminal.mjs').Line} Line */

/**
 * @typedef {object} State
 * @property {string} provider
 * @property {'asking' | 'creating' | 'waiting' | 'retrying'} phase
 * @property {number} startedAt
 * @property {number} polls
 * @property {string} [taskId]
 * @property {string} [trouble] with `retrying`: the code of the failure
 * @property {number} [retryAt] with `retrying`
 */

const SPINNER = { signs: '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏', ascii: '|/-\\' }

/**
 * The parts of the live line, the most important first.
 * @param {State} state
 * @param {number} now
 * @returns {string[]}
 */
export function describe(state, now) {
  const { phase, provider, polls, startedAt, trouble, retryAt = now } = state
  const what = {
    asking: 'asking for the balance',
    creating: 'creating the task',
    waiting: 'waiting for the token',
    retrying: retryAt > now ? `${trouble}, again in ${seconds(retryAt - now)}` : 'asking again',
  }[phase]
  return [what, seconds(now - startedAt), ...(polls > 0 ? [counted(polls, 'poll')] : []), provider]
}

/**
 * Parts on one line that never exceeds a width: those that do not fit are left out from the end, the last one is cut.
 * @param {readonly string[]} parts
 * @param {number} width
 * @param {boolean} signs
 */
export function fit(parts, width, signs) {
  const [separator, ellipsis] = signs ? [' · ', '…'] : [' - ', '~']
  let count = parts.length
  while (count > 1 && parts.slice(0, count).join(separator).length > width) count--
  const text = parts.slice(0, count).join(separator)
  if (text.length <= width) return text
  return width > 0 ? `${text.slice(0, width - 1)}${ellipsis}` : ''
}

/**
 * @param {State} state
 * @param {{ now: number, columns: number, tick: number, signs: boolean}} view
 * @returns {Line}
 */
export function liveLine(state, { now, columns, tick, signs }) {
  const frames = signs ? SPINNER.signs : SPINNER.ascii
  const text = fit(describe(state, now), columns - 2, signs)
  return [[frames[tick % frames.length], state.phase === 'retrying' ? 'yellow' : 'cyan'], ` ${text}`]
}

/**
 * An event as a line of a log.
 * @param {Progress} event
 */
export function plainLine({ phase, provider, taskId, polls, elapsedMs, retryDelayMs = 0, code, message }) {
  const after = `after ${seconds(elapsedMs)}`
  const what = {
    created: `task ${taskId} created ${after}`,
    processing: `not ready ${after}, ${counted(polls, 'poll')}`,
    retrying: `${code} ${after} (${message}), again in ${seconds(retryDelayMs)}`,
    ready: `token ${after}, ${counted(polls, 'poll')}`,
  }[phase]
  return printable(`${provider}: ${what}`)
}

/**
 * The state after an event.
 * @param {State} state
 * @param {Progress} event
 * @param {number} now
 * @returns {State}
 */
export function advance(state, { phase, taskId = state.taskId, polls, code, retryDelayMs = 0 }, now) {
  /** @type {State} */
  const next = { ...state, taskId, polls, phase: taskId === undefined ? 'creating' : 'waiting' }
  return phase === 'retrying' ? { ...next, phase, trouble: code, retryAt: now + retryDelayMs } : next
}

/**
 * Shows one call from its first request to its end.
 * @param {Terminal} terminal
 * @param {{ provider: string, taskId?: string, style: 'person' | 'json' | 'none', phase?: State['phase'] }} call
 */
export function watch(terminal, { provider, taskId, style, phase }) {
  const now = () => performance.now()
  /** @type {State} */
  let state = {
    provider,
    taskId,
    phase: phase ?? (taskId === undefined ? 'creating' : 'waiting'),
    startedAt: now(),
    polls: 0,
  }
  if (style === 'person')
    terminal.show((columns, tick) => liveLine(state, { now: now(), columns, tick, signs: terminal.signs }))

  return {
    /** @param {Progress} event */
    onProgress(event) {
      state = advance(state, event, now())
      if (style === 'json') terminal.say(JSON.stringify(event))
      else if (style === 'person' && !terminal.live) terminal.say(plainLine(event))
    },
    stop: () => terminal.hide(),
  }
}

/**
 * A step that is done: it stays on the screen.
 * @param {{ signs: boolean }} terminal
 * @param {string} what
 * @param {string} detail
 * @returns {Line}
 */
export const done = ({ signs }, what, detail) => [
  [signs ? '✓' : '+', 'green'],
  ` ${what.padEnd(10)}`,
  [printable(detail), 'dim'],
]

/**
 * @param {Progress} event
 */
export const createdDetail = ({ taskId, elapsedMs }) => `${taskId}, created in ${seconds(elapsedMs)}`

/**
 * @param {import('../../index.js').Solution} solution
 */
export function tokenDetail({ token, elapsedMs, polls, readyAt, expiresAt }) {
  const good = `good for ${Math.round((expiresAt - readyAt) / 1000)} s, until ${clock(expiresAt)}`
  return `${token.length} characters, in ${seconds(elapsedMs)}, ${counted(polls, 'poll')}; ${good}`
}
