import { once } from 'node:events'
import { errorCodes, faults, startSandbox } from '../../sandbox/index.mjs'
import { PlainError, UsageError } from '../errors.mjs'
import { EXIT } from '../exit-codes.mjs'
import { helpFlag, readNumber } from '../flags.mjs'
import { clock, commandLine, counted, oneOf, printable, quote, seconds, wrap } from '../format.mjs'
import { table } from '../help.mjs'
import { secretVariable } from '../secrets.mjs'
import { printJson } from '../terminal.mjs'

/** @typedef {import('../../sandbox/index.mjs').Sandbox} Sandbox */
/** @typedef {import('../../sandbox/index.mjs').SandboxEvent} SandboxEvent */
/** @typedef {import('../flags.mjs').FlagGroup} FlagGroup */

const SITEKEY = '0x4AAAAAAASandboxSitekey'

/** @type {FlagGroup} */
const playFlags = {
  title: 'What it plays',
  flags: [
    {
      name: 'provider',
      value: 'NAME',
      option: 'provider',
      help: `${oneOf(Object.keys(errorCodes))} (yescaptcha)`,
    },
    {
      name: 'key',
      value: 'TEXT',
      option: 'clientKey',
      help: "the account's key; a made-up one, so no secret",
    },
    {
      name: 'balance',
      value: 'POINTS',
      option: 'balance',
      read: readNumber,
      help: 'points on the account (10000)',
    },
    { name: 'price', value: 'POINTS', option: 'price', read: readNumber, help: 'points a task' },
    {
      name: 'solve-time',
      value: 'MS',
      option: 'solveTimeMs',
      read: readSolveTime,
      help: 'from creation to ready: 3000, 2000-5000, or never (2000-5000)',
    },
    {
      name: 'seed',
      value: 'N',
      option: 'seed',
      read: readNumber,
      help: 'the same seed gives the same run (1)',
    },
    {
      name: 'fault',
      value: 'RULE',
      option: 'faults',
      read: readFault,
      many: true,
      help: 'what goes wrong, as NAME or NAME,method=CALL,nth=1,times=2,probability=0.1,…; may be given again',
    },
    { name: 'list-faults', help: 'prints every fault by name, and ends' },
  ],
}

/** @type {FlagGroup} */
const addressFlags = {
  title: 'Where it listens',
  flags: [
    { name: 'port', value: 'PORT', option: 'port', read: readNumber, help: 'a TCP port (a free one)' },
    { name: 'host', value: 'HOST', option: 'host', help: 'an address of this machine (127.0.0.1)' },
  ],
}

const groups = [
  playFlags,
  addressFlags,
  {
    title: 'Output',
    flags: [
      { name: 'json', help: 'the account and the addresses as one JSON document on standard output' },
      { name: 'progress', help: 'with --json: what happens, on standard error, one JSON document a line' },
      { name: 'quiet', short: 'q', help: 'no log of what happens' },
      helpFlag,
    ],
  },
]

/** @param {string} text @param {string} flag */
function readSolveTime(text, flag) {
  const [, min, max] = /^(\d+)(?:-(\d+))?$/.exec(text) ?? []
  if (text === 'never') return Number.POSITIVE_INFINITY
  if (min === undefined) throw new UsageError('must be milliseconds: 3000, 2000-5000, or never', { flag })
  if (max === undefined) return Number(min)
  if (Number(min) > Number(max))
    throw new UsageError(`begins at its end; the shorter time comes first: ${max}-${min}`, { flag })
  return [Number(min), Number(max)]
}

/** @param {string} text @param {string} flag */
function readFault(text, flag) {
  const [fault, ...fields] = text.split(',')
  return Object.fromEntries([
    ['fault', fault],
    ...fields.map(field => {
      const [, name, value] = /^(\w+)=(.*)$/.exec(field) ?? []
      if (name === undefined) throw new UsageError('must be NAME or NAME,field=value,…', { flag })
      return [name, readScalar(value)]
    }),
  ])
}

/** @param {string} text */
function readScalar(text) {
  if (/^-?(\d+(\.\d+)?|Infinity)$/.test(text)) return Number(text)
  return text === 'true' || text === 'false' ? text === 'true' : text
}

/** @type {import('../help.mjs').Command} */
export const command = {
  about:
    "Runs a stand-in for a provider on this machine until Ctrl-C: its shapes, limits and bans, Cloudflare's siteverify, a page with a widget, and a live view in the browser, where faults and solve times can be switched. It prints the account to use.",
  usage: 'sandbox [--provider NAME] [flags]',
  groups,
  notes: ['Ctrl-C ends it with the exit code 0.'],
  examples: [
    'PROGRAM sandbox --provider ezcaptcha --port 8080 --solve-time 3000',
    'PROGRAM sandbox --fault connection-reset,method=getTaskResult,times=3 --fault 429,probability=0.1,retryAfter=2',
  ],

  async run(context) {
    const { values, terminal, interrupts, style, talks } = context
    if (values['list-faults']) {
      /** @type {[string, string][]} */
      const rows = faults.map(({ name, description }) => [name, description])
      await (values.json ? printJson(terminal, faults) : terminal.print(...table(rows, terminal.width)))
      return EXIT.ok
    }
    const sandbox = await start(values)
    if (style !== 'none')
      sandbox.events.on('*', event => {
        if (style === 'json') return terminal.say(JSON.stringify(event))
        const line = logLine(event)
        if (line) terminal.say([[clock(event.at), 'dim'], `  ${printable(line)}`])
      })
    try {
      await (values.json
        ? printJson(terminal, description(sandbox))
        : terminal.print(...welcome(sandbox, terminal.width)))
      if (!interrupts.signal.aborted) await once(interrupts.signal, 'abort')
      const { tasks, pointsCharged } = sandbox.stats()
      // The terminal has shown ^C on the line.
      if (talks && terminal.live) terminal.say()
      if (talks)
        terminal.say(
          `${counted(tasks.created, 'task')} created, ${tasks.delivered} delivered, ${counted(pointsCharged, 'point')} charged.`,
        )
    } finally {
      await sandbox.close()
    }
    return EXIT.ok
  },
}

/** @param {Record<string, any>} values */
async function start(values) {
  /** @type {Record<string, unknown>} */
  const options = { dashboard: true }
  const flags = [...playFlags.flags, ...addressFlags.flags]
  for (const { name, option } of flags)
    if (option && values[name] !== undefined) options[option] = values[name]
  try {
    return await startSandbox(options)
  } catch (error) {
    const { code, message } = /** @type {NodeJS.ErrnoException} */ (error)
    if (code === 'EADDRINUSE')
      throw new PlainError('the port is taken', 'Choose another --port, or leave it out for a free one.')
    if (code !== undefined && /^(EACCES|EADDRNOTAVAIL|ENOTFOUND)$/.test(code))
      throw new PlainError(`cannot listen there (${code})`, 'Choose another --port or --host.')
    if (!(error instanceof TypeError)) throw error
    const [, rule, option, problem] =
      /^(fault rule: )?(?:startSandbox: )?(?:(?:a )?(\w+) (?=must ))?(.*)$/s.exec(message) ?? []
    const flag = rule ? '--fault' : flags.find(known => option && known.option === option)?.name
    throw new UsageError(flag ? problem : message, { flag: flag && `--${flag.replace(/^--/, '')}` })
  }
}

/** @param {Sandbox} sandbox */
const pages = sandbox => ({
  page: sandbox.pageURL({ sitekey: SITEKEY }),
  explicitPage: sandbox.pageURL({ sitekey: SITEKEY, render: 'explicit' }),
})

/** @param {Sandbox} sandbox */
const description = sandbox => ({
  account: sandbox.account,
  taskType: sandbox.taskType,
  ...pages(sandbox),
  sitekey: SITEKEY,
  dashboardURL: sandbox.dashboardURL,
  siteverifyURL: sandbox.siteverifyURL,
  secret: sandbox.secret,
})

/**
 * @param {Sandbox} sandbox
 * @param {number} width
 * @returns {import('../terminal.mjs').Line[]}
 */
function welcome(sandbox, width) {
  const { account, taskType, baseURL, siteverifyURL, secret, dashboardURL = '' } = sandbox
  const { page, explicitPage } = pages(sandbox)
  const points = sandbox.stats().balances[account.clientKey]
  const solve = commandLine([
    ...['solve', '--provider', account.provider, '--base-url', baseURL],
    ...(account.provider === 'custom' ? ['--task-type', taskType] : []),
    ...['--url', page, '--sitekey', SITEKEY],
  ])
  /** @type {[string, string][]} */
  const rows = [
    ['provider', account.provider],
    ['base URL', baseURL],
    ['key', `${printable(account.clientKey)}  (${counted(points, 'point')})`],
    ['page', page],
    ['', `${explicitPage}  (rendered by its script)`],
    ['sitekey', SITEKEY],
    ['siteverify', siteverifyURL],
    ['secret', secret],
    ['live view', dashboardURL],
  ]
  return [
    ...wrap('The sandbox is listening. Ctrl-C ends it.', width).map(
      line => /** @type {const} */ ([[line, 'bold']]),
    ),
    '',
    ...rows.flatMap(([name, value]) => row(name, value, width)),
    '',
    [['In another terminal:', 'dim']],
    `  ${assignment(secretVariable(account.provider), account.clientKey)} ${solve}`,
    '',
  ]
}

/**
 * An address is copied: where it does not fit beside its name it has a line to itself.
 * @param {string} name
 * @param {string} value
 * @param {number} width
 * @returns {import('../terminal.mjs').Line[]}
 */
const row = (name, value, width) =>
  width < 60
    ? [...(name ? [/** @type {const} */ ([[`  ${name}`, 'dim']])] : []), `    ${value}`]
    : [[[`  ${name.padEnd(12)}`, 'dim'], value]]

/** @param {string} name @param {string} value */
const assignment = (name, value) =>
  process.platform === 'win32' ? `$env:${name}=${quote(value)};` : `${name}=${quote(value)}`

/**
 * @param {SandboxEvent} event
 * @returns {string | undefined}
 */
function logLine(event) {
  switch (event.type) {
    case 'request':
      // Polls come with an event that says more.
      return event.path === '/getTaskResult' ? undefined : `${event.method} ${event.path}`
    case 'task:created':
      return `task ${event.taskNumber} created: ${event.taskId}, ${counted(event.points, 'point')}, ready in ${seconds(Math.max(0, event.readyAt - event.at))}`
    case 'task:polled':
      return `task ${event.taskNumber} polled ${event.polls === 1 ? 'once' : `${event.polls} times`}: ${event.state}`
    case 'fault':
      return `fault ${event.fault} on ${event.call}${event.taskNumber > 0 ? `, task ${event.taskNumber}` : ''}`
    case 'verified':
      return `siteverify: ${event.success ? 'success' : event.errorCodes.join(', ')}`
    case 'banned':
      return `${event.errorCode} until ${clock(event.until)}, earned by ${event.call}`
    default:
      return undefined
  }
}
