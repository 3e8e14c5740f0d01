/** Commands for the user to copy. */

import { hasInvisible } from './escape.mjs'

const PLAIN = /^[\w@%+:,./-][\w@%+=:,./-]*$/
const PLAIN_ON_WINDOWS = /^[\w+:./-][\w+=:./-]*$/
// What cmd.exe and PowerShell both leave as it is between double quotes. A backslash at the end would escape the quote.
const QUOTABLE_ON_WINDOWS = /^[\p{L}\p{N} _#&'()*+,\-./:;<=>?@[\\\]^{|}~]*(?<!\\)$/u

/**
 * The program's name as the user called it.
 * @param {NodeJS.ProcessEnv} [env]
 */
export const programName = (env = process.env) =>
  env.npm_command ? 'npx turnstile-solver' : 'turnstile-solver'

/**
 * Whether an argument can be quoted so that every shell of the platform passes it on unchanged.
 * @param {string} argument
 * @param {NodeJS.Platform} [platform]
 */
export const isQuotable = (argument, platform = process.platform) =>
  !hasInvisible(argument) && (platform !== 'win32' || QUOTABLE_ON_WINDOWS.test(argument))

/**
 * An argument, quoted for a shell. Of an argument that is not quotable no command is made.
 * @param {string} argument
 * @param {NodeJS.Platform} [platform]
 */
export function quote(argument, platform = process.platform) {
  if (platform === 'win32') return PLAIN_ON_WINDOWS.test(argument) ? argument : `"${argument}"`
  return PLAIN.test(argument) ? argument : `'${argument.replaceAll("'", `'\\''`)}'`
}

/** @param {readonly string[]} args */
export const commandLine = args => [programName(), ...args.map(argument => quote(argument))].join(' ')

/**
 * A command, broken before its flags with backslashes. Windows' shells have no such continuation, so there it stays whole.
 * @param {string} text
 * @param {number} width
 * @param {NodeJS.Platform} [platform]
 * @returns {string[]}
 */
export function wrapCommand(text, width, platform = process.platform) {
  if (platform === 'win32' || text.length <= width) return [text]
  /** @type {string[]} */
  const lines = []
  // Neither quoted spaces nor a comment can be broken.
  for (const part of text.split(/ (?=--\w|\| )(?=(?:[^']*'[^']*')*[^']*$)/)) {
    const last = lines.at(-1)
    // Two characters for the backslash.
    if (last !== undefined && last.length + 1 + part.length + 2 <= width)
      lines[lines.length - 1] = `${last} ${part}`
    else lines.push(last === undefined ? part : `  ${part}`)
  }
  return lines.map((line, n) => (n < lines.length - 1 ? `${line} \\` : line))
}
