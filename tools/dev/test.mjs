// `npm test`: every suite, or what is named.
//
//   npm test -- browser types                      these suites
//   npm test -- __test__/abort.test.mjs            these test files, with what their suites need
//   npm test -- rust poll                          these Rust tests: `cargo test poll`
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { build, buildIfStale } from './build.mjs'
import { prepareChromium } from './chromium.mjs'
import { prepareForeignClients } from './foreign-clients.mjs'
import { prepareRedis } from './redis.mjs'
import { main, root, run, tool, UserError } from './run.mjs'
import { setup } from './setup.mjs'
import { planTests, suiteOf } from './test-plan.mjs'

/** @typedef {{ passed: number, failed: number, skipped: number }} Counts */

/** The suite cannot run on this machine: an error only in CI, or if the suite was named. */
class CannotRun extends UserError {}

/** By name, what runs the suite, or only these files or filters of it. @type {Record<string, (only: string[]) => Promise<Counts>>} */
const suites = {
  rust,
  // These tests wait more than they compute.
  javascript: only => nodeTests('javascript', only, ['--test-concurrency=4']),
  types,
  'queue-workers': only => equipped('queue-workers', prepareRedis, only),
  browser: only => equipped('browser', prepareChromium, only),
  foreign: only => equipped('foreign', prepareForeignClients, only),
}

/** These run only if they are named. */
const optional = ['foreign']

/** These need no addon. */
const withoutAddon = ['rust', 'foreign']

/** For a file that neither ends nor fails. Its processes are killed sooner. */
const fileTimeoutMs = 600_000

async function test() {
  const words = process.argv.slice(2)
  const plan = planTests(words, { root, suites: Object.keys(suites), optional, files: testFiles() })
  await setup()
  const addon = await prepareAddon(plan)

  const total = { passed: 0, failed: 0, skipped: 0 }
  const lines = []
  for (const [name, only] of plan) {
    console.log(`\n--- ${[name, ...only].join(' ')}`)
    const started = performance.now()
    const { counts, note } = await outcome(() => suites[name](only), words.length > 0)
    total.passed += counts.passed
    total.failed += counts.failed
    total.skipped += counts.skipped
    const seconds = ((performance.now() - started) / 1000).toFixed(1)
    lines.push(`${name.padEnd(14)}${note ?? summary(counts)} in ${seconds} s`)
  }
  if (addon === 'debug') lines.push('With a debug build of the addon.')
  console.log(`\n${lines.join('\n')}\n\n${summary(total)}`)
  process.exitCode = total.failed > 0 ? 1 : 0
}

/**
 * Whole suites, and everything in CI, test the addon as users get it. Single files take whichever build is current, or else a debug build,
 * which takes seconds.
 *
 * @param {Map<string, string[]>} plan
 */
async function prepareAddon(plan) {
  const javascript = [...plan].filter(([name]) => !withoutAddon.includes(name))
  if (javascript.length === 0) return
  if (process.env.CI !== 'true' && javascript.every(([, only]) => only.length > 0)) return buildIfStale()
  await build()
}

/**
 * @param {() => Promise<Counts>} suite
 * @param {boolean} named
 */
async function outcome(suite, named) {
  try {
    const counts = await suite()
    if (counts.passed + counts.failed > 0) return { counts }
    throw new UserError('The suite ran no test.')
  } catch (error) {
    console.error(error instanceof UserError ? error.message : error)
    const tolerated = error instanceof CannotRun && !named && process.env.CI !== 'true'
    const counts = { passed: 0, failed: tolerated ? 0 : 1, skipped: 0 }
    return { counts, note: `${error instanceof CannotRun ? 'COULD NOT RUN' : 'FAILED'} (see above)` }
  }
}

/** @param {string[]} filters */
async function rust(filters) {
  const counts = { passed: 0, failed: 0, skipped: 0 }
  let output = ''
  const colour = process.stdout.isTTY ? 'always' : 'never'
  const args = ['test', '--no-fail-fast', '--color', colour, '--', '--color', colour, ...filters]
  const ended = await run('cargo', args, {
    onOutput: chunk => {
      output += chunk
    },
  }).catch(error => error)
  const text = stripVTControlCharacters(output)
  const results = /^test result: .*? (\d+) passed; (\d+) failed; (\d+) ignored/gm
  for (const [, passed, failed, ignored] of text.matchAll(results)) {
    counts.passed += Number(passed)
    counts.failed += Number(failed)
    counts.skipped += Number(ignored)
  }
  // The compiler or a crash ended the run, not a test.
  if (ended && counts.failed === 0) throw ended
  const tests = [...text.matchAll(/^test (\S+)/gm)].map(([, name]) => name)
  const unmatched = filters.filter(filter => !tests.some(name => name.includes(filter)))
  if (unmatched.length > 0) throw new UserError(`No Rust test has this in its name: ${unmatched.join(', ')}.`)
  return counts
}

/**
 * Type-checks the project, then consumers of the package.
 *
 * @param {string[]} only
 */
async function types(only) {
  if (only.length > 0) return nodeTests('types', only)
  const project = await run(process.execPath, [tool('typescript', 'tsc'), '-p', 'tsconfig.json']).catch(
    error => error,
  )
  const consumers = await nodeTests('types', [])
  return {
    passed: consumers.passed + (project ? 0 : 1),
    failed: consumers.failed + (project ? 1 : 0),
    skipped: consumers.skipped,
  }
}

/**
 * A suite that needs more than Node.js.
 *
 * @param {string} name
 * @param {() => Promise<unknown>} prepare
 * @param {string[]} only
 */
async function equipped(name, prepare, only) {
  try {
    await prepare()
  } catch (error) {
    throw error instanceof UserError ? new CannotRun(error.message) : error
  }
  return nodeTests(name, only)
}

/**
 * @param {string} name
 * @param {string[]} only
 * @param {string[]} flags
 * @returns {Promise<Counts>}
 */
async function nodeTests(name, only, flags = []) {
  const files = only.length > 0 ? only : testFiles().filter(path => suiteOf(path) === name)
  if (files.length === 0) throw new UserError(`There is no test file for the suite ${name}.`)
  mkdirSync(join(root, '.tools'), { recursive: true })
  const record = `.tools/${name}.tap`
  const reporters = [
    ['--test-reporter=spec', '--test-reporter-destination=stdout'],
    ['--test-reporter=tap', `--test-reporter-destination=${record}`],
  ].flat()
  const args = ['--test', `--test-timeout=${fileTimeoutMs}`, ...flags, ...reporters, ...files]
  const ended = await run(process.execPath, args).catch(error => error)
  const tap = readFileSync(join(root, record), 'utf8')
  /** @param {string} label */
  const count = label => Number(tap.match(new RegExp(`^# ${label} (\\d+)$`, 'm'))?.[1] ?? 0)
  const failed = count('fail') + count('cancelled')
  if (ended && failed === 0) throw ended
  return { passed: count('pass'), failed, skipped: count('skipped') + count('todo') }
}

/** All test files. One that no suite would run, because of its name or because it has no test, is an error. */
function testFiles() {
  const paths = readdirSync(join(root, '__test__'), { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile() && /[._-](test|spec)\.\w+$/.test(entry.name))
    .map(entry => join(entry.parentPath, entry.name).slice(root.length).replaceAll('\\', '/'))
    .filter(path => !path.includes('/node_modules/'))
    .sort()
  const ignored = paths.filter(
    path => !path.endsWith('.test.mjs') || !readFileSync(join(root, path), 'utf8').includes('node:test'),
  )
  if (ignored.length > 0)
    throw new UserError(`Not run by any suite (expected: *.test.mjs with node:test): ${ignored}`)
  return paths
}

/** @param {Counts} counts */
function summary({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`
}

main(import.meta.url, test)
