/** The messages of the library in the terms of the command line. */

import { formatSeconds, oneOf, pluralize } from './format.mjs'
import { providerNames } from './library.mjs'

/** @typedef {import('./error-report.mjs').TurnstileError} TurnstileError */
/** @typedef {import('./error-report.mjs').Invocation} Invocation */

/** Options that flags set by name and not by value. @type {Record<string, string>} */
const FILES = { clientKey: 'key-file', proxy: 'proxy-file' }

/**
 * The flag or the variable that sets an option; the option itself where there is none.
 * @param {string} option
 * @param {Invocation} invocation
 */
export function sourceOf(option, { flags, secrets }) {
  if (secrets[option]) return secrets[option].source
  const flag = flags.find(known => known.option === option || known.name === FILES[option])
  return flag ? `--${flag.name}` : option
}

/**
 * The same for the path of an option, such as `extraTaskFields.type`.
 * @param {string} path
 * @param {Invocation} invocation
 */
export function sourceOfPath(path, invocation) {
  const [, option, rest] = /** @type {RegExpExecArray} */ (/^([^.[]*)[.]?(.*)$/s.exec(path))
  const source = sourceOf(option, invocation)
  return rest ? `${source} (${rest})` : source
}

/**
 * A text of the library with flags in place of the options that they set. Options whose names are also words of English
 * are only recognized in backquotes.
 * @param {string} text
 * @param {Invocation} invocation
 */
export const withFlags = (text, invocation) =>
  text.replace(/`([A-Za-z]+)`|\b[a-z]+[A-Z][A-Za-z]*\b/g, (word, quoted) => {
    const option = quoted ?? word
    const source = sourceOf(option, invocation)
    return source === option ? word : source
  })

/**
 * @param {TurnstileError} error
 * @param {Invocation} invocation
 */
export function messageOf(error, invocation) {
  const { code, elapsedMs = 0, polls = 0 } = error
  switch (code) {
    case 'TIMEOUT':
      return polls > 0
        ? `no token within ${formatSeconds(elapsedMs)} (${pluralize(polls, 'poll')})`
        : `no reply within ${formatSeconds(elapsedMs)}`
    case 'ABORT_ERR':
      return 'interrupted'
    case 'INVALID_OPTIONS':
      return optionMessage(error, invocation)
    default:
      return plainMessage(error, invocation)
  }
}

/**
 * The message without the provider, the task and the library's advice, which are printed separately.
 * @param {{ message: string, code?: string, provider?: string, taskId?: string }} error
 * @param {Invocation} invocation
 */
export function plainMessage({ message, code, provider, taskId }, invocation) {
  // The library escapes the id in the message.
  const end = message.lastIndexOf(taskId === undefined ? ` [${provider}]` : ` [${provider}, task `)
  const text = end > 0 ? message.slice(0, end) : message
  // Other messages quote the provider, which uses the same names for the fields of its protocol.
  return code === 'CONNECTION_FAILED' ? withFlags(text, invocation) : text
}

/**
 * @param {TurnstileError} error
 * @param {Invocation} invocation
 */
function optionMessage({ message, option = '' }, invocation) {
  const problem = message.startsWith(`${option}: `) ? message.slice(`${option}: `.length) : message
  return `${sourceOfPath(option, invocation)}: ${problemOf(option, problem, invocation)}`
}

/**
 * @param {string} option
 * @param {string} problem in the words of the library
 * @param {Invocation} invocation
 */
function problemOf(option, problem, invocation) {
  const { values } = invocation
  if (option === 'provider' && values.provider)
    return `must be ${oneOf(providerNames().map(name => `'${name}'`))}`
  if (lacksScheme(option, values)) return 'must be a complete URL that begins with https:// or http://'
  // The value of another flag would be visible in process lists.
  const text = option === 'proxy' ? problem.replace(/; `extraTaskFields`.*$/, '') : problem
  return withFlags(text, invocation).replace('is set by an option already', 'is set by another flag')
}

/** @param {string} option @param {Record<string, any>} values */
export function lacksScheme(option, values) {
  const value = { websiteURL: values.url, baseURL: values['base-url'] }[option]
  return (
    typeof value === 'string' && /^\/*[\p{L}\p{N}[]/u.test(value) && !/^[a-z][a-z\d+.-]*:\/\//i.test(value)
  )
}
