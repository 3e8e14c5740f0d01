/** One run of the command line: which command, its flags, its end. */

import { readFileSync } from 'node:fs'
import { readArguments } from './arguments.mjs'
import { commands } from './command-table.mjs'
import { printReport, reportOf, sayReport } from './error-report.mjs'
import { UsageError } from './errors.mjs'
import { EXIT } from './exit-codes.mjs'
import { nearest } from './format.mjs'
import { commandHelp, programHelp } from './help.mjs'
import { listenForInterrupts } from './interrupts.mjs'
import { createTerminal } from './terminal.mjs'

/**
 * What a command works with.
 * @typedef {object} Context
 * @property {Record<string, any>} values by flag
 * @property {import('./terminal.mjs').Terminal} terminal
 * @property {import('./interrupts.mjs').Interrupts} interrupts
 * @property {Record<string, string>} sources where secrets came from, by option: the command fills it in
 * @property {'person' | 'json' | 'none'} style of the progress
 * @property {boolean} talks whether standard error is for a person to read
 */

/**
 * @param {readonly string[]} argv
 * @returns {Promise<number>} the exit code
 */
export async function run(argv) {
  const terminal = createTerminal({ ...process, env: process.env })
  /** @type {import('./error-report.mjs').Asked} */
  const asked = { values: { json: argv.includes('--json') }, flags: [], sources: {} }
  const interrupts = listenForInterrupts({
    leave(exitCode) {
      terminal.hide()
      process.exit(exitCode)
    },
  })
  try {
    return await obey(argv, { terminal, interrupts, asked })
  } catch (error) {
    terminal.hide()
    const report = reportOf(error, { ...asked, signal: interrupts.received })
    const heard = asked.values.json && report.code !== undefined
    if (heard) await printReport(report, terminal).catch(() => {})
    else sayReport(report, terminal)
    return report.exitCode
  } finally {
    terminal.hide()
    interrupts.stop()
  }
}

/**
 * @param {readonly string[]} argv
 * @param {object} world
 * @param {import('./terminal.mjs').Terminal} world.terminal
 * @param {import('./interrupts.mjs').Interrupts} world.interrupts
 * @param {import('./error-report.mjs').Asked} world.asked
 */
async function obey([first, ...rest], { terminal, interrupts, asked }) {
  const overview = () =>
    programHelp(
      Object.entries(commands).map(([name, { summary }]) => [name, summary]),
      terminal.width,
    )
  if (first === undefined) {
    for (const line of overview()) terminal.say(line)
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
  if (!Object.hasOwn(commands, name)) throw unknownCommand(name)
  asked.command = name
  const { command } = await commands[name].load()
  asked.flags = command.groups.flatMap(group => group.flags)
  if (argv.includes('--help') || argv.includes('-h')) {
    await terminal.print(...commandHelp(command, terminal.width))
    return EXIT.ok
  }
  const values = readArguments(argv, asked.flags)
  asked.values = values
  if (values.progress && !values.json)
    throw new UsageError('goes with --json; without it progress is shown anyway', { flag: '--progress' })
  if (values.progress && values.quiet)
    throw new UsageError('and --quiet exclude each other', { flag: '--progress' })
  const talks = !values.json && !values.quiet
  const style = talks ? 'person' : values.progress ? 'json' : 'none'
  return command.run({ values, terminal, interrupts, sources: asked.sources, style, talks })
}

/** @param {string} name */
function unknownCommand(name) {
  const meant = nearest(
    name,
    Object.keys(commands).map(known => [known, known]),
  )
  // Only what looks like a command is repeated: a stray value might be a secret.
  const what = /^-{0,2}[a-z-]{1,20}$/i.test(name)
    ? `there is no command '${name}'`
    : 'there is no such command'
  return new UsageError(what, { next: meant ? `Did you mean ${meant}?` : undefined })
}

function version() {
  return JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version
}
