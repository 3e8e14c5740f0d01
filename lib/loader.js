'use strict'

// Finds and loads the native binary. Exactly one file is loaded: the one that NAPI_RS_NATIVE_LIBRARY_PATH names; otherwise the
// one that was built in a clone; otherwise the one in the package of this system. Where it cannot be loaded, the error says
// what this system needs, what is wrong, and how to fix it.

const { existsSync, readFileSync } = require('node:fs')
const { createRequire } = require('node:module')
const { dirname, isAbsolute, join, resolve } = require('node:path')
const { optionalDependencies = {}, version } = require('../package.json')
const { isTruncated, systemOf } = require('./binary-header.js')
const requireBundled = require('./bundled-packages.js')
const currentSystem = require('./current-system.js')

/** @typedef {'missing' | 'unsupported' | 'incompatible' | 'corrupt' | 'version' | 'addons-disabled' | 'bundled'} Reason */
/** @typedef {import('./binary-header.js').System} System */
/** @typedef {{ reason: Reason, problem: string, fix: string, cause?: unknown }} Diagnosis */

const npm = 'npm install --include=optional'
const build = 'run: npm run build'

const self = typeof __filename === 'undefined' ? '' : __filename
const isBundled = !isAbsolute(self) || !/[\\/]lib[\\/]loader\.js$/.test(self)
/** The folder of this package. */
const root = dirname(dirname(self))
/** In a bundle the built-in `require` may be the bundler's. */
const own = createRequire(isBundled ? resolve(self || 'bundle.js') : join(root, 'index.js'))

/** The package of each system that has one. */
const packages = Object.keys(optionalDependencies)

const { system: here, isLibcReported } = currentSystem()
const target = targetOf(here)
const packageName = `turnstile-solver-${target}`
const binaryName = `turnstile-solver.${target}.node`

module.exports = load()

function load() {
  try {
    const override = process.env.NAPI_RS_NATIVE_LIBRARY_PATH
    if (override)
      return loadFile(overrideFile(override), fixOverride('let it name a binary of this system and version'))
    if (isBundled) return loadFromBundle()
    const built = join(root, binaryName)
    return existsSync(built)
      ? loadFile(built, isClone() ? build : reinstall())
      : loadFile(packagedFile(), reinstall())
  } catch (error) {
    throw addonsDisabled(error) ? failure(disabled(error)) : error
  }
}

/**
 * @param {string} file
 * @param {string} fix
 */
function loadFile(file, fix) {
  // Mapping such a file ends the process with SIGBUS, without a message.
  if (isTruncated(file)) throw failure({ reason: 'corrupt', problem: `${file} is cut short.`, fix })
  let native
  try {
    native = own(file)
  } catch (cause) {
    if (addonsDisabled(cause)) throw cause
    throw failure({ fix, ...notLoaded(file, cause), cause })
  }
  if (native?.version !== version) throw failure(wrongVersion(file, native?.version, fix))
  return native
}

function loadFromBundle() {
  const fix = "leave turnstile-solver out of the bundle: add it to the bundler's externals."
  const problem = `A bundler took the JavaScript in, but ${packageName} cannot be bundled.`
  const { native, cause } = requireBundled(packageName)
  if (addonsDisabled(cause)) throw cause
  if (native?.version === version) return native
  // Some bundlers put the address of the file in the place of what it exports.
  if (native?.version) throw failure(wrongVersion(packageName, native.version, reinstall()))
  throw failure({ reason: 'bundled', problem, fix, cause })
}

/** @param {string} override */
function overrideFile(override) {
  try {
    return own.resolve(override)
  } catch (cause) {
    const problem = `NAPI_RS_NATIVE_LIBRARY_PATH names ${override}, and there is no such file.`
    throw failure({ reason: 'missing', problem, fix: fixOverride('correct it'), cause })
  }
}

/** The binary in the package of this system, whose version is checked before anything in it is loaded. */
function packagedFile() {
  if (!packages.includes(packageName)) {
    const problem = `None is made for it; there are ${packages.map(short).join(', ')}.`
    const fix = 'build one from the source and let NAPI_RS_NATIVE_LIBRARY_PATH name its file.'
    throw failure({ reason: 'unsupported', problem, fix })
  }
  let manifest
  try {
    manifest = own.resolve(`${packageName}/package.json`)
  } catch (cause) {
    throw failure({ reason: 'missing', ...notInstalled(), cause })
  }
  const installed = JSON.parse(readFileSync(manifest, 'utf8')).version
  if (installed !== version) throw failure(wrongVersion(packageName, installed, reinstall()))
  const file = join(dirname(manifest), binaryName)
  if (existsSync(file)) return file
  const problem = `${packageName} is installed, but its binary is gone.`
  throw failure({ reason: 'corrupt', problem, fix: reinstall() })
}

function notInstalled() {
  if (isClone()) return { problem: 'This is a clone, and none was built in it yet.', fix: build }
  const others = packages.filter(name => {
    try {
      return own.resolve(`${name}/package.json`)
    } catch {
      return false
    }
  })
  if (others.length > 0) {
    const problem = `It needs the package ${packageName}, and installed is ${others.join(', ')}: node_modules comes from another system.`
    return { problem, fix: reinstall() }
  }
  const problem = `It needs the optional package ${packageName}, which is not installed.`
  if (isInstalledFromFile()) {
    const fix =
      'run in the clone of turnstile-solver: npm run pack\nThen run here the npm install that it prints.'
    return { problem: `${problem} turnstile-solver was installed from a file or a folder.`, fix }
  }
  const command = installCommand()
  const byName =
    'Where that changes nothing, the lockfile comes from another system and leaves the package out. Add it then by its name:\n' +
    `npm install --save-optional --save-exact ${packageName}@${version}`
  const fix = command === npm ? `run: ${command}\n${byName}` : `run: ${command}`
  return { problem, fix: isLibcReported ? fix : `${fix}\n${otherLibc()}` }
}

function otherLibc() {
  const other = here.libc === 'musl' ? 'glibc' : 'musl'
  return `If this system has ${other}, let NAPI_RS_NATIVE_LIBRARY_PATH name the binary for ${other}.`
}

/** Then the package manager has no source for the packages of the binaries. */
function isInstalledFromFile() {
  if (/[\\/]\.pnpm[\\/][^\\/]*@file\+/.test(root)) return true
  const modules = dirname(root)
  const { dependencies, devDependencies, optionalDependencies } = readJson(
    join(modules, '..', 'package.json'),
  )
  const { packages = {} } = readJson(join(modules, '.package-lock.json'))
  const { 'turnstile-solver': specifier } = { ...optionalDependencies, ...devDependencies, ...dependencies }
  return [specifier, packages['node_modules/turnstile-solver']?.resolved].some(from =>
    /^(file|link|portal):|^\.{0,2}\/|^(?!https?:).*\.tgz$/.test(from ?? ''),
  )
}

/** @param {string} file */
function readJson(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return {}
  }
}

/**
 * Why a file that is there does not load.
 *
 * @param {string} file
 * @param {any} cause
 * @returns {Omit<Diagnosis, 'fix'> & { fix?: string }}
 */
function notLoaded(file, cause) {
  const made = systemOf(file)
  if (made === undefined) return { reason: 'corrupt', problem: `${file} is not a library.` }
  if (made.platform !== here.platform || made.arch !== here.arch || made.libc !== here.libc) {
    return { reason: 'incompatible', problem: `${file} is made for ${nameOf(made)}.` }
  }
  const [, glibc] = /`GLIBC_([\d.]+)' not found/.exec(cause?.message) ?? []
  if (glibc) {
    const problem = `${file} needs glibc ${glibc}, which is newer than this system's.`
    const fix =
      'run it on a newer system, or build the binary on this one and let NAPI_RS_NATIVE_LIBRARY_PATH name it.'
    return { reason: 'incompatible', problem, fix }
  }
  return { reason: 'corrupt', problem: `${file} does not load: ${firstLine(cause)}.` }
}

/**
 * @param {string} where
 * @param {unknown} found
 * @param {string} fix
 * @returns {Diagnosis}
 */
function wrongVersion(where, found, fix) {
  const problem = `turnstile-solver is ${version}, but ${where} is ${found ?? 'of another version'}.`
  return { reason: 'version', problem, fix }
}

/** @param {any} error */
function addonsDisabled(error) {
  return error?.code === 'ERR_DLOPEN_DISABLED' || error?.name === 'NotCapable'
}

/** @param {any} cause @returns {Diagnosis} */
function disabled(cause) {
  const how =
    'deno' in process.versions
      ? 'Deno with --allow-ffi, --allow-read and --allow-env'
      : 'Node.js without --no-addons, and with --allow-addons where it has --permission'
  const problem = `This process may not load addons: ${firstLine(cause)}`
  return { reason: 'addons-disabled', problem, fix: `start ${how}.`, cause }
}

/** @param {Diagnosis} diagnosis */
function failure({ reason, problem, fix, cause }) {
  const message = `turnstile-solver cannot load its native binary on ${nameOf(here)}.\n${problem}\nTo fix it, ${fix}`
  const error = new Error(message, cause === undefined ? undefined : { cause })
  return Object.assign(error, { code: 'ERR_TURNSTILE_SOLVER_BINARY', reason, ...here, packageName })
}

/** The command with which the package manager that installed this package restores what is missing. */
function installCommand() {
  const exists = (/** @type {string} */ name) => existsSync(join(root, '..', name))
  if (/[\\/]\.pnpm[\\/]/.test(root)) return 'pnpm install'
  if (exists('.yarn-integrity')) return 'yarn install --check-files'
  if (/[\\/]\.deno[\\/]/.test(root)) return 'deno install'
  if (exists('.yarn-state.yml') || 'pnp' in process.versions) return 'yarn install'
  return 'bun' in process.versions ? 'bun install' : npm
}

function reinstall() {
  return `delete node_modules and run: ${installCommand()}`
}

/** @param {string} how */
function fixOverride(how) {
  return `unset NAPI_RS_NATIVE_LIBRARY_PATH or ${how}.`
}

function isClone() {
  return existsSync(join(root, 'Cargo.toml'))
}

/** The name that napi gives to a system's binary. @param {System} system */
function targetOf({ platform, arch, libc }) {
  const abi = platform === 'win32' ? '-msvc' : libc ? `-${libc === 'musl' ? 'musl' : 'gnu'}` : ''
  return `${platform}-${arch}${abi}${libc && arch === 'arm' ? 'eabihf' : ''}`
}

/** @param {System} system */
function nameOf({ platform, arch = 'with another processor', libc }) {
  return `${platform} ${arch}${libc ? ` with ${libc}` : ''}`
}

/** @param {string} name of a package */
function short(name) {
  return name.replace('turnstile-solver-', '')
}

/** @param {any} error */
function firstLine(error) {
  return String(error?.message ?? error).split('\n')[0]
}
