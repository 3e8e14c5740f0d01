import { errorCodes, startSandbox } from '../../sandbox/index.mjs'
import { EXIT } from '../exit-codes.mjs'
import { outputFlags } from '../flags.mjs'
import { formatSeconds, pluralize, wrap } from '../format.mjs'
import { table } from '../help.mjs'
import { printJson } from '../json.mjs'
import { library, providerNames } from '../library.mjs'
import { createdDetail, fitParts, showProgress, stepLine, tokenDetail } from '../progress.mjs'
import { commandLine } from '../shell.mjs'

/** @typedef {import('../run.mjs').Context} Context */
/** @typedef {import('../../sandbox/index.mjs').SandboxProvider} SandboxProvider */

const SITEKEY = '0x4AAAAAAADemoSitekey'
/** The column of a step's detail. */
const DETAIL_COLUMN = 12
const SOLVE_TIME_MS = /** @type {const} */ ([1400, 2900])

/** The named providers that the sandbox can mock. */
const mockedProviders = () =>
  /** @type {SandboxProvider[]} */ (
    providerNames().filter(name => name !== 'custom' && Object.hasOwn(errorCodes, name))
  )

/** @type {import('../help.mjs').Command} */
export const command = {
  description:
    'Starts a sandbox of each provider on this machine, solves a task there, verifies the token as a site would, and prints the charge. It needs no key and no network, and takes about six seconds.',
  usage: 'demo [flags]',
  groups: [outputFlags({ json: 'print one JSON document: the solutions, verifications and charges' })],
  notes: ['The exit code is 0 if every token was verified, otherwise 1.'],

  async run(context) {
    const { values, terminal, interrupts } = context
    const startedAt = performance.now()
    const print = printer(context)
    await print(
      ...wrap('One Turnstile token of each provider, on this machine.', terminal.width).map(bold),
      ...wrap('A sandbox mocks the provider: no key, no network, no charge.', terminal.width).map(dim),
    )
    const solves = []
    for (const provider of mockedProviders()) {
      interrupts.signal.throwIfAborted()
      solves.push(await solve(provider, context))
    }
    const verified = solves.length > 0 && solves.every(({ verification }) => verification.success)
    if (values.json) await printJson(terminal, { verified, solves })
    if (!verified) return EXIT.failure
    const duration = formatSeconds(performance.now() - startedAt)
    const next = /** @type {const} */ ([
      [commandLine(['sandbox']), 'runs a sandbox for your script'],
      [commandLine(['solve', '--help']), 'lists the flags for a real provider'],
    ])
    await print(
      '',
      bold(`${pluralize(solves.length, 'token')} verified in ${duration}.`),
      '',
      dim('Next:'),
      ...table(next, terminal.width),
    )
    return EXIT.ok
  },
}

/** @param {string} text @returns {import('../terminal.mjs').Line} */
const bold = text => [[text, 'bold']]

/** @param {string} text @returns {import('../terminal.mjs').Line} */
const dim = text => [[text, 'dim']]

/**
 * Prints the steps to standard output, except with `--json`.
 * @param {Context} context
 * @returns {Context['terminal']['print']}
 */
const printer =
  ({ values, terminal }) =>
  async (...lines) => {
    if (!values.json) await terminal.print(...lines)
  }

/**
 * @param {SandboxProvider} provider
 * @param {Context} context
 */
async function solve(provider, context) {
  const { values, terminal, interrupts, progressFormat } = context
  const sandbox = await startSandbox({ provider, solveTimeMs: SOLVE_TIME_MS, seed: Date.now() })
  const { clientKey } = sandbox.account
  const before = sandbox.stats().balances[clientKey]
  const print = printer(context)
  /** @param {string} name @param {string} detail */
  const step = (name, detail) => {
    if (!terminal.isTTY) return print(stepLine(terminal, name, detail))
    const width = terminal.width - DETAIL_COLUMN
    const [first, ...rest] = wrap(detail, width).map(line => fitParts([line], width, terminal.unicode))
    return print(
      stepLine(terminal, name, first),
      ...rest.map(line => dim(`${' '.repeat(DETAIL_COLUMN)}${line}`)),
    )
  }
  await print('', [
    [provider, 'bold'],
    [`  ${sandbox.baseURL}`, 'dim'],
  ])
  const progress = showProgress(terminal, { provider, format: progressFormat })
  try {
    const solution = await library().solveTurnstile({
      ...sandbox.account,
      websiteURL: sandbox.pageURL({ sitekey: SITEKEY }),
      websiteKey: SITEKEY,
      pollIntervalMs: 1000,
      signal: interrupts.signal,
      onProgress(event) {
        // In a log the steps below show these two phases.
        if (terminal.interactive || values.json || !['created', 'ready'].includes(event.phase))
          progress.onProgress(event)
        if (event.phase === 'created') return step('task', createdDetail(event))
      },
    })
    progress.stop()
    await step('token', `${shortened(solution.token)}, ${tokenDetail(solution)}`)

    const verification = await verify(sandbox, solution.token, interrupts.signal)
    await (verification.success
      ? step('verified', `siteverify: success, hostname ${verification.hostname}`)
      : step('REJECTED', `siteverify: ${verification['error-codes']}`))

    const after = sandbox.stats().balances[clientKey]
    await step('charged', `${pluralize(before - after, 'point')}, ${after} left`)
    return { provider, solution, verification, pointsCharged: before - after, balance: after }
  } finally {
    progress.stop()
    await sandbox.close()
  }
}

/**
 * Verifies a token as the server of a site would.
 * @param {import('../../sandbox/index.mjs').Sandbox} sandbox
 * @param {string} token
 * @param {AbortSignal} signal
 * @returns {Promise<{ success: boolean, hostname?: string, [field: string]: unknown }>}
 */
async function verify({ siteverifyURL, secret }, token, signal) {
  const response = await fetch(siteverifyURL, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ secret, response: token }),
    signal,
  })
  return /** @type {any} */ (await response.json())
}

/** @param {string} token */
const shortened = token => (token.length > 24 ? `${token.slice(0, 12)}...${token.slice(-6)}` : token)
