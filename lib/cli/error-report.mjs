/** A failure in words for people, or as one JSON document for machines, and the exit code that goes with it. */

import { inspect } from 'node:util'
import { Interrupted, OutputClosed, PlainError, UsageError } from './errors.mjs'
import { EXIT, exitCodeOf } from './exit-codes.mjs'
import { commandLine, counted, oneOf, printable, seconds, wrap } from './format.mjs'
import { providerNames } from './library.mjs'
import { printJson } from './terminal.mjs'

/** @typedef {import('../../index.js').TurnstileError} TurnstileError */

/**
 * What was asked of the command line, as far as it was understood when the failure came.
 * @typedef {object} Asked
 * @property {string} [command]
 * @property {Record<string, any>} values
 * @property {readonly import('./flags.mjs').Flag[]} flags
 * @property {Record<string, string>} sources where secrets came from, by option
 * @property {'SIGINT' | 'SIGTERM'} [signal]
 */

/**
 * @typedef {object} Report
 * @property {number} exitCode
 * @property {string} headline
 * @property {string} [code]
 * @property {string} [flag]
 * @property {string} [next] what to do
 * @property {string} [resume] the command that fetches the token
 * @property {string} [stack] only where the failure was not foreseen
 * @property {Partial<TurnstileError>} fields
 */

/**
 * @param {unknown} error
 * @param {Asked} asked
 * @returns {Report}
 */
export function reportOf(error, asked) {
  if (error instanceof UsageError) return ofUsage(error, asked)
  if (error instanceof Interrupted)
    return {
      exitCode: EXIT[asked.signal ?? 'SIGINT'],
      code: 'ABORT_ERR',
      headline: error.message,
      fields: {},
    }
  if (error instanceof OutputClosed) return ofClosedOutput(error, asked)
  if (error instanceof PlainError)
    return { exitCode: EXIT.internal, code: 'FAILED', headline: error.message, next: error.next, fields: {} }
  if (isTurnstileError(error)) return ofTurnstileError(error, asked)
  const headline = error instanceof Error ? error.message : inspect(error)
  const stack = error instanceof Error ? error.stack : undefined
  return {
    exitCode: EXIT.internal,
    code: 'INTERNAL',
    headline: `unforeseen: ${headline}`,
    next: 'This is a mistake in turnstile-solver: please report it, with the lines below.',
    stack,
    fields: {},
  }
}

/**
 * By its brand: to import the library here would make `--help` need the addon.
 * @param {unknown} error
 * @returns {error is TurnstileError}
 */
const isTurnstileError = error =>
  error instanceof Error && Symbol.for('turnstile-solver.TurnstileError') in error

/**
 * @param {UsageError} error
 * @param {Asked} asked
 * @returns {Report}
 */
function ofUsage({ message, flag, next }, { command }) {
  const headline = flag ? `${flag}: ${message}` : message
  return { exitCode: EXIT.usage, code: 'USAGE', headline, flag, next: next ?? helpOn(command), fields: {} }
}

/** @param {string | undefined} command */
const helpOn = command => `${commandLine([...(command ? [command] : []), '--help'])} tells more.`

/**
 * @param {OutputClosed} error
 * @param {Asked} asked
 * @returns {Report}
 */
function ofClosedOutput({ message, solution }, asked) {
  const exitCode = solution ? EXIT.internal : EXIT.ok
  return {
    exitCode,
    headline: message,
    fields: { ...solution },
    resume: solution && resumeCommand(solution, asked.values),
  }
}

/**
 * @param {TurnstileError} error
 * @param {Asked} asked
 * @returns {Report}
 */
function ofTurnstileError(error, asked) {
  const { command } = asked
  const { code, provider = '', taskId } = error
  // The demo's sandboxes end with it: there is nothing to come back for.
  const lasting = command !== 'demo'
  const exitCode = exitCodeOf(error, asked.signal)
  const flag = error.option === undefined ? undefined : flagOf(error.option, asked)
  return {
    exitCode,
    code,
    headline: headlineOf(error, flag),
    flag,
    next: lasting ? adviceOn(error, asked) : undefined,
    resume: taskId === undefined || !lasting ? undefined : resumeCommand({ provider, taskId }, asked.values),
    fields: { ...error, message: error.message, cause: error.cause },
  }
}

/**
 * The flag, or the variable, behind an option's path.
 * @param {string} path
 * @param {Asked} asked
 */
function flagOf(path, { flags, sources }) {
  const [, option, rest] = /** @type {RegExpExecArray} */ (/^([^.[]*)[.]?(.*)$/s.exec(path))
  const flag = flags.find(known => known.option === option)
  const spelt = sources[option] ?? (flag ? `--${flag.name}` : option)
  return rest ? `${spelt} (${rest})` : spelt
}

/**
 * @param {TurnstileError} error
 * @param {string | undefined} flag
 */
function headlineOf(error, flag) {
  const { code, option, elapsedMs = 0, polls = 0 } = error
  switch (code) {
    case 'TIMEOUT':
      return polls > 0
        ? `no token within ${seconds(elapsedMs)} (${counted(polls, 'poll')})`
        : `no answer within ${seconds(elapsedMs)}`
    case 'ABORT_ERR':
      return 'interrupted'
    case 'INVALID_OPTIONS': {
      const text = error.message
      return text.startsWith(`${option}: `) ? `${flag}: ${text.slice(`${option}: `.length)}` : text
    }
    default:
      return plainMessage(error)
  }
}

/**
 * The message up to where it names the provider, the task and, in terms of the library, the next step: here these have
 * lines of their own.
 * @param {{ message: string, provider?: string, taskId?: string }} error
 */
function plainMessage({ message, provider, taskId }) {
  const end = message.lastIndexOf(taskId === undefined ? ` [${provider}]` : ` [${provider}, task ${taskId}]`)
  return end > 0 ? message.slice(0, end) : message
}

/** @type {Record<import('../../index.js').ProviderErrorReason, string>} */
const ON_REASON = {
  account: 'Check the key, the balance and the plan before trying again: repeating this leads to a ban.',
  banned: 'Stop for as long as the provider says: every further request may prolong the ban.',
  busy: 'The provider is overloaded. Try again in a minute.',
  request: 'The provider refuses the task as it is: correct it before trying again.',
  unsolvable: 'This task failed for good. A new one may succeed, and may cost again.',
  expired:
    'The provider does not know the task, or not any more: results are kept for a few minutes. Create a new one.',
  proxy: "The provider could not use the task's proxy. Check the proxy, then create a new task.",
  unknown: "The provider's documentation may know this code.",
}

/**
 * @param {TurnstileError} error
 * @param {Asked} asked
 * @returns {string | undefined}
 */
function adviceOn(error, { command, values }) {
  const { code, reason = 'unknown', taskId, mayBeCharged, provider = '' } = error
  if (code === 'INVALID_OPTIONS')
    return error.option === 'provider' ? `It is ${oneOf(providerNames())}.` : helpOn(command)
  if (code === 'PROVIDER_ERROR') return ON_REASON[reason] ?? ON_REASON.unknown
  if (taskId !== undefined)
    return code === 'TIMEOUT' || code === 'ABORT_ERR'
      ? `The task is paid for and goes on at ${provider}.`
      : 'The task is paid for, and its token may still be had.'
  if (mayBeCharged) {
    const where = values['base-url'] ? ['--base-url', values['base-url']] : []
    const ask = commandLine(['balance', '--provider', provider, ...where])
    return `The task may have been created and charged all the same; compare the balance: ${ask}`
  }
  switch (code) {
    case 'TIMEOUT':
      return 'A greater --timeout leaves more time.'
    case 'CONNECTION_FAILED':
      return `Nothing was charged. Check ${values['base-url'] ? '--base-url' : 'the network'}, and whether a proxy is needed (HTTPS_PROXY).`
    case 'HTTP_ERROR':
    case 'INVALID_RESPONSE':
      return `Nothing was charged. ${values['base-url'] ? 'Check that --base-url is the address of a task API.' : 'Try again in a minute.'}`
    case 'ABORT_ERR':
      return command === 'solve' ? 'No task was created.' : undefined
  }
}

/**
 * @param {{ provider: string, taskId: string }} task
 * @param {Record<string, any>} values
 */
function resumeCommand({ provider, taskId }, values) {
  const kept = ['base-url', 'key-file'].flatMap(name => (values[name] ? [`--${name}`, values[name]] : []))
  const id = taskId.startsWith('-') ? [`--task-id=${taskId}`] : ['--task-id', taskId]
  return commandLine(['wait', '--provider', provider, ...id, ...kept, ...(values.json ? ['--json'] : [])])
}

/**
 * @param {Report} report
 * @param {import('./terminal.mjs').Terminal} terminal
 */
export function sayReport({ headline, next, resume, stack, exitCode, fields }, terminal) {
  // Nobody reads on, and nothing is lost.
  if (exitCode === EXIT.ok) return
  const { provider, taskId, cause, reason } = fields
  const sign = terminal.signs && terminal.live ? '✗' : 'error:'
  const lines = wrap(printable(headline), terminal.sayWidth - sign.length - 1)
  terminal.say([[sign, 'red'], ` ${lines[0]}`])
  for (const line of lines.slice(1)) terminal.say(`  ${line}`)
  if (provider !== undefined) terminal.say([['  provider  ', 'dim'], printable(provider)])
  if (taskId !== undefined) terminal.say([['  task      ', 'dim'], printable(taskId)])
  if (fields.code === 'TIMEOUT' && cause instanceof Error)
    terminal.say([['  trouble   ', 'dim'], printable(plainMessage(cause))])
  const advice = (next ?? '').split('\n').flatMap(line => wrap(printable(line), terminal.sayWidth - 2))
  for (const line of advice) if (line) terminal.say(`  ${line}`)
  if (resume !== undefined) {
    const over = reason === 'unsolvable' || reason === 'expired'
    terminal.say(over ? '  To ask for it once more, which is free:' : '  To fetch its token:')
    terminal.say(['    ', [resume, 'bold']])
  }
  if (stack !== undefined) terminal.say(stack)
}

/**
 * @param {Report} report
 * @param {import('./terminal.mjs').Terminal} terminal
 */
export function printReport({ exitCode, headline, code, flag, next, resume, fields }, terminal) {
  const { cause, ...rest } = fields
  const beneath =
    cause instanceof Error
      ? { message: cause.message, ...('code' in cause ? { code: cause.code } : {}) }
      : undefined
  const error = { code, message: headline, ...rest, cause: beneath, flag, next, resume, exitCode }
  return printJson(terminal, { error })
}
