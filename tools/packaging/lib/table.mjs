// The results of the runtimes: results.json, and its table in docs/platforms.md.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { UserError } from '../../dev/run.mjs'
import { section, withSection } from '../../dev/section.mjs'
import { root, runtimes } from './context.mjs'

const committed = join(root, 'tools', 'packaging', 'results.json')
const documentPath = join(root, 'docs', 'platforms.md')

/** What is tested in every runtime, in the order of the columns. */
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

/** The results of this run, oldest runtime first. @param {string} work @returns {Result[]} */
function found(work) {
  const folder = join(work, 'runtimes')
  /** @type {Result[]} */
  const results = readdirSync(folder).map(name => JSON.parse(readFileSync(join(folder, name), 'utf8')))
  const order = runtimes.map(({ name }) => name)
  const names = /** @type {(keyof typeof columns)[]} */ (Object.keys(columns))
  return results
    .map(({ checks, ...rest }) => {
      const known = names.filter(name => checks[name] !== undefined).map(name => [name, checks[name]])
      return { ...rest, checks: Object.fromEntries(known) }
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
    throw new UserError(`tools/packaging/results.json does not match the results. ${renew}`)
  }
  if (section(readFileSync(documentPath, 'utf8'), 'runtimes') !== markdown(results)) {
    throw new UserError(
      `The table of runtimes in docs/platforms.md does not match tools/packaging/results.json. ${renew}`,
    )
  }
}
