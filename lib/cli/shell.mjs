/** Commands for the user to copy. */

import { escapeText } from './escape.mjs'

const SAFE_ARGUMENT = /^[\w@%+=:,./-]+$/

/**
 * The program's name as the user called it.
 * @param {NodeJS.ProcessEnv} [env]
 */
export const programName = (env = process.env) =>
  env.npm_command ? 'npx turnstile-solver' : 'turnstile-solver'

/**
 * An argument, quoted for a shell.
 * @param {string} argument
 * @param {NodeJS.Platform} [platform]
 */
export function quote(argument, platform = process.platform) {
  const text = escapeText(argument)
  if (SAFE_ARGUMENT.test(text)) return text
  return platform === 'win32' ? `"${text.replaceAll('"', '""')}"` : `'${text.replaceAll("'", `'\\''`)}'`
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
