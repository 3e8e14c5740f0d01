// Programs of crates.io that check or describe the crates of the binary: `node scripts/cargo-tools.mjs <name>` prints the path of one.
import { existsSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { Failure, main, run } from './run.mjs'

/** @type {Record<string, { version: string, flags?: string[] }>} */
const tools = {
  'cargo-deny': { version: '0.20.2' },
  'cargo-about': { version: '0.9.3', flags: ['--features', 'cli'] },
  'cargo-cyclonedx': { version: '0.5.9' },
}

/** Kept outside the clone: they take minutes to build and do not depend on the commit. */
const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'turnstile-solver')

/** @param {string} name */
const folder = name => join(cache, `${name}-${tools[name].version}`)

/** @param {string} name */
const path = name => join(folder(name), 'bin', process.platform === 'win32' ? `${name}.exe` : name)

/**
 * The path of a tool. If it is missing, it is built together with the others: they have many crates in common.
 *
 * @param {string} name
 */
export async function cargoTool(name) {
  if (!Object.hasOwn(tools, name))
    throw new Failure(`No such tool: ${name}. There are: ${Object.keys(tools)}.`)
  if (!existsSync(path(name))) await buildMissing()
  return path(name)
}

async function buildMissing() {
  const target = join(cache, 'target')
  // Lightly optimised: unoptimised they take minutes to read licences, and fully optimised minutes longer to build.
  const profile = {
    CARGO_PROFILE_DEV_OPT_LEVEL: '1',
    CARGO_PROFILE_DEV_DEBUG: 'false',
    CARGO_INCREMENTAL: '0',
  }
  const env = { ...process.env, ...profile, CARGO_TARGET_DIR: target }
  for (const [name, { version, flags = [] }] of Object.entries(tools)) {
    if (existsSync(path(name))) continue
    console.error(`Building ${name} ${version}, once on this machine.`)
    const args = ['install', name, '--version', version, '--locked', '--quiet', '--debug', ...flags]
    await run('cargo', [...args, '--root', folder(name)], { env })
  }
  rmSync(target, { recursive: true, force: true })
}

main(import.meta.url, async () => console.log(await cargoTool(process.argv[2])))
