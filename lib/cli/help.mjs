/** The texts of `--help`, made from the flags that the parser reads. */

import { programFlags } from './command-table.mjs'
import { exitCodeTable } from './exit-codes.mjs'
import { commandLine, programName, wrap, wrapCommand } from './format.mjs'

/** @typedef {import('./terminal.mjs').Line} Line */

/**
 * @typedef {object} Command
 * @property {string} about
 * @property {string} usage after the program's name
 * @property {readonly import('./flags.mjs').FlagGroup[]} groups
 * @property {readonly string[]} [examples]
 * @property {readonly string[]} [notes]
 * @property {boolean} [exitCodes] whether they are worth a table
 * @property {(context: import('./run.mjs').Context) => Promise<number>} run
 */

/**
 * Two columns, the second one wrapped.
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
export function commandHelp({ about, usage, groups, examples = [], notes = [], exitCodes }, width) {
  const program = programName()
  /** @type {Line[]} */
  const lines = [
    ...wrap(about, width),
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
const flagRow = ({ name, value, short, help }) => [
  `${short ? `-${short}, ` : ''}--${name}${value ? ` ${value}` : ''}`,
  help,
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
      'Turnstile tokens from EZ-Captcha, YesCaptcha and their relatives, and a sandbox of both.',
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
    heading('To begin with'),
    ...table(
      [
        [commandLine(['demo']), 'see it work'],
        [commandLine(['solve', '--help']), 'what a solve needs'],
      ],
      width,
    ),
    '',
    ...wrap(
      'For sites that you own or may automate. Results go to standard output, everything else to standard error.',
      width,
    ),
    '',
    heading('Exit codes'),
    ...table(exitCodeTable, width),
  ]
}
