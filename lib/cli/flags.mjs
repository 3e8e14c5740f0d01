/** The flags, one record each: what the parser, the help and the errors know about a flag stands here. */

import { UsageError } from './errors.mjs'
import { oneOf } from './format.mjs'
import { providerNames } from './library.mjs'
import { secretVariables } from './secrets.mjs'

/**
 * @typedef {object} Flag
 * @property {string} name as typed, without its dashes
 * @property {string} help
 * @property {string} [value] what stands for its value in the help; a switch has none
 * @property {string} [option] the option of the library that it sets
 * @property {(text: string, flag: string) => unknown} [read] text to value; the text itself if absent
 * @property {boolean} [many] may be given more than once, and is a list then
 * @property {string} [short]
 */

/** @typedef {{ title: string, flags: readonly Flag[], note?: string }} FlagGroup */

/**
 * Its range is the library's to judge, that it is a number is ours.
 * @param {string} text
 * @param {string} flag
 */
export function readNumber(text, flag) {
  if (!/^-?\d+(\.\d+)?$/.test(text)) throw new UsageError('must be a number, in digits', { flag })
  return Number(text)
}

/**
 * @param {string} text
 * @param {string} flag
 */
function readJson(text, flag) {
  try {
    return JSON.parse(text)
  } catch {
    throw new UsageError(`is no JSON; quote it whole: ${flag} '{"name": "value"}'`, { flag })
  }
}

/** @type {FlagGroup} */
export const taskFlags = {
  title: 'Task',
  flags: [
    { name: 'url', value: 'URL', option: 'websiteURL', help: 'the page with the widget' },
    { name: 'sitekey', value: 'KEY', option: 'websiteKey', help: "the widget's sitekey, its data-sitekey" },
    { name: 'action', value: 'TEXT', option: 'action', help: "the widget's data-action" },
    { name: 'cdata', value: 'TEXT', option: 'cData', help: "the widget's data-cdata" },
    {
      name: 'task-type',
      value: 'TYPE',
      option: 'taskType',
      help: "the provider's task type; custom needs it",
    },
    {
      name: 'extra-task-fields',
      value: 'JSON',
      option: 'extraTaskFields',
      read: readJson,
      help: 'an object with further fields of the task, sent as they are',
    },
    {
      name: 'extra-request-fields',
      value: 'JSON',
      option: 'extraRequestFields',
      read: readJson,
      help: 'an object with further fields beside the task, sent as they are',
    },
    {
      name: 'proxy-file',
      value: 'PATH',
      help: 'a file that holds protocol://user:password@host:port of the proxy that the provider solves through; - reads standard input',
    },
    {
      name: 'developer-id',
      value: 'ID',
      option: 'developerId',
      read: readNumber,
      help: 'a developer id, which the provider knows as appId or softID',
    },
  ],
}

/** @type {Flag} */
export const taskIdFlag = {
  name: 'task-id',
  value: 'ID',
  option: 'taskId',
  help: 'the task, by the id that solve printed or an error holds',
}

/** @type {FlagGroup} */
export const accountFlags = {
  title: 'Account',
  flags: [
    {
      name: 'provider',
      value: 'NAME',
      option: 'provider',
      help: oneOf(providerNames()),
    },
    {
      name: 'base-url',
      value: 'URL',
      option: 'baseURL',
      help: 'another host, region or the sandbox; custom needs it',
    },
    { name: 'key-file', value: 'PATH', help: 'a file with the key; - reads standard input' },
  ],
  note: `The key comes from ${oneOf(secretVariables())}, or from --key-file. It is never an argument: arguments show in process lists and in the shell's history.`,
}

/** @type {Flag} */
export const pollIntervalFlag = {
  name: 'poll-interval',
  value: 'MS',
  option: 'pollIntervalMs',
  read: readNumber,
  help: 'the wait before the first poll and between polls (3000; at least 1000)',
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
      value: 'MS',
      option: 'timeoutMs',
      read: readNumber,
      help: `the time for all of it (${defaultMs}; at most 300000)`,
    },
    ...more,
    {
      name: 'request-timeout',
      value: 'MS',
      option: 'requestTimeoutMs',
      read: readNumber,
      help: 'the time for one HTTP exchange (15000)',
    },
  ],
})

/** @type {Flag} */
export const helpFlag = { name: 'help', short: 'h', help: 'this text' }

/**
 * @param {{ json: string, progress?: boolean }} texts
 * @returns {FlagGroup}
 */
export const outputFlags = ({ json, progress = true }) => ({
  title: 'Output',
  flags: [
    { name: 'json', help: json },
    ...(progress
      ? [{ name: 'progress', help: 'with --json: progress on standard error, one JSON document a line' }]
      : []),
    { name: 'quiet', short: 'q', help: 'nothing on standard error but errors' },
    helpFlag,
  ],
})

/**
 * The options of the library that flags have set.
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
