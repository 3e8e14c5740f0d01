/** Runs a command line. */

import { readFileSync } from 'node:fs'
import { parseArguments } from './arguments.mjs'
import { commands } from './command-table.mjs'
import { createReport, printError, printErrorJson } from './error-report.mjs'
import { UsageError } from './errors.mjs'
import { EXIT } from './exit-codes.mjs'
import { commandHelp, programHelp } from './help.mjs'
import { handleSignals } from './interrupts.mjs'
import { withFlags } from './messages.mjs'
import { COMMAND_ALIASES, suggest } from './suggestions.mjs'
import { createTerminal } from './terminal.mjs'

/** @typedef {'text' | 'json' | 'none'} ProgressFormat */

/**
 * What a command gets.
 * @typedef {object} Context
 * @property {Record<string, any>} values by flag
 * @property {import('./terminal.mjs').Terminal} terminal
 * @property {import('./interrupts.mjs').Interrupts} interrupts
 * @property {Record<string, import('./secrets.mjs').Secret>} secrets by option; set by the command
 * @property {ProgressFormat} progressFormat
 * @property {(message: string) => string} withFlags a message of the library with flags in place of its options
 * @property {boolean} verbose whether standard error has more than errors and JSON
 */

/**
 * @param {readonly string[]} argv
 * @returns {Promise<number>} the exit code
 */
export async function run(argv) {
  const terminal = createTerminal({ ...process, env: process.env })
  /** @type {import('./error-report.mjs').Invocation} */
  const invocation = { values: { json: argv.includes('--json') }, flags: [], secrets: {} }
  const interrupts = handleSignals({
    exit(exitCode) {
      terminal.hideLine()
      process.exit(exitCode)
    },
  })
  try {
    return await runCommand(argv, { terminal, interrupts, invocation })
  } catch (error) {
    terminal.hideLine()
    const report = createReport(error, { ...invocation, signal: interrupts.received })
    if (invocation.values.json && report.code !== undefined)
      await printErrorJson(report, terminal).catch(() => {})
    else printError(report, terminal)
    return report.exitCode
  } finally {
    terminal.hideLine()
    interrupts.close()
  }
}

/**
 * @param {readonly string[]} argv
 * @param {object} environment
 * @param {import('./terminal.mjs').Terminal} environment.terminal
 * @param {import('./interrupts.mjs').Interrupts} environment.interrupts
 * @param {import('./error-report.mjs').Invocation} environment.invocation completed as the arguments are parsed
 */
async function runCommand([first, ...rest], { terminal, interrupts, invocation }) {
  const overview = () =>
    programHelp(
      Object.entries(commands).map(([name, { summary }]) => [name, summary]),
      terminal.width,
    )
  if (first === undefined) {
    for (const line of overview()) terminal.log(line)
    return EXIT.usage
  }
  if (first === '--version' || first === '-v') {
    await terminal.print(version())
    return EXIT.ok
  }
  const wantsHelp = first === 'help' || first === '--help' || first === '-h'
  if (wantsHelp && rest.length === 0) {
    await terminal.print(...overview())
    return EXIT.ok
  }

  const [name, argv] = wantsHelp ? [rest[0], ['--help']] : [first, rest]
  if (!Object.hasOwn(commands, name)) throw unknownCommandError(name)
  invocation.command = name
  const { command } = await commands[name].load()
  invocation.flags = command.groups.flatMap(group => group.flags)
  if (argv.includes('--help') || argv.includes('-h')) {
    await terminal.print(...commandHelp(command, terminal.width))
    return EXIT.ok
  }
  const values = parseArguments(argv, invocation.flags)
  invocation.values = values
  if (values.progress && !values.json)
    throw new UsageError('requires --json; without --json progress is always shown', { flag: '--progress' })
  if (values.progress && values.quiet)
    throw new UsageError('and --quiet exclude each other', { flag: '--progress' })
  const verbose = !values.json && !values.quiet
  const progressFormat = verbose ? 'text' : values.progress ? 'json' : 'none'
  return command.run({
    values,
    terminal,
    interrupts,
    secrets: invocation.secrets,
    progressFormat,
    verbose,
    withFlags: message => withFlags(message, invocation),
  })
}

/** @param {string} name */
function unknownCommandError(name) {
  const suggestion = suggest(name, Object.keys(commands), COMMAND_ALIASES)
  // Only what looks like a command is repeated, because another argument might be a secret.
  const message = /^-{0,2}[a-z-]{1,20}$/i.test(name)
    ? `there is no command '${name}'`
    : 'there is no such command'
  return new UsageError(message, { next: suggestion ? `Did you mean ${suggestion}?` : undefined })
}

function version() {
  return JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version
}
