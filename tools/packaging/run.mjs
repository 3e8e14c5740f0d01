// Tests the packages as users get them: packed, published to a local registry, installed by every package manager, and run in every
// runtime.
//
//   node tools/packaging/run.mjs [suite ...] [--binary <file>] [--write]
//
// --binary is the linux-x64-gnu binary to pack instead of that of `npm run build`. --write renews results.json and the table of runtimes in
// docs/platforms.md; without it they have to match the results.
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { build } from '../dev/build.mjs'
import { main, root, run, tool, UserError } from '../dev/run.mjs'
import { installLocked, setup } from '../dev/setup.mjs'
import { inventories } from '../licenses/inventories.mjs'
import { target } from './lib/context.mjs'
import { compareRuntimes, writeRuntimes } from './lib/table.mjs'

const folder = join(root, 'tools', 'packaging')
/** A suite takes a minute at most; after this time it hangs. */
const fileTimeoutMs = 180_000

async function packaging() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { binary: { type: 'string' }, write: { type: 'boolean', default: false } },
  })
  const suites = chosen(positionals)
  const table = suites.some(path => path.endsWith('runtimes.test.mjs'))
  if (values.write && !table) throw new UserError('--write needs the suite runtimes.')
  requireSystem()
  await setup()
  await installLocked(folder)
  // `npm run check` leaves this folder out: what it imports is installed in it only.
  await run(process.execPath, [tool('typescript', 'tsc'), '-p', 'tools/packaging/tsconfig.json'])
  if (!values.binary) await build()
  const binary = resolve(values.binary ?? join(root, `turnstile-solver.${target}.node`))

  const work = mkdtempSync(join(tmpdir(), 'turnstile-solver-packaging-'))
  for (const name of ['home', 'registry', 'runtimes', 'tmp']) mkdirSync(join(work, name))
  // Made first: cargo is found by the user's configuration.
  const generated = inventories()
  removeUserConfiguration(work)
  const { packAll, publish } = await import('./lib/pack.mjs')
  const { startRegistry } = await import('./lib/registry.mjs')
  const registry = await startRegistry(join(work, 'registry'))
  try {
    const packed = await packAll(work, binary, generated)
    await Promise.all(packed.map(({ tarball }) => publish(tarball, registry.url)))
    const env = { ...process.env, PACKAGING: JSON.stringify({ work, registry: registry.url, packed }) }
    const flags = [
      '--test',
      '--test-concurrency=2',
      `--test-timeout=${fileTimeoutMs}`,
      '--test-reporter=spec',
    ]
    await run(process.execPath, [...flags, ...suites], { env })
    if (values.write) writeRuntimes(work)
    else if (table) compareRuntimes(work)
  } finally {
    await registry.close()
    rmSync(work, { recursive: true, force: true })
  }
}

/** @param {string[]} names */
function chosen(names) {
  const all = readdirSync(folder).flatMap(name => name.match(/^(.+)\.test\.mjs$/)?.[1] ?? [])
  const unknown = names.filter(name => !all.includes(name))
  if (unknown.length > 0) throw new UserError(`No such suite: ${unknown}. There are: ${all.join(', ')}.`)
  return (names.length > 0 ? names : all).map(name => join(folder, `${name}.test.mjs`))
}

function requireSystem() {
  /** @type {any} */
  const report = process.report.getReport()
  if (process.platform === 'linux' && process.arch === 'x64' && report.header.glibcVersionRuntime) return
  throw new UserError(
    'The packages are tested on Linux on x64 with glibc, for which all runtimes are npm packages.',
  )
}

/**
 * The tests ignore the settings, the registry and the proxy of the user.
 *
 * @param {string} work
 */
function removeUserConfiguration(work) {
  const settings = /^(npm_|pnpm_|yarn_|bun_|deno_|node_options$|node_path$|(https?|all|no)_proxy$|xdg_)/i
  for (const name of Object.keys(process.env)) if (settings.test(name)) delete process.env[name]
  process.env.HOME = join(work, 'home')
  // Not all package managers clean up.
  process.env.TMPDIR = join(work, 'tmp')
}

main(import.meta.url, packaging)
