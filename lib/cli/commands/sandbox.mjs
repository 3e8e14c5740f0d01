import { once } from 'node:events'
import { errorCodes, faults, startSandbox } from '../../sandbox/index.mjs'
import { CommandError, UsageError } from '../errors.mjs'
import { truncate } from '../escape.mjs'
import { EXIT } from '../exit-codes.mjs'
import { helpFlag, parseNumber } from '../flags.mjs'
import { formatSeconds, formatTime, oneOf, pluralize, wrap } from '../format.mjs'
import { table } from '../help.mjs'
import { logJson, printJson } from '../json.mjs'
import { secretVariable } from '../secrets.mjs'
import { commandLine, isQuotable, quote } from '../shell.mjs'
import { suggest } from '../suggestions.mjs'

/** @typedef {import('../../sandbox/index.mjs').Sandbox} Sandbox */
/** @typedef {import('../../sandbox/index.mjs').SandboxEvent} SandboxEvent */
/** @typedef {import('../flags.mjs').FlagGroup} FlagGroup */

/** In characters. */
const MAX_LOG_LINE = 300
const SITEKEY = '0x4AAAAAAASandboxSitekey'

/** @type {FlagGroup} */
const providerFlags = {
  title: 'Provider',
  flags: [
    {
      name: 'provider',
      placeholder: 'NAME',
      option: 'provider',
      description: `${oneOf(Object.keys(errorCodes))} (yescaptcha)`,
    },
    {
      name: 'key',
      placeholder: 'TEXT',
      option: 'clientKey',
      description: "the account's key; any text, no real key",
    },
    {
      name: 'balance',
      placeholder: 'POINTS',
      option: 'balance',
      parse: parseNumber,
      description: "the account's balance in points (10000)",
    },
    {
      name: 'price',
      placeholder: 'POINTS',
      option: 'price',
      parse: parseNumber,
      description: 'the points that a task costs',
    },
    {
      name: 'solve-time',
      placeholder: 'MS',
      option: 'solveTimeMs',
      parse: parseSolveTime,
      description: 'the time until a task is ready: 3000, 2000-5000, or never (2000-5000)',
    },
    {
      name: 'seed',
      placeholder: 'N',
      option: 'seed',
      parse: parseNumber,
      description: 'the seed of the random numbers (1)',
    },
    {
      name: 'fault',
      placeholder: 'RULE',
      option: 'faults',
      parse: parseFault,
      multiple: true,
      description:
        'a fault: NAME or NAME,method=CALL,nth=1,times=2,probability=0.1,…; may be given more than once',
    },
    { name: 'list-faults', description: 'print the names of all faults and exit' },
  ],
}

/** @type {FlagGroup} */
const listenFlags = {
  title: 'Address',
  flags: [
    {
      name: 'port',
      placeholder: 'PORT',
      option: 'port',
      parse: parseNumber,
      description: 'a TCP port (any free port)',
    },
    {
      name: 'host',
      placeholder: 'HOST',
      option: 'host',
      description: 'an address of this machine (127.0.0.1)',
    },
  ],
}

const groups = [
  providerFlags,
  listenFlags,
  {
    title: 'Output',
    flags: [
      { name: 'json', description: 'print one JSON document: the account and the addresses' },
      {
        name: 'progress',
        description: 'with --json: print events on standard error, one JSON document per line',
      },
      { name: 'quiet', short: 'q', description: 'print no events' },
      helpFlag,
    ],
  },
]

/** @param {string} text @param {string} flag */
function parseSolveTime(text, flag) {
  const [, min, max] = /^(\d+)(?:-(\d+))?$/.exec(text) ?? []
  if (text === 'never') return Number.POSITIVE_INFINITY
  if (min === undefined) throw new UsageError('must be milliseconds: 3000, 2000-5000, or never', { flag })
  if (max === undefined) return Number(min)
  if (Number(min) > Number(max))
    throw new UsageError(`must begin with the shorter time: ${max}-${min}`, { flag })
  return [Number(min), Number(max)]
}

/** @param {string} text @param {string} flag */
function parseFault(text, flag) {
  const [fault, ...fields] = text.split(',')
  return Object.fromEntries([
    ['fault', fault],
    ...fields.map(field => {
      const [, name, value] = /^(\w+)=(.*)$/.exec(field) ?? []
      if (name === undefined) throw new UsageError('must be NAME or NAME,field=value,…', { flag })
      return [name, parseScalar(value)]
    }),
  ])
}

/** @param {string} text */
function parseScalar(text) {
  if (/^-?(\d+(\.\d+)?|Infinity)$/.test(text)) return Number(text)
  return text === 'true' || text === 'false' ? text === 'true' : text
}

/** @type {import('../help.mjs').Command} */
export const command = {
  description:
    "Runs a local mock of a provider until Ctrl-C, with the provider's replies, limits and bans, Cloudflare's siteverify, a page with a widget, and a dashboard in which faults and solve times can be changed. It prints the account to use.",
  usage: 'sandbox [--provider NAME] [flags]',
  groups,
  notes: ['Ctrl-C and SIGTERM end it with exit code 0.'],
  examples: [
    'PROGRAM sandbox --provider ezcaptcha --port 8080 --solve-time 3000',
    'PROGRAM sandbox --fault connection-reset,method=getTaskResult,times=3 --fault 429,probability=0.1,retryAfter=2',
  ],

  async run(context) {
    const { values, terminal, interrupts, progressFormat, verbose } = context
    if (values['list-faults']) {
      /** @type {[string, string][]} */
      const rows = faults.map(({ name, description }) => [name, description])
      await (values.json ? printJson(terminal, faults) : terminal.print(...table(rows, terminal.width)))
      return EXIT.ok
    }
    const sandbox = await start(values)
    if (progressFormat !== 'none')
      sandbox.events.on('*', event => {
        if (progressFormat === 'json') return logJson(terminal, event)
        const line = logLine(event)
        if (line) terminal.log([[formatTime(event.at), 'dim'], `  ${truncate(line, MAX_LOG_LINE)}`])
      })
    try {
      await (values.json
        ? printJson(terminal, description(sandbox))
        : terminal.print(...introduction(sandbox, terminal.width)))
      if (!interrupts.signal.aborted) await once(interrupts.signal, 'abort')
      const { tasks, pointsCharged } = sandbox.stats()
      // The terminal shows ^C on the current line.
      if (verbose && terminal.interactive) terminal.log()
      if (verbose)
        terminal.log(
          `${pluralize(tasks.created, 'task')} created, ${tasks.delivered} delivered, ${pluralize(pointsCharged, 'point')} charged.`,
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
  const flags = [...providerFlags.flags, ...listenFlags.flags]
  for (const { name, option } of flags)
    if (option && values[name] !== undefined) options[option] = values[name]
  try {
    return await startSandbox(options)
  } catch (error) {
    const { code, message } = /** @type {NodeJS.ErrnoException} */ (error)
    if (code === 'EADDRINUSE')
      throw new CommandError('the port is in use', 'Choose another --port, or omit it for a free port.')
    if (code !== undefined && /^(EACCES|EADDRNOTAVAIL|ENOTFOUND)$/.test(code))
      throw new CommandError(`cannot listen on this address (${code})`, 'Choose another --port or --host.')
    if (!(error instanceof TypeError)) throw error
    const [, rule, option, problem] =
      /^(fault rule: )?(?:startSandbox: )?(?:(?:a )?(\w+) (?=must ))?(.*)$/s.exec(message) ?? []
    const flag = rule ? '--fault' : flags.find(known => option && known.option === option)?.name
    throw new UsageError(flag ? problem : message, {
      flag: flag && `--${flag.replace(/^--/, '')}`,
      next: suggestionFor(values, option, /unknown fault '([^']*)'/.exec(message)?.[1]),
    })
  }
}

/**
 * @param {Record<string, any>} values
 * @param {string | undefined} option that was refused
 * @param {string | undefined} fault that is unknown
 */
function suggestionFor(values, option, fault) {
  const names = faults.map(({ name }) => name)
  const suggestion =
    option === 'provider' && values.provider
      ? suggest(values.provider, Object.keys(errorCodes))
      : fault && suggest(fault, names)
  return suggestion ? `Did you mean ${suggestion}?` : undefined
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
function introduction(sandbox, width) {
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
    ['key', `${account.clientKey}  (${pluralize(points, 'point')})`],
    ['page', page],
    ['', `${explicitPage}  (explicit rendering)`],
    ['sitekey', SITEKEY],
    ['siteverify', siteverifyURL],
    ['secret', secret],
    ['dashboard', dashboardURL],
  ]
  return [
    ...wrap('The sandbox is listening. Press Ctrl-C to stop it.', width).map(
      line => /** @type {const} */ ([[line, 'bold']]),
    ),
    '',
    ...rows.flatMap(([name, value]) => row(name, value, width)),
    '',
    [['In a script:', 'dim']],
    `  ${scriptLine(account)}`,
    '',
    [['In another terminal:', 'dim']],
    ...(isQuotable(account.clientKey)
      ? [`  ${assignment(secretVariable(account.provider), account.clientKey)} ${solve}`]
      : [`  ${solve}`, `  with the key in ${secretVariable(account.provider)}`]),
    '',
  ]
}

/** The account as a script writes it. @param {import('../../sandbox/index.mjs').SandboxAccount} account */
const scriptLine = ({ provider, clientKey, baseURL }) =>
  `{ provider: ${literal(provider)}, clientKey: ${literal(clientKey)}, baseURL: ${literal(baseURL)} }`

/** @param {string} text */
const literal = text => `'${JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`

/**
 * On a narrow terminal an address has its own line, so that it can be copied.
 * @param {string} name
 * @param {string} value
 * @param {number} width
 * @returns {import('../terminal.mjs').Line[]}
 */
const row = (name, value, width) =>
  width < 60
    ? [...(name ? [/** @type {const} */ ([[`  ${name}`, 'dim']])] : []), `    ${value}`]
    : [[[`  ${name.padEnd(12)}`, 'dim'], value]]

/** For a POSIX shell or PowerShell. @param {string} name @param {string} value */
const assignment = (name, value) =>
  process.platform === 'win32' ? `$env:${name}='${value.replaceAll("'", "''")}';` : `${name}=${quote(value)}`

/**
 * @param {SandboxEvent} event
 * @returns {string | undefined}
 */
function logLine(event) {
  switch (event.type) {
    case 'request':
      // A poll has an event of its own.
      return event.path === '/getTaskResult' ? undefined : `${event.method} ${event.path}`
    case 'task:created':
      return `task ${event.taskNumber} created: ${event.taskId}, ${pluralize(event.points, 'point')}, ready in ${formatSeconds(Math.max(0, event.readyAt - event.at))}`
    case 'task:polled':
      return `task ${event.taskNumber} polled ${event.polls === 1 ? 'once' : `${event.polls} times`}: ${event.state}`
    case 'fault':
      return `fault ${event.fault} on ${event.call}${event.taskNumber > 0 ? `, task ${event.taskNumber}` : ''}`
    case 'verified':
      return `siteverify: ${event.success ? 'success' : event.errorCodes.join(', ')}`
    case 'refused':
      return `${event.call} refused: ${event.errorCode}`
    case 'banned':
      return `${event.errorCode} until ${formatTime(event.until)}, caused by ${event.call}`
    default:
      return undefined
  }
}
