// What was run in which runtime: results.json, and its table in docs/platforms.md.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { Failure } from '../../dev/run.mjs'
import { section, withSection } from '../../dev/section.mjs'
import { root, runtimes } from './context.mjs'

const committed = join(root, 'tools', 'packaging', 'results.json')
const documentPath = join(root, 'docs', 'platforms.md')

/** What is tried in every runtime, in the order of the columns. */
export const columns = {
  import: '`import`',
  require: '`require`',
  typescript: 'TypeScript as it is',
  solve: 'solves',
  abort: 'aborts',
  errors: 'errors',
  worker: 'worker thread',
  exit: 'ends by itself',
  sandbox: 'sandbox',
  failure: 'says why it does not load',
}

/** @typedef {{ runtime: string, version: string, checks: Partial<Record<keyof typeof columns, boolean>> }} Result */

/** What this run found, oldest runtime first. @param {string} work @returns {Result[]} */
function found(work) {
  const folder = join(work, 'runtimes')
  /** @type {Result[]} */
  const results = readdirSync(folder).map(name => JSON.parse(readFileSync(join(folder, name), 'utf8')))
  const order = runtimes.map(({ name }) => name)
  const names = /** @type {(keyof typeof columns)[]} */ (Object.keys(columns))
  return results
    .map(({ checks, ...rest }) => {
      const told = names.filter(name => checks[name] !== undefined).map(name => [name, checks[name]])
      return { ...rest, checks: Object.fromEntries(told) }
    })
    .sort((a, b) => order.indexOf(a.runtime) - order.indexOf(b.runtime))
}

/** @param {Result[]} results */
function markdown(results) {
  const names = /** @type {(keyof typeof columns)[]} */ (Object.keys(columns))
  const rows = results.map(({ runtime, version, checks }) => [
    `${runtime.replace(/ \d+$/, '')} ${version}`,
    ...names.map(name => (checks[name] ? 'yes' : '–')),
  ])
  const lines = [['runtime', ...Object.values(columns)], ['', ...names].map(() => '---'), ...rows]
  return lines
    .map(cells => `| ${cells.join(' | ')} |`.replaceAll('| --- ', '|---').replace('--- |', '---|'))
    .join('\n')
}

/** @param {string} work */
export function writeRuntimes(work) {
  const results = found(work)
  writeFileSync(committed, `${JSON.stringify(results, null, 2)}\n`)
  writeFileSync(documentPath, withSection(readFileSync(documentPath, 'utf8'), 'runtimes', markdown(results)))
}

/** @param {string} work */
export function compareRuntimes(work) {
  const results = found(work)
  const renew = 'Renew both with: npm run packaging -- --write'
  if (!isDeepStrictEqual(results, JSON.parse(readFileSync(committed, 'utf8')))) {
    throw new Failure(`tools/packaging/results.json is not what was found. ${renew}`)
  }
  if (section(readFileSync(documentPath, 'utf8'), 'runtimes') !== markdown(results)) {
    throw new Failure(
      `The table of runtimes in docs/platforms.md is not that of tools/packaging/results.json. ${renew}`,
    )
  }
}
