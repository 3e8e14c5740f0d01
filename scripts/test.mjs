// `npm test`: every suite, or those named: `npm test -- browser types`.
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { build } from './build.mjs'
import { prepareChromium } from './chromium.mjs'
import { prepareRedis } from './redis.mjs'
import { Failure, main, root, run, tool } from './run.mjs'
import { setup } from './setup.mjs'

/** @typedef {{ passed: number, failed: number, skipped: number }} Counts */

/** This machine lacks what the suite needs: said aloud, and an error only where nobody would hear it. */
class CannotRun extends Failure {}

/** @type {Record<string, () => Promise<Counts>>} */
const suites = { rust, javascript, types, 'queue-workers': queueWorkers, browser }

/** A file that neither ends nor fails would hold everything up. */
const fileTimeoutMs = 300_000

async function test() {
  const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(suites)
  const unknown = names.filter(name => !Object.hasOwn(suites, name))
  if (unknown.length > 0) throw new Failure(`No such suite: ${unknown}. There are: ${Object.keys(suites)}.`)
  await setup()
  await build()

  const total = { passed: 0, failed: 0, skipped: 0 }
  const lines = []
  for (const name of names) {
    console.log(`\n--- ${name}`)
    const started = performance.now()
    const { counts, note } = await outcome(suites[name])
    total.passed += counts.passed
    total.failed += counts.failed
    total.skipped += counts.skipped
    const seconds = ((performance.now() - started) / 1000).toFixed(1)
    lines.push(`${name.padEnd(11)}${note ?? summary(counts)} in ${seconds} s`)
  }
  console.log(`\n${lines.join('\n')}\n\n${summary(total)}`)
  process.exitCode = total.failed > 0 ? 1 : 0
}

/** @param {() => Promise<Counts>} suite */
async function outcome(suite) {
  try {
    const counts = await suite()
    if (counts.passed + counts.failed > 0) return { counts }
    throw new Failure('The suite ran no test.')
  } catch (error) {
    console.error(error instanceof Failure ? error.message : error)
    const tolerated = error instanceof CannotRun && process.env.CI !== 'true'
    const counts = { passed: 0, failed: tolerated ? 0 : 1, skipped: 0 }
    return { counts, note: `${error instanceof CannotRun ? 'COULD NOT RUN' : 'FAILED'} (see above)` }
  }
}

async function rust() {
  const counts = { passed: 0, failed: 0, skipped: 0 }
  let text = ''
  const colour = process.stdout.isTTY ? 'always' : 'never'
  const args = ['test', '--no-fail-fast', '--color', colour, '--', '--color', colour]
  const ended = await run('cargo', args, {
    onOutput: chunk => {
      text += chunk
    },
  }).catch(error => error)
  const results = /^test result: .*? (\d+) passed; (\d+) failed; (\d+) ignored/gm
  for (const [, passed, failed, ignored] of stripVTControlCharacters(text).matchAll(results)) {
    counts.passed += Number(passed)
    counts.failed += Number(failed)
    counts.skipped += Number(ignored)
  }
  // Not a test but the compiler, or a crash, ended the run.
  if (ended && counts.failed === 0) throw ended
  return counts
}

async function javascript() {
  const others = ['__test__/types/', '__test__/browser/', '__test__/queue-workers/']
  return nodeTests(
    'javascript',
    testFiles().filter(path => !others.some(folder => path.startsWith(folder))),
    // They wait more than they compute.
    ['--test-concurrency=4'],
  )
}

/** The project itself, then the consumers that are type-checked as their users would. */
async function types() {
  const project = await run(process.execPath, [tool('typescript', 'tsc'), '-p', 'tsconfig.json']).catch(
    error => error,
  )
  const counts = { passed: project ? 0 : 1, failed: project ? 1 : 0, skipped: 0 }
  const files = testFiles().filter(path => path.startsWith('__test__/types/'))
  if (files.length === 0) return counts
  const consumers = await nodeTests('types', files)
  return {
    passed: counts.passed + consumers.passed,
    failed: counts.failed + consumers.failed,
    skipped: consumers.skipped,
  }
}

async function queueWorkers() {
  return equipped('queue-workers', prepareRedis)
}

async function browser() {
  return equipped('browser', prepareChromium)
}

/**
 * A suite that needs more of the machine than Node.js.
 * @param {string} name
 * @param {() => Promise<unknown>} prepare
 */
async function equipped(name, prepare) {
  try {
    await prepare()
  } catch (error) {
    throw error instanceof Failure ? new CannotRun(error.message) : error
  }
  return nodeTests(
    name,
    testFiles().filter(path => path.startsWith(`__test__/${name}/`)),
  )
}

/**
 * @param {string} name
 * @param {string[]} files
 * @param {string[]} flags
 * @returns {Promise<Counts>}
 */
async function nodeTests(name, files, flags = []) {
  if (files.length === 0) throw new Failure(`There is no test file for the suite ${name}.`)
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

/** All test files. One that no suite would run, for its name or for want of a test, is an error and not a silence. */
function testFiles() {
  const paths = readdirSync(join(root, '__test__'), { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile() && /[._-](test|spec)\.\w+$/.test(entry.name))
    .map(entry => join(entry.parentPath, entry.name).slice(root.length).replaceAll('\\', '/'))
    .filter(path => !path.includes('/node_modules/'))
    .sort()
  const lost = paths.filter(
    path => !path.endsWith('.test.mjs') || !readFileSync(join(root, path), 'utf8').includes('node:test'),
  )
  if (lost.length > 0) throw new Failure(`Not run by any suite (wanted: *.test.mjs with node:test): ${lost}`)
  return paths
}

/** @param {Counts} counts */
function summary({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`
}

main(import.meta.url, test)
