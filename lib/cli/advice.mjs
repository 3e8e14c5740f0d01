/** What to do about an error. */

import { oneOf } from './format.mjs'
import { providerNames } from './library.mjs'
import { MAX_TIMEOUT_MS } from './limits.mjs'
import { lacksScheme, sourceOf } from './messages.mjs'
import { accountArguments, isCopyable } from './resume.mjs'
import { commandLine } from './shell.mjs'
import { suggest } from './suggestions.mjs'

/** @typedef {import('./error-report.mjs').TurnstileError} TurnstileError */
/** @typedef {import('./error-report.mjs').Invocation} Invocation */

/** @type {Record<import('../../index.js').ProviderErrorReason, string>} */
const BY_REASON = {
  account: 'Check the key, the balance and the plan first: repeating this can get the key banned.',
  banned: 'Wait until the ban ends. Every further request may prolong it.',
  busy: 'The provider is overloaded. Try again in a minute.',
  request: 'The provider refuses this task. Correct it first.',
  unsolvable: 'This task failed. A new task may succeed, and may be charged.',
  expired: 'The provider does not know this task: results are kept for a few minutes. Create a new task.',
  proxy: "The provider could not use the task's proxy. Check the proxy, then create a new task.",
  unknown: "See the provider's documentation for this code.",
}

/** @param {string | undefined} command */
export const seeHelp = command => `See ${commandLine([...(command ? [command] : []), '--help'])}.`

/**
 * @param {TurnstileError} error
 * @param {Invocation} invocation
 * @returns {string | undefined}
 */
export function adviceOn(error, invocation) {
  const { code, taskId, mayBeCharged } = error
  const { command } = invocation
  if (code === 'INVALID_OPTIONS') return optionAdvice(error, invocation)
  if (code === 'PROVIDER_ERROR') return reasonAdvice(error)
  if (taskId !== undefined) return join(taskAdvice(error, invocation), causeAdvice(error, invocation))
  if (mayBeCharged) return chargeAdvice(error, invocation)
  if (code === 'ABORT_ERR') return command === 'solve' ? 'No task was created.' : undefined
  return join(command === 'solve' ? 'Nothing was charged.' : undefined, causeAdvice(error, invocation))
}

/** @param {(string | undefined)[]} sentences */
const join = (...sentences) => sentences.filter(sentence => sentence !== undefined).join(' ') || undefined

/**
 * @param {TurnstileError} error
 * @param {Invocation} invocation
 */
function optionAdvice({ option = '' }, invocation) {
  const { command, values } = invocation
  const source = sourceOf(option, invocation)
  if (option === 'provider') {
    if (!values.provider) return `It is ${oneOf(providerNames())}.`
    const suggestion = suggest(values.provider, providerNames())
    return suggestion ? `Did you mean ${suggestion}?` : seeHelp(command)
  }
  if (lacksScheme(option, values)) return `Write it as ${source} https://HOST/PATH.`
  if (option === 'proxy')
    return source.startsWith('--') ? `Correct or omit ${source}.` : `Correct or unset ${source}.`
  return seeHelp(command)
}

/** @param {Partial<TurnstileError>} error */
const reasonAdvice = ({ reason = 'unknown' }) => BY_REASON[reason] ?? BY_REASON.unknown

/**
 * @param {TurnstileError} error
 * @param {Invocation} invocation
 */
function taskAdvice({ code, provider, ...error }, { command }) {
  // The solution is what it is, and a poll will not change it.
  if (/** @type {{ raw?: unknown }} */ (error).raw !== undefined)
    return 'The task is ready, but its solution has no token that can be used. --json prints the solution as raw.'
  // The id may be wrong: only the provider knows whether there is such a task.
  if (command !== 'solve') return `The task may still be available at ${provider}.`
  return code === 'TIMEOUT' || code === 'ABORT_ERR'
    ? `The task is paid for and continues at ${provider}.`
    : 'The task is paid for, and its token may still be available.'
}

/**
 * @param {TurnstileError} error
 * @param {Invocation} invocation
 */
function chargeAdvice({ provider }, { values, secrets }) {
  const account = accountArguments(provider ?? '', values)
  const balance = isCopyable(account, Object.values(secrets))
    ? `: ${commandLine(['balance', ...account])}`
    : ' of the account.'
  return `The task may have been created and charged. Compare the balance${balance}`
}

/**
 * Advice on why no usable reply arrived; of a timeout its cause decides, because more time does not remove every cause.
 * @param {Partial<TurnstileError>} error
 * @param {Invocation} invocation
 * @returns {string | undefined}
 */
function causeAdvice({ code, cause, message = '', taskId }, invocation) {
  const { values } = invocation
  switch (code) {
    case 'TIMEOUT':
      if (isFailure(cause))
        return cause.code === 'PROVIDER_ERROR' ? reasonAdvice(cause) : causeAdvice(cause, invocation)
      // A task that continues needs no more time than wait gives it.
      if (taskId !== undefined || (values.timeout ?? 0) >= MAX_TIMEOUT_MS) return undefined
      return 'A greater --timeout leaves more time.'
    case 'CONNECTION_FAILED':
      return connectionAdvice(message, invocation)
    case 'HTTP_ERROR':
    case 'INVALID_RESPONSE':
      if (taskId !== undefined) return undefined
      return values['base-url']
        ? 'Check that --base-url is the address of a task API.'
        : 'Try again in a minute.'
    default:
      return undefined
  }
}

/** @param {unknown} cause @returns {cause is Error & Partial<TurnstileError>} */
const isFailure = cause => cause instanceof Error && 'code' in cause

/**
 * @param {string} message
 * @param {Invocation} invocation
 */
function connectionAdvice(message, { values }) {
  if (/_PROXY\b/i.test(message)) return 'Check this variable and the proxy that it names.'
  if (/requestTimeoutMs/.test(message))
    return (values['request-timeout'] ?? 0) < MAX_TIMEOUT_MS
      ? 'A greater --request-timeout gives each request more time.'
      : undefined
  if (/certificate/i.test(message))
    return 'If you trust the server, set NODE_EXTRA_CA_CERTS to a file with the certificate of its authority.'
  if (!values['base-url']) return 'Check the network, and whether a proxy is needed (HTTPS_PROXY).'
  return isLoopback(values['base-url'])
    ? 'Check --base-url, and that a server is listening there.'
    : 'Check --base-url, the network, and whether a proxy is needed (HTTPS_PROXY).'
}

/** @param {string} url */
const isLoopback = url =>
  /^(127(\.\d+){3}|\[::1\]|([^.]+\.)*localhost)$/.test(URL.canParse(url) ? new URL(url).hostname : '')
