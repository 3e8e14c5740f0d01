/** Reports an error: as text or as a JSON document, and as an exit code. */

import { inspect } from 'node:util'
import { adviceOn, seeHelp } from './advice.mjs'
import { CommandError, InterruptedError, OutputClosedError, UsageError } from './errors.mjs'
import { truncate } from './escape.mjs'
import { EXIT, exitCodeOf } from './exit-codes.mjs'
import { wrap } from './format.mjs'
import { printJson } from './json.mjs'
import { messageOf, plainMessage, sourceOfPath } from './messages.mjs'
import { resumption } from './resume.mjs'

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
 * @property {{ message: string, code?: unknown }} [cause]
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
  return {
    exitCode: exitCodeOf(error, signal),
    code,
    message: messageOf(error, invocation),
    flag: error.option === undefined ? undefined : sourceOfPath(error.option, invocation),
    next: isResumable ? adviceOn(error, invocation) : undefined,
    ...(taskId !== undefined && isResumable ? resumeOf({ provider, taskId }, values, secrets) : {}),
    cause: causeOf(error, invocation),
    fields: { ...error },
  }
}

/**
 * @param {TurnstileError} error
 * @param {Invocation} invocation
 * @returns {Report['cause']}
 */
function causeOf({ code, cause }, invocation) {
  if (!(cause instanceof Error)) return undefined
  // The cause of a TIMEOUT is an error of the library; other causes are texts that the library found.
  const { code: causeCode = code, ...rest } = /** @type {Partial<TurnstileError>} */ (cause)
  const message = plainMessage({ ...rest, message: cause.message, code: causeCode }, invocation)
  return { message, ...('code' in cause ? { code: cause.code } : {}) }
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
export function printError(report, terminal) {
  const { message, next, resume, instruction, stack, exitCode, cause, fields } = report
  // The reader closed standard output, and nothing is lost.
  if (exitCode === EXIT.ok) return
  const { provider, taskId, reason } = fields
  const label = terminal.unicode && terminal.interactive ? '✗' : 'error:'
  const lines = wrap(truncate(message, MAX_TEXT), terminal.logWidth - label.length - 1)
  terminal.log([[label, 'red'], ` ${lines[0]}`])
  for (const line of lines.slice(1)) terminal.log(`  ${line}`)
  if (provider !== undefined) terminal.log([['  provider  ', 'dim'], truncate(provider, MAX_TEXT)])
  if (taskId !== undefined) terminal.log([['  task      ', 'dim'], truncate(taskId, MAX_TEXT)])
  if (report.code === 'TIMEOUT' && cause)
    terminal.log([['  cause     ', 'dim'], truncate(cause.message, MAX_TEXT)])
  for (const paragraph of `${truncate(next ?? '', MAX_TEXT)}\n${instruction ?? ''}`.split('\n'))
    for (const line of wrap(paragraph, terminal.logWidth - 2)) if (line) terminal.log(`  ${line}`)
  if (resume !== undefined) {
    const isFinal = reason === 'unsolvable' || reason === 'expired' || 'raw' in fields
    terminal.log(isFinal ? '  To query it once more, free of charge:' : '  To get its token:')
    terminal.log(['    ', [resume, 'bold']])
  }
  for (const line of stack?.split('\n').slice(0, MAX_STACK_LINES) ?? [])
    terminal.log(truncate(line, MAX_TEXT / 10))
}

/**
 * @param {Report} report
 * @param {import('./terminal.mjs').Terminal} terminal
 */
export function printErrorJson(report, terminal) {
  const { exitCode, message, code, flag, next, resume, instruction, cause, fields } = report
  const advice = [next, instruction].filter(text => text !== undefined).join(' ') || undefined
  const error = {
    code,
    ...fields,
    message: truncate(message, MAX_TEXT),
    cause,
    flag,
    next: advice,
    resume,
    exitCode,
  }
  return printJson(terminal, { error })
}
