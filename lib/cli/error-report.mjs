/** Reports an error: as text or as a JSON document, and as an exit code. */

import { inspect } from 'node:util'
import { CommandError, InterruptedError, OutputClosedError, UsageError } from './errors.mjs'
import { truncate } from './escape.mjs'
import { EXIT, exitCodeOf } from './exit-codes.mjs'
import { formatSeconds, oneOf, pluralize, wrap } from './format.mjs'
import { printJson } from './json.mjs'
import { providerNames } from './library.mjs'
import { accountArguments, isCopyable, resumption } from './resume.mjs'
import { commandLine } from './shell.mjs'

/** @typedef {import('../../index.js').TurnstileError} TurnstileError */

/** The longest parts of a report, in characters. Ids of tasks are shorter. */
const MAX_TEXT = 2000
const MAX_STACK_LINES = 30

/**
 * The command line, as far as it was parsed when the error occurred.
 * @typedef {object} Invocation
 * @property {string} [command]
 * @property {Record<string, any>} values
 * @property {readonly import('./flags.mjs').Flag[]} flags
 * @property {Record<string, import('./secrets.mjs').Secret>} secrets by option
 * @property {'SIGINT' | 'SIGTERM'} [signal]
 */

/**
 * @typedef {object} Report
 * @property {number} exitCode
 * @property {string} message
 * @property {string} [code]
 * @property {string} [flag]
 * @property {string} [next] what to do
 * @property {string} [resume] the command that gets the token
 * @property {string} [instruction] how to get the token, where no command can be printed
 * @property {string} [stack] of an unexpected error
 * @property {Partial<TurnstileError>} fields
 */

/**
 * @param {unknown} error
 * @param {Invocation} invocation
 * @returns {Report}
 */
export function createReport(error, invocation) {
  if (error instanceof UsageError) return usageReport(error, invocation)
  if (error instanceof InterruptedError)
    return {
      exitCode: EXIT[invocation.signal ?? 'SIGINT'],
      code: 'ABORT_ERR',
      message: error.message,
      fields: {},
    }
  if (error instanceof OutputClosedError) return outputClosedReport(error, invocation)
  if (error instanceof CommandError)
    return { exitCode: EXIT.failure, code: 'FAILED', message: error.message, next: error.next, fields: {} }
  if (isTurnstileError(error)) return turnstileErrorReport(error, invocation)
  const message = error instanceof Error ? error.message : inspect(error)
  const stack = error instanceof Error ? error.stack : undefined
  return {
    exitCode: EXIT.failure,
    code: 'INTERNAL',
    message: `unexpected error: ${message}`,
    next: 'This is a bug in turnstile-solver. Please report it with the lines below.',
    stack,
    fields: {},
  }
}

/**
 * Checks the brand, because importing the library here would make `--help` need the addon.
 * @param {unknown} error
 * @returns {error is TurnstileError}
 */
const isTurnstileError = error =>
  error instanceof Error && Symbol.for('turnstile-solver.TurnstileError') in error

/**
 * @param {UsageError} error
 * @param {Invocation} invocation
 * @returns {Report}
 */
function usageReport({ message, flag, next }, { command }) {
  return {
    exitCode: EXIT.usage,
    code: 'USAGE',
    message: flag ? `${flag}: ${message}` : message,
    flag,
    next: next ?? seeHelp(command),
    fields: {},
  }
}

/** @param {string | undefined} command */
const seeHelp = command => `See ${commandLine([...(command ? [command] : []), '--help'])}.`

/**
 * @param {OutputClosedError} error
 * @param {Invocation} invocation
 * @returns {Report}
 */
function outputClosedReport({ message, task }, { values, secrets }) {
  return {
    exitCode: task ? EXIT.failure : EXIT.ok,
    message,
    fields: { ...task },
    ...(task && resumeOf(task, values, secrets)),
  }
}

/**
 * @param {TurnstileError} error
 * @param {Invocation} invocation
 * @returns {Report}
 */
function turnstileErrorReport(error, invocation) {
  const { command, signal, values, secrets } = invocation
  const { code, provider = '', taskId } = error
  // The sandboxes of the demo are closed, so their tasks cannot be resumed.
  const isResumable = command !== 'demo'
  const flag = error.option === undefined ? undefined : flagOf(error.option, invocation)
  return {
    exitCode: exitCodeOf(error, signal),
    code,
    message: messageOf(error, flag),
    flag,
    next: isResumable ? adviceOn(error, invocation) : undefined,
    ...(taskId !== undefined && isResumable ? resumeOf({ provider, taskId }, values, secrets) : {}),
    fields: { ...error, message: error.message, cause: error.cause },
  }
}

/**
 * The flag or the variable that sets an option.
 * @param {string} path of the option
 * @param {Invocation} invocation
 */
function flagOf(path, { flags, secrets }) {
  const [, option, rest] = /** @type {RegExpExecArray} */ (/^([^.[]*)[.]?(.*)$/s.exec(path))
  const flag = flags.find(known => known.option === option)
  const name = secrets[option]?.source ?? (flag ? `--${flag.name}` : option)
  return rest ? `${name} (${rest})` : name
}

/**
 * @param {TurnstileError} error
 * @param {string | undefined} flag
 */
function messageOf(error, flag) {
  const { code, option, elapsedMs = 0, polls = 0 } = error
  switch (code) {
    case 'TIMEOUT':
      return polls > 0
        ? `no token within ${formatSeconds(elapsedMs)} (${pluralize(polls, 'poll')})`
        : `no answer within ${formatSeconds(elapsedMs)}`
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
 * The message without the provider, the task and the library's advice, which are printed separately.
 * @param {{ message: string, provider?: string, taskId?: string }} error
 */
function plainMessage({ message, provider, taskId }) {
  // The library escapes the id in the message.
  const end = message.lastIndexOf(taskId === undefined ? ` [${provider}]` : ` [${provider}, task `)
  return end > 0 ? message.slice(0, end) : message
}

/** @type {Record<import('../../index.js').ProviderErrorReason, string>} */
const ADVICE_BY_REASON = {
  account: 'Check the key, the balance and the plan first: repeating this can get the key banned.',
  banned: 'Wait until the ban ends. Every further request may prolong it.',
  busy: 'The provider is overloaded. Try again in a minute.',
  request: 'The provider refuses this task. Correct it first.',
  unsolvable: 'This task failed. A new task may succeed, and may be charged.',
  expired: 'The provider does not know this task: results are kept for a few minutes. Create a new task.',
  proxy: "The provider could not use the task's proxy. Check the proxy, then create a new task.",
  unknown: "See the provider's documentation for this code.",
}

/**
 * @param {TurnstileError} error
 * @param {Invocation} invocation
 * @returns {string | undefined}
 */
function adviceOn(error, { command, values, secrets }) {
  const { code, reason = 'unknown', taskId, mayBeCharged, provider = '' } = error
  if (code === 'INVALID_OPTIONS')
    return error.option === 'provider' ? `It is ${oneOf(providerNames())}.` : seeHelp(command)
  if (code === 'PROVIDER_ERROR') return ADVICE_BY_REASON[reason] ?? ADVICE_BY_REASON.unknown
  if (taskId !== undefined)
    return code === 'TIMEOUT' || code === 'ABORT_ERR'
      ? `The task is paid for and continues at ${provider}.`
      : 'The task is paid for, and its token may still be available.'
  if (mayBeCharged) {
    const account = accountArguments(provider, values)
    const balance = isCopyable(account, Object.values(secrets))
      ? `: ${commandLine(['balance', ...account])}`
      : '.'
    return `The task may have been created and charged. Compare the balance${balance}`
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
 * @param {Invocation['secrets']} secrets
 * @returns {Pick<Report, 'resume' | 'instruction'>}
 */
function resumeOf(task, values, secrets) {
  const { command, instruction } = resumption(task, values, Object.values(secrets))
  return { resume: command, instruction }
}

/**
 * @param {Report} report
 * @param {import('./terminal.mjs').Terminal} terminal
 */
export function printError({ message, next, resume, instruction, stack, exitCode, fields }, terminal) {
  // The reader closed standard output, and nothing is lost.
  if (exitCode === EXIT.ok) return
  const { provider, taskId, cause, reason } = fields
  const label = terminal.unicode && terminal.interactive ? '✗' : 'error:'
  const lines = wrap(truncate(message, MAX_TEXT), terminal.logWidth - label.length - 1)
  terminal.log([[label, 'red'], ` ${lines[0]}`])
  for (const line of lines.slice(1)) terminal.log(`  ${line}`)
  if (provider !== undefined) terminal.log([['  provider  ', 'dim'], truncate(provider, MAX_TEXT)])
  if (taskId !== undefined) terminal.log([['  task      ', 'dim'], truncate(taskId, MAX_TEXT)])
  if (fields.code === 'TIMEOUT' && cause instanceof Error)
    terminal.log([['  cause     ', 'dim'], truncate(plainMessage(cause), MAX_TEXT)])
  for (const paragraph of `${truncate(next ?? '', MAX_TEXT)}\n${instruction ?? ''}`.split('\n'))
    for (const line of wrap(paragraph, terminal.logWidth - 2)) if (line) terminal.log(`  ${line}`)
  if (resume !== undefined) {
    const hasFailed = reason === 'unsolvable' || reason === 'expired'
    terminal.log(hasFailed ? '  To query it once more, free of charge:' : '  To get its token:')
    terminal.log(['    ', [resume, 'bold']])
  }
  for (const line of stack?.split('\n').slice(0, MAX_STACK_LINES) ?? [])
    terminal.log(truncate(line, MAX_TEXT / 10))
}

/**
 * @param {Report} report
 * @param {import('./terminal.mjs').Terminal} terminal
 */
export function printErrorJson(
  { exitCode, message, code, flag, next, resume, instruction, fields },
  terminal,
) {
  const { cause, ...rest } = fields
  const plainCause =
    cause instanceof Error
      ? { message: cause.message, ...('code' in cause ? { code: cause.code } : {}) }
      : undefined
  const advice = [next, instruction].filter(text => text !== undefined).join(' ') || undefined
  const error = {
    code,
    ...rest,
    message: truncate(message, MAX_TEXT),
    cause: plainCause,
    flag,
    next: advice,
    resume,
    exitCode,
  }
  return printJson(terminal, { error })
}
