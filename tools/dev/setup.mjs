// Installs everything that building and testing need on a fresh machine, if it is missing. Imports nothing that `npm ci` installs.
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { main, probe, root, run, UserError } from './run.mjs'

export async function setup() {
  requireNode()
  requireRust()
  await requireLinker()
  await installLocked(root)
}

/**
 * Installs Debian packages as root; otherwise names those that are missing.
 *
 * @param {string} why
 * @param {string[]} packages
 */
export async function installDebian(why, packages) {
  if (process.getuid?.() !== 0 || !probe('apt-get', ['--version']).ok) {
    throw new UserError(`${why} On Debian and Ubuntu: sudo apt-get install ${packages.join(' ')}`)
  }
  console.log(`${why} Installing ${packages.join(', ')}.`)
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  await run('apt-get', ['update', '-qq'], { env })
  await run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages], { env })
}

function requireNode() {
  const wanted = readFileSync(join(root, 'package.json'), 'utf8').match(/"node": ">= ([\d.]+)"/)?.[1] ?? ''
  if (!atLeast(process.versions.node, wanted)) {
    throw new UserError(`Node.js ${wanted} or newer is needed; this is ${process.versions.node}.`)
  }
}

function requireRust() {
  const wanted =
    readFileSync(join(root, 'Cargo.toml'), 'utf8').match(/^rust-version = "([\d.]+)"/m)?.[1] ?? ''
  for (const command of ['rustc', 'cargo']) {
    const { ok, output } = probe(command, ['--version'])
    if (!ok)
      throw new UserError(`Rust ${wanted} or newer is needed (https://rustup.rs): ${command}: ${output}`)
    const found = output.match(/\d+\.\d+\.\d+/)?.[0] ?? ''
    if (!atLeast(found, wanted))
      throw new UserError(`Rust ${wanted} or newer is needed; ${command} is ${found}.`)
  }
}

async function requireLinker() {
  if (process.platform === 'win32' || probe('cc', ['--version']).ok) return
  await installDebian('Rust needs a C compiler for building and linking.', ['gcc', 'libc6-dev'])
}

/**
 * Installs what a folder's lockfile names, unless it is installed. No package needs its scripts to work.
 *
 * @param {string} folder
 */
export async function installLocked(folder) {
  // npm writes the hidden lockfile last: without it an install was interrupted.
  const installed = join(folder, 'node_modules', '.package-lock.json')
  const lock = join(folder, 'package-lock.json')
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(lock).mtimeMs) return
  // `--include=dev` because NODE_ENV=production would leave the build tools out.
  const args = ['ci', '--prefix', folder, '--include=dev', '--ignore-scripts', '--loglevel=error']
  const npm = process.env.npm_execpath
  if (npm) await run(process.execPath, [npm, ...args])
  else if (process.platform === 'win32') await run('cmd', ['/c', 'npm', ...args])
  else await run('npm', args)
}

/**
 * @param {string} found
 * @param {string} wanted
 */
function atLeast(found, wanted) {
  return found.localeCompare(wanted, 'en', { numeric: true }) >= 0
}

main(import.meta.url, setup)
