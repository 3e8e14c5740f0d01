import { errorCodes, startSandbox } from '../../sandbox/index.mjs'
import { EXIT } from '../exit-codes.mjs'
import { outputFlags } from '../flags.mjs'
import { commandLine, counted, seconds, wrap } from '../format.mjs'
import { table } from '../help.mjs'
import { library, providerNames } from '../library.mjs'
import { createdDetail, done, fit, tokenDetail, watch } from '../progress.mjs'
import { printJson } from '../terminal.mjs'

/** @typedef {import('../run.mjs').Context} Context */
/** @typedef {import('../../sandbox/index.mjs').SandboxProvider} SandboxProvider */

const SITEKEY = '0x4AAAAAAADemoSitekey'
/** Where the detail of a step begins. */
const STEP_INDENT = 12
const SOLVE_TIME_MS = /** @type {const} */ ([1400, 2900])

/** The vendors by name that the sandbox can play. */
const vendors = () =>
  /** @type {SandboxProvider[]} */ (
    providerNames().filter(name => name !== 'custom' && Object.hasOwn(errorCodes, name))
  )

/** @type {import('../help.mjs').Command} */
export const command = {
  about:
    'Starts a sandbox of each provider on this machine, buys a token there, has it verified as a site would, and tells what it cost. No key, no network, no points; about six seconds.',
  usage: 'demo [flags]',
  groups: [outputFlags({ json: 'what was solved, verified and charged, as one JSON document' })],
  notes: ['The exit code is 0 only if every token was verified.'],

  async run(context) {
    const { values, terminal, interrupts } = context
    const startedAt = performance.now()
    const tell = teller(context)
    await tell(
      ...wrap('One Turnstile token from each provider, on this machine alone.', terminal.width).map(bold),
      ...wrap('A sandbox plays the provider: no key, no network, no points.', terminal.width).map(dim),
    )
    const solves = []
    for (const provider of vendors()) {
      interrupts.signal.throwIfAborted()
      solves.push(await solve(provider, context))
    }
    const verified = solves.length > 0 && solves.every(({ verification }) => verification.success)
    if (values.json) await printJson(terminal, { verified, solves })
    if (!verified) return EXIT.internal
    const took = seconds(performance.now() - startedAt)
    const next = /** @type {const} */ ([
      [commandLine(['sandbox']), 'keeps one running for your script'],
      [commandLine(['solve', '--help']), 'the real thing'],
    ])
    await tell(
      '',
      bold(`${counted(solves.length, 'token')} verified in ${took}.`),
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
 * The story goes to standard output, but for `--json`, which has one document there.
 * @param {Context} context
 * @returns {Context['terminal']['print']}
 */
const teller =
  ({ values, terminal }) =>
  async (...lines) => {
    if (!values.json) await terminal.print(...lines)
  }

/**
 * @param {SandboxProvider} provider
 * @param {Context} context
 */
async function solve(provider, context) {
  const { values, terminal, interrupts, style } = context
  const sandbox = await startSandbox({ provider, solveTimeMs: SOLVE_TIME_MS, seed: Date.now() })
  const { clientKey } = sandbox.account
  const before = sandbox.stats().balances[clientKey]
  const tell = teller(context)
  /** @param {string} what @param {string} detail */
  const step = (what, detail) => {
    if (!terminal.isTTY) return tell(done(terminal, what, detail))
    const room = terminal.width - STEP_INDENT
    const [first, ...rest] = wrap(detail, room).map(line => fit([line], room, terminal.signs))
    return tell(done(terminal, what, first), ...rest.map(line => dim(`${' '.repeat(STEP_INDENT)}${line}`)))
  }
  await tell('', [
    [provider, 'bold'],
    [`  ${sandbox.baseURL}`, 'dim'],
  ])
  const progress = watch(terminal, { provider, style })
  try {
    const solution = await library().solveTurnstile({
      ...sandbox.account,
      websiteURL: sandbox.pageURL({ sitekey: SITEKEY }),
      websiteKey: SITEKEY,
      pollIntervalMs: 1000,
      signal: interrupts.signal,
      onProgress(event) {
        // A log gets these two from the steps below.
        if (terminal.live || values.json || !['created', 'ready'].includes(event.phase))
          progress.onProgress(event)
        if (event.phase === 'created') return step('task', createdDetail(event))
      },
    })
    progress.stop()
    await step('token', `${shortened(solution.token)}, ${tokenDetail(solution)}`)

    const verification = await verify(sandbox, solution.token, interrupts.signal)
    const verdict = verification.success
      ? `success, for ${verification.hostname}`
      : `refused: ${verification['error-codes']}`
    await step(verification.success ? 'verified' : 'REFUSED', `siteverify says ${verdict}`)

    const after = sandbox.stats().balances[clientKey]
    await step('charged', `${counted(before - after, 'point')}, ${after} left`)
    return { provider, solution, verification, pointsCharged: before - after, balance: after }
  } finally {
    progress.stop()
    await sandbox.close()
  }
}

/**
 * As the server of a site would ask.
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
