// Fuzzing of what the page helper takes from a page: random pages, from a seed, whose replies are right, wrong or errors.
//
//   node tools/fuzz/page.mjs [--executions N | --seconds N] [--seed S]
//
// Without an argument it is the short seeded run. An execution is one call; its page is a function of the seed and its number.
import { setImmediate } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { isTurnstileError } from '../../index.js'
import { applyToken } from '../../lib/page/apply-token.mjs'
import { findTurnstile, solveTurnstileOnPage } from '../../lib/page/index.mjs'
import { watchLifecycle } from '../../lib/page/lifecycle.mjs'
import { startSandbox } from '../../lib/sandbox/index.mjs'
import { main } from '../dev/run.mjs'
import { createPage, KEY } from './page-replies.mjs'
import { createRandom } from './sandbox.mjs'

export const SHORT = 1000
const CONCURRENCY = 8
/** Controls other than the line breaks of a stack, and characters that are invisible or change the direction of text. */
const MISLEADING = /[^\P{C}\n]|\p{Zl}|\p{Zp}/u
const MAX_MESSAGE = 5000

const isText = (/** @type {unknown} */ value) => typeof value === 'string'
const isTextOrAbsent = (/** @type {unknown} */ value) => value === undefined || isText(value)
/** @type {Record<string, (value: unknown) => boolean>} */
const widgetFields = {
  websiteURL: isText,
  websiteKey: isTextOrAbsent,
  action: isTextOrAbsent,
  cData: isTextOrAbsent,
  callback: isTextOrAbsent,
  fields: value => Array.isArray(value) && value.every(isText) && new Set(value).size === value.length,
  hasToken: value => typeof value === 'boolean',
  widgetId: isTextOrAbsent,
  selector: isText,
  inShadowRoot: value => typeof value === 'boolean',
}

/** What is wrong with a widget. @param {any} widget @returns {string[]} */
function faultsOf(widget) {
  const unknown = Object.keys(widget).filter(name => !Object.hasOwn(widgetFields, name))
  const wrong = Object.entries(widgetFields).flatMap(([name, holds]) => (holds(widget[name]) ? [] : [name]))
  const url = /[#@]/.test(String(widget.websiteURL)) ? ['a secret in websiteURL'] : []
  return [...unknown, ...wrong, ...url]
}

/** What is wrong with an error. @param {any} error @param {string[]} codes @returns {string[]} */
function faultsOfError(error, codes) {
  if (!isOurs(error)) return [`not a TurnstileError: ${error?.stack ?? error}`]
  const texts = [error.message, error.stack, ...causeTexts(error.cause)].map(String)
  const faults = [
    !codes.includes(error.code) && `code ${error.code}: ${error.message}`,
    texts.some(text => MISLEADING.test(text)) && 'a character that is not printable',
    error.message.length > MAX_MESSAGE && `a message of ${error.message.length} characters`,
    error.code === 'PAGE_SCRIPT_ERROR' && !Object.hasOwn(error, 'cause') && 'no cause',
    (error.widgets ?? []).some((/** @type {any} */ widget) => faultsOf(widget).length > 0) &&
      'widgets of another shape',
  ]
  return faults.filter(fault => fault !== false)
}

/** Without narrowing the type. @type {(error: any) => boolean} */
const isOurs = isTurnstileError

/** @param {any} cause */
const causeTexts = cause =>
  cause instanceof Error ? [cause.name, cause.message, cause.stack] : isText(cause) ? [cause] : []

const beforeSolve = [
  ...['WIDGET_NOT_FOUND', 'WIDGET_AMBIGUOUS', 'SITEKEY_UNKNOWN', 'PAGE_SCRIPT_ERROR', 'PAGE_CLOSED'],
  ...['TOKEN_NOT_APPLIED', 'INVALID_OPTIONS'],
]
const afterSolve = ['TOKEN_NOT_APPLIED', 'TOKEN_EXPIRED', 'PAGE_CLOSED', 'PAGE_NAVIGATED']

/**
 * @param {{ seed: string, executions?: number, seconds?: number }} options
 * @returns {Promise<{ executions: number, outcomes: Record<string, number>, findings: string[] }>}
 */
export async function fuzzPage({ seed, executions = Number.POSITIVE_INFINITY, seconds }) {
  const end = seconds === undefined ? Number.POSITIVE_INFINITY : Date.now() + seconds * 1000
  /** @type {string[]} */
  const findings = []
  const onUncaught = (/** @type {any} */ error) => findings.push(`uncaught: ${error?.stack ?? error}`)
  process.on('uncaughtException', onUncaught)
  process.on('unhandledRejection', onUncaught)
  const sandbox = await startSandbox({ provider: 'ezcaptcha', clientKey: KEY, balance: 1e12, solveTimeMs: 0 })
  const account = { ...sandbox.account, pollIntervalMs: 10, timeoutMs: 300_000, requestTimeoutMs: 300_000 }
  /** @type {Record<string, number>} */
  const outcomes = {}
  let bought = 0

  /** @param {ReturnType<typeof createRandom>} random @param {(what: string) => void} report */
  const find = async (random, report) => {
    const { page, leaks } = createPage(random)
    const outcome = await findTurnstile(page).then(
      widgets => {
        for (const widget of widgets) for (const fault of faultsOf(widget)) report(`widget: ${fault}`)
        return widgets.length === 0 ? 'no widget' : 'widgets'
      },
      error => {
        for (const fault of faultsOfError(error, ['PAGE_SCRIPT_ERROR', 'PAGE_CLOSED'])) report(fault)
        return error.code
      },
    )
    if (leaks() > 0) report(`${leaks()} handles are left after find: ${outcome}`)
    return `find: ${outcome}`
  }

  /** @param {ReturnType<typeof createRandom>} random @param {(what: string) => void} report */
  const solve = async (random, report) => {
    const { page, leaks } = createPage(random, { wrong: 0.02 })
    const options = { ...account, widgetTimeoutMs: 0, ...randomOptions(random) }
    const outcome = await solveTurnstileOnPage(page, /** @type {any} */ (options)).then(
      solution => {
        for (const fault of faultsOf(solution.widget)) report(`widget: ${fault}`)
        if (!isText(solution.token) || !Array.isArray(solution.warnings))
          report('a solution of another shape')
        if (!solution.kept) bought += 1
        return solution.kept ? 'kept' : 'bought'
      },
      error => {
        if (error.mayBeCharged) bought += 1
        const codes = error.mayBeCharged ? afterSolve : beforeSolve
        for (const fault of faultsOfError(error, codes)) report(fault)
        if (error.mayBeCharged && !error.solution?.token) report('a paid token is lost')
        return error.code
      },
    )
    if (leaks() > 0) report(`${leaks()} handles are left after solve: ${outcome}`)
    return `solve: ${outcome}`
  }

  /** @param {ReturnType<typeof createRandom>} random @param {(what: string) => void} report */
  const apply = async (random, report) => {
    const { page, held } = createPage(random)
    const lifecycle = watchLifecycle(page)
    let leftMs = 120_000
    const expiry = { leftMs: () => (leftMs -= random.pick([0, 1, 2000, 200_000])) }
    const about = { provider: 'ezcaptcha', taskId: 'a-task', token: 'a-token', expiresAt: 1e12 }
    const parsed = { choice: {}, callback: random.pick([undefined, 'onToken', { source: 'token => token' }]) }
    const arguments_ = /** @type {any} */ ([page, held, parsed, about, expiry, lifecycle])
    const outcome = await applyToken(
      .../** @type {Parameters<typeof applyToken>} */ (/** @type {unknown} */ (arguments_)),
    ).then(
      ({ fields, callback }) => {
        if (!widgetFields.fields(fields) || typeof callback !== 'boolean') report('applied of another shape')
        return 'applied'
      },
      error => {
        for (const fault of faultsOfError(error, afterSolve)) report(fault)
        if (error.solution !== about) report('a paid token is lost')
        return error.code
      },
    )
    lifecycle.close()
    return `apply: ${outcome}`
  }

  let started = 0
  const work = async () => {
    while (started < executions && Date.now() < end && findings.length < 20) {
      const number = started++
      const random = createRandom(`page ${seed} ${number}`)
      const kind = random.next()
      const report = (/** @type {string} */ what) => void findings.push(`execution ${number}: ${what}`)
      const outcome = await (kind < 0.6 ? find : kind < 0.8 ? solve : apply)(random, report)
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
      // The sandbox is in this process, and most pages reply at once.
      await setImmediate()
    }
  }
  await Promise.all(Array.from({ length: CONCURRENCY }, work))
  const { created } = sandbox.stats().tasks
  if (created !== bought) findings.push(`${created} tasks were created, and ${bought} calls say so`)
  await sandbox.close()
  // Late rejections are reported before this.
  await setImmediate()
  process.off('uncaughtException', onUncaught)
  process.off('unhandledRejection', onUncaught)
  return { executions: started, outcomes, findings }
}

/** @param {ReturnType<typeof createRandom>} random */
const randomOptions = ({ chance, pick }) => ({
  ...(chance(0.3) ? { selector: pick(['#login', 'form', '*']) } : {}),
  ...(chance(0.3) ? { websiteKey: pick(['0x4AAAAAAATestSitekey', '0x4AAAAAAATestOther']) } : {}),
  ...(chance(0.3)
    ? { callback: pick(['onToken', 'app.onToken', (/** @type {string} */ token) => token]) }
    : {}),
  ...(chance(0.5) ? { ifSolved: pick(['keep', 'solve']) } : {}),
})

async function run() {
  const { values } = parseArgs({
    options: {
      executions: { type: 'string' },
      seconds: { type: 'string' },
      seed: { type: 'string', default: '1' },
    },
  })
  const seconds = values.seconds === undefined ? undefined : Number(values.seconds)
  const executions =
    values.executions === undefined ? (seconds === undefined ? SHORT : undefined) : Number(values.executions)
  const { findings, ...report } = await fuzzPage({ seed: values.seed, executions, seconds })
  console.log(JSON.stringify(report))
  for (const finding of findings) console.error(`\n${finding}`)
  if (findings.length > 0) process.exitCode = 1
  else console.log('Nothing found.')
}

main(import.meta.url, run)
