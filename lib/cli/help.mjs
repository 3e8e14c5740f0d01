/** The texts of `--help`, generated from the flags. */

import { programFlags } from './command-table.mjs'
import { exitCodeTable } from './exit-codes.mjs'
import { wrap } from './format.mjs'
import { commandLine, programName, wrapCommand } from './shell.mjs'

/** @typedef {import('./terminal.mjs').Line} Line */

/**
 * @typedef {object} Command
 * @property {string} description
 * @property {string} usage after the program's name
 * @property {readonly import('./flags.mjs').FlagGroup[]} groups
 * @property {readonly string[]} [examples] in which PROGRAM stands for the program's name
 * @property {readonly string[]} [notes]
 * @property {boolean} [exitCodes] whether the help shows them
 * @property {(context: import('./run.mjs').Context) => Promise<number>} run
 */

/**
 * Two columns; the second is wrapped.
 * @param {ReadonlyArray<readonly [left: string, right: string]>} rows
 * @param {number} width
 * @returns {Line[]}
 */
export function table(rows, width) {
  const left = Math.max(...rows.map(([text]) => text.length)) + 2
  const narrow = width - left - 2 < 24
  return rows.flatMap(([name, text]) => {
    if (narrow) return [`  ${name}`, ...wrap(text, width - 6).map(line => `      ${line}`)]
    return wrap(text, width - left - 2).map((line, n) => `  ${(n === 0 ? name : '').padEnd(left)}${line}`)
  })
}

/** @param {string} title @returns {Line} */
const heading = title => [[title, 'bold']]

/**
 * @param {Command} command
 * @param {number} width
 * @returns {Line[]}
 */
export function commandHelp({ description, usage, groups, examples = [], notes = [], exitCodes }, width) {
  const program = programName()
  /** @type {Line[]} */
  const lines = [
    ...wrap(description, width),
    '',
    heading('Usage'),
    ...wrap(`${program} ${usage}`, width - 2).map(indent),
  ]
  for (const { title, flags, note } of groups) {
    lines.push('', heading(title), ...table(flags.map(flagRow), width))
    if (note) lines.push('', ...wrap(note, width - 2).map(indent))
  }
  for (const note of notes) lines.push('', ...wrap(note, width))
  if (examples.length > 0)
    lines.push(
      '',
      heading('Examples'),
      ...examples.flatMap(line => wrapCommand(line.replaceAll('PROGRAM', program), width - 2)).map(indent),
    )
  if (exitCodes) lines.push('', heading('Exit codes'), ...table(exitCodeTable, width))
  return lines
}

/** @param {import('./flags.mjs').Flag} flag @returns {[left: string, right: string]} */
const flagRow = ({ name, placeholder, short, description }) => [
  `${short ? `-${short}, ` : ''}--${name}${placeholder ? ` ${placeholder}` : ''}`,
  description,
]

/** @param {string} line */
const indent = line => `  ${line}`

/**
 * @param {ReadonlyArray<readonly [name: string, summary: string]>} commands
 * @param {number} width
 * @returns {Line[]}
 */
export function programHelp(commands, width) {
  const program = programName()
  return [
    ...wrap(
      'Gets Cloudflare Turnstile tokens from EZ-Captcha, YesCaptcha and compatible services, and runs a sandbox of them.',
      width,
    ),
    '',
    heading('Usage'),
    `  ${program} COMMAND [flags]`,
    '',
    heading('Commands'),
    ...table(commands, width),
    '',
    heading('Flags'),
    ...table(programFlags.map(flagRow), width),
    '',
    heading('Getting started'),
    ...table(
      [
        [commandLine(['demo']), 'shows how it works'],
        [commandLine(['solve', '--help']), 'lists the flags of solve'],
      ],
      width,
    ),
    '',
    ...wrap(
      'Use it only for sites that you own or are allowed to automate. Results go to standard output, everything else to standard error.',
      width,
    ),
    '',
    heading('Exit codes'),
    ...table(exitCodeTable, width),
  ]
}
