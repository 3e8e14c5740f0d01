/** How to get the token of a task later: as a command to copy, or in words where no command can be made. */

import { commandLine, isQuotable, programName } from './shell.mjs'

/** @typedef {import('./secrets.mjs').Secret} Secret */

/** Providers choose the ids of tasks: one that a shell could read as anything else is not put into a command. */
const PLAIN_ID = /^[A-Za-z0-9_-]+$/

/**
 * @param {{ provider: string, taskId: string }} task
 * @param {Record<string, any>} values of the flags
 * @param {readonly Secret[]} secrets
 * @returns {{ command?: string, instruction?: string }}
 */
export function resumption({ provider, taskId }, values, secrets) {
  const account = accountArguments(provider, values)
  if (PLAIN_ID.test(taskId) && isCopyable(account, secrets)) {
    const [flag, name, ...rest] = account
    const id = taskId.startsWith('-') ? [`--task-id=${taskId}`] : ['--task-id', taskId]
    const json = values.json ? ['--json'] : []
    return { command: commandLine(['wait', flag, name, ...id, ...rest, ...json]) }
  }
  const others = ['base-url', 'key-file'].filter(name => values[name]).map(name => ` and the same --${name}`)
  return {
    instruction: `To query the task, run ${programName()} wait --provider ${provider} --task-id ID with the id of the task${others.join('')}.`,
  }
}

/**
 * @param {string} provider
 * @param {Record<string, any>} values
 */
export const accountArguments = (provider, values) => [
  '--provider',
  provider,
  ...['base-url', 'key-file'].flatMap(name => {
    const value = values[name]
    if (!value) return []
    return /^-./.test(value) ? [`--${name}=${value}`] : [`--${name}`, value]
  }),
]

/**
 * Whether a command with these arguments can be printed: a shell has to read them unchanged, and none may hold a secret.
 * @param {readonly string[]} args
 * @param {readonly Secret[]} secrets
 */
export const isCopyable = (args, secrets) =>
  args.every(argument => isQuotable(argument) && secrets.every(({ value }) => !contains(argument, value)))

/** @param {string} text @param {string} secret */
const contains = (text, secret) =>
  secret.length >= 4 && (text.includes(secret) || text.includes(encodeURIComponent(secret)))
