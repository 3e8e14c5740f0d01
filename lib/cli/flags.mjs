/** The flags, one record each, which the parser, the help and the errors use. */

import { UsageError } from './errors.mjs'
import { oneOf } from './format.mjs'
import { providerNames } from './library.mjs'
import { MAX_TIMEOUT_MS } from './limits.mjs'
import { secretVariables } from './secrets.mjs'

/**
 * @typedef {object} Flag
 * @property {string} name without dashes
 * @property {string} description
 * @property {string} [placeholder] for its value in the help; a flag without one takes no value
 * @property {string} [option] the library's option that the flag sets
 * @property {(text: string, flag: string) => unknown} [parse] the value from its text; the default is the text itself
 * @property {boolean} [multiple] may be given more than once; the value is a list
 * @property {string} [short]
 */

/** @typedef {{ title: string, flags: readonly Flag[], note?: string }} FlagGroup */

/**
 * The library checks the range.
 * @param {string} text
 * @param {string} flag
 */
export function parseNumber(text, flag) {
  if (!/^-?\d+(\.\d+)?$/.test(text)) throw new UsageError('must be a number, in digits', { flag })
  return Number(text)
}

/**
 * @param {string} text
 * @param {string} flag
 */
function parseJson(text, flag) {
  try {
    return JSON.parse(text)
  } catch {
    throw new UsageError(`is not valid JSON; quote all of it: ${flag} '{"name": "value"}'`, { flag })
  }
}

/** @type {FlagGroup} */
export const taskFlags = {
  title: 'Task',
  flags: [
    { name: 'url', placeholder: 'URL', option: 'websiteURL', description: 'the page with the widget' },
    {
      name: 'sitekey',
      placeholder: 'KEY',
      option: 'websiteKey',
      description: "the widget's sitekey (data-sitekey)",
    },
    { name: 'action', placeholder: 'TEXT', option: 'action', description: "the widget's data-action" },
    { name: 'cdata', placeholder: 'TEXT', option: 'cData', description: "the widget's data-cdata" },
    {
      name: 'task-type',
      placeholder: 'TYPE',
      option: 'taskType',
      description: "the provider's task type; required for custom",
    },
    {
      name: 'extra-task-fields',
      placeholder: 'JSON',
      option: 'extraTaskFields',
      parse: parseJson,
      description: 'an object with further fields of the task',
    },
    {
      name: 'extra-request-fields',
      placeholder: 'JSON',
      option: 'extraRequestFields',
      parse: parseJson,
      description: 'an object with further fields of the request, beside the task',
    },
    {
      name: 'proxy-file',
      placeholder: 'PATH',
      description:
        'a file with the proxy that the provider uses for the task, as protocol://user:password@host:port; - reads standard input',
    },
    {
      name: 'developer-id',
      placeholder: 'ID',
      option: 'developerId',
      parse: parseNumber,
      description: 'a developer id, which providers call appId or softID',
    },
  ],
}

/** @type {Flag} */
export const taskIdFlag = {
  name: 'task-id',
  placeholder: 'ID',
  option: 'taskId',
  description: "the task's id, which solve and its errors print",
}

/** @type {FlagGroup} */
export const accountFlags = {
  title: 'Account',
  flags: [
    {
      name: 'provider',
      placeholder: 'NAME',
      option: 'provider',
      description: oneOf(providerNames()),
    },
    {
      name: 'base-url',
      placeholder: 'URL',
      option: 'baseURL',
      description: 'the address of the API: another host or region, or a sandbox; required for custom',
    },
    {
      name: 'key-file',
      placeholder: 'PATH',
      description: "a file with the account's key; - reads standard input",
    },
  ],
  note: `The key is read from ${oneOf(secretVariables())}, or from --key-file. It is never an argument, because arguments are visible in process lists and in the shell's history.`,
}

/** @type {Flag} */
export const pollIntervalFlag = {
  name: 'poll-interval',
  placeholder: 'MS',
  option: 'pollIntervalMs',
  parse: parseNumber,
  description: 'the time before the first poll and between polls (3000; at least 1000)',
}

/**
 * @param {number} defaultMs
 * @param {readonly Flag[]} more
 * @returns {FlagGroup}
 */
export const timeFlags = (defaultMs, ...more) => ({
  title: 'Time, in milliseconds',
  flags: [
    {
      name: 'timeout',
      placeholder: 'MS',
      option: 'timeoutMs',
      parse: parseNumber,
      description: `the time limit of the command (${defaultMs}; at most ${MAX_TIMEOUT_MS})`,
    },
    ...more,
    {
      name: 'request-timeout',
      placeholder: 'MS',
      option: 'requestTimeoutMs',
      parse: parseNumber,
      description: 'the time limit of one HTTP request (15000)',
    },
  ],
})

/** @type {Flag} */
export const helpFlag = { name: 'help', short: 'h', description: 'print this help' }

/**
 * @param {{ json: string, progress?: boolean }} descriptions
 * @returns {FlagGroup}
 */
export const outputFlags = ({ json, progress = true }) => ({
  title: 'Output',
  flags: [
    { name: 'json', description: json },
    ...(progress
      ? [
          {
            name: 'progress',
            description: 'with --json: print progress on standard error, one JSON document per line',
          },
        ]
      : []),
    { name: 'quiet', short: 'q', description: 'print only errors on standard error' },
    helpFlag,
  ],
})

/**
 * The library's options that flags have set.
 * @param {readonly FlagGroup[]} groups
 * @param {Record<string, any>} values
 * @returns {Record<string, any>}
 */
export function libraryOptions(groups, values) {
  /** @type {Record<string, unknown>} */
  const options = {}
  for (const { name, option } of groups.flatMap(group => group.flags)) {
    if (option && values[name] !== undefined) options[option] = values[name]
  }
  return options
}
