'use strict'

// Loads the binary through native.js, which finds it. Where that fails, native.js lists all that it tried; the error made here
// says what was wanted on this system, why it did not serve, and what mends it.

const { closeSync, existsSync, fstatSync, openSync, readFileSync, readSync } = require('node:fs')
const { createRequire } = require('node:module')
const { join } = require('node:path')
const { optionalDependencies = {}, version } = require('../package.json')

/** @typedef {'missing' | 'unsupported' | 'foreign' | 'broken' | 'version' | 'denied' | 'bundled'} Reason */
/** @typedef {{ platform: string, arch: string | undefined, libc?: 'glibc' | 'musl' }} System */
/** @typedef {System & { target: string, packageName: string }} Wanted */
/** @typedef {{ reason: Reason, why: string, mend: string, cause?: unknown }} Diagnosis */
/**
 * Where the binary was looked for, and what was found.
 *
 * @typedef {{ own: NodeJS.Require, override: string | undefined, file?: string, error?: unknown }} Place
 */

/** The package's folder. In a bundle there is none. */
const root = typeof __dirname === 'undefined' ? '' : join(__dirname, '..')

const npm = 'npm install --include=optional'
const build = 'run: npm run build'

/** What the head of a file calls a processor. */
const machines = {
  elf: new Map().set(0x3e, 'x64').set(0xb7, 'arm64').set(0x28, 'arm'),
  pe: new Map().set(0x8664, 'x64').set(0xaa64, 'arm64'),
  macho: new Map().set(0x01000007, 'x64').set(0x0100000c, 'arm64'),
}

module.exports = load()

function load() {
  const report = /** @type {any} */ (process.report)
  const excludeNetwork = report?.excludeNetwork
  try {
    return loaded()
  } finally {
    // Looking for musl sets it, here and in native.js. What the process reports of itself is not ours to say.
    if (report && report.excludeNetwork !== excludeNetwork) report.excludeNetwork = excludeNetwork
  }
}

function loaded() {
  const here = wanted()
  const place = isBundled() ? undefined : locate(here)
  // To map such a file ends the process with SIGBUS, without a word.
  if (place?.file && isCutShort(place.file)) throw failure(here, broken(place, 'is cut short'))
  /** @type {any} */
  const native = attempt(here, place)
  if (native.version === version) return native
  // Some bundlers put the address of a file where it was required.
  throw failure(here, place || native.version ? outdated(here, place, native.version) : bundled(here))
}

/**
 * @param {Wanted} here
 * @param {Place | undefined} place
 */
function attempt(here, place) {
  try {
    return require('../native.js')
  } catch (error) {
    throw failure(here, place ? diagnosis(here, place, error) : { ...bundled(here), cause: error })
  }
}

/**
 * @param {Wanted} here
 * @param {Diagnosis} diagnosis
 */
function failure(here, { reason, why, mend, cause }) {
  const message = `turnstile-solver cannot load its native binary on ${named(here)}.\n${why}\nTo mend it, ${mend}`
  const error = new Error(message, cause === undefined ? undefined : { cause })
  const { platform, arch, libc, packageName } = here
  return Object.assign(error, {
    code: 'ERR_TURNSTILE_SOLVER_BINARY',
    reason,
    platform,
    arch,
    libc,
    packageName,
  })
}

/** @returns {Wanted} what native.js looks for on this system */
function wanted() {
  const { platform, arch } = process
  const libc = platform === 'linux' ? systemLibc() : undefined
  const abi = platform === 'win32' ? '-msvc' : libc ? `-${libc === 'musl' ? 'musl' : 'gnu'}` : ''
  const target = `${platform}-${arch}${abi}${libc && arch === 'arm' ? 'eabihf' : ''}`
  return { platform, arch, libc, target, packageName: `turnstile-solver-${target}` }
}

/** @returns {'glibc' | 'musl'} found where native.js finds it, in the same order */
function systemLibc() {
  try {
    return readFileSync('/usr/bin/ldd', 'utf8').includes('musl') ? 'musl' : 'glibc'
  } catch {
    return reportsMusl() ? 'musl' : 'glibc'
  }
}

function reportsMusl() {
  try {
    /** @type {any} */
    const report = process.report
    // It would ask for the name of every address that a socket is connected to.
    report.excludeNetwork = true
    const { header, sharedObjects } = report.getReport()
    const isMusl = (/** @type {string} */ path) => /libc\.musl-|ld-musl-/.test(path)
    return !header.glibcVersionRuntime && sharedObjects.some(isMusl)
  } catch {
    return false
  }
}

/** A bundle holds this file and native.js in one. */
function isBundled() {
  return typeof __filename === 'undefined' || !existsSync(join(root, 'native.js'))
}

function isClone() {
  return existsSync(join(root, 'Cargo.toml'))
}

/**
 * @param {Wanted} here
 * @returns {Place}
 */
function locate({ target, packageName }) {
  const own = createRequire(__filename)
  const built = join(root, `turnstile-solver.${target}.node`)
  let override
  try {
    override = process.env.NAPI_RS_NATIVE_LIBRARY_PATH
    return { own, override, file: own.resolve(override || (existsSync(built) ? built : packageName)) }
  } catch (error) {
    return { own, override, error }
  }
}

/** @param {string} file whether it ends before what its head says, as a download or a copy does that was broken off */
function isCutShort(file) {
  let descriptor
  try {
    descriptor = openSync(file, 'r')
    const head = Buffer.alloc(64)
    readSync(descriptor, head, 0, head.length, 0)
    if (!isElf(head)) return false
    const wide = head[4] === 2
    const table = wide ? Number(head.readBigUInt64LE(40)) : head.readUInt32LE(32)
    const at = wide ? 58 : 46
    return fstatSync(descriptor).size < table + head.readUInt16LE(at) * head.readUInt16LE(at + 2)
  } catch {
    return false
  } finally {
    if (descriptor !== undefined) closeSync(descriptor)
  }
}

/** @param {Buffer} bytes */
function isElf(bytes) {
  return bytes.toString('latin1', 0, 4) === '\x7fELF'
}

/**
 * @param {Wanted} here
 * @param {Place} place
 * @param {unknown} error of native.js
 * @returns {Diagnosis}
 */
function diagnosis(here, place, error) {
  if (isDenied(error)) return { ...denied(error), cause: error }
  if (place.file === undefined) return { ...absent(here, place), cause: place.error }
  try {
    // Once more, since native.js keeps of its errors but the texts.
    place.own(place.file)
  } catch (cause) {
    return { ...unloadable(here, place, place.file, cause), cause }
  }
  const mend = 'see what leads native.js elsewhere, such as variables that begin with NAPI_RS_.'
  return {
    reason: 'broken',
    why: `${place.file} loads, but native.js says: ${firstLine(error)}`,
    mend,
    cause: error,
  }
}

/**
 * @param {Wanted} here
 * @param {Place} place
 * @returns {Diagnosis}
 */
function absent({ packageName }, { own, override }) {
  if (override) {
    const why = `NAPI_RS_NATIVE_LIBRARY_PATH names ${override}, and there is no such file.`
    return { reason: 'missing', why, mend: 'unset NAPI_RS_NATIVE_LIBRARY_PATH or correct it.' }
  }
  const made = Object.keys(optionalDependencies)
  if (!made.includes(packageName)) {
    const why = `None is made for it; there are ${made.map(name => name.replace('turnstile-solver-', '')).join(', ')}.`
    const mend = 'build one from the source and let NAPI_RS_NATIVE_LIBRARY_PATH name its file.'
    return { reason: 'unsupported', why, mend }
  }
  if (isClone())
    return { reason: 'missing', why: 'This is a clone, and none was built in it yet.', mend: build }
  const installed = made.filter(name => {
    try {
      return own.resolve(`${name}/package.json`)
    } catch {
      return false
    }
  })
  if (installed.includes(packageName)) {
    return {
      reason: 'broken',
      why: `${packageName} is installed, but its binary is gone.`,
      mend: reinstall(),
    }
  }
  if (installed.length > 0) {
    const why = `It needs the package ${packageName}, and installed is ${installed.join(', ')}: node_modules comes from another system.`
    return { reason: 'missing', why, mend: reinstall() }
  }
  const why = `It needs the optional package ${packageName}, which is not installed.`
  const install = installCommand()
  const byName =
    'Where that changes nothing, the lockfile comes from another system and leaves the package out. Add it then by its name:\n' +
    `npm install --save-optional --save-exact ${packageName}@${version}`
  const mend = install === npm ? `run: ${install}\n${byName}` : `run: ${install}`
  return { reason: 'missing', why, mend }
}

/**
 * @param {Wanted} here
 * @param {Place} place
 * @param {string} file
 * @param {any} cause
 * @returns {Diagnosis}
 */
function unloadable(here, place, file, cause) {
  if (isDenied(cause)) return denied(cause)
  const made = madeFor(file)
  if (made === undefined) return broken(place, 'is not a library')
  if (made.platform !== here.platform || made.arch !== here.arch || made.libc !== here.libc) {
    return { reason: 'foreign', why: `${file} is made for ${named(made)}.`, mend: mendOf(place) }
  }
  const glibc = /`GLIBC_([\d.]+)' not found/.exec(cause?.message)?.[1]
  if (glibc) {
    const mend =
      'run it on a newer system, or build the binary on this one and let NAPI_RS_NATIVE_LIBRARY_PATH name it.'
    return {
      reason: 'foreign',
      why: `${file} needs glibc ${glibc}, which is newer than this system's.`,
      mend,
    }
  }
  return broken(place, `does not load: ${firstLine(cause)}`)
}

/** @param {any} error */
function isDenied(error) {
  return error?.code === 'ERR_DLOPEN_DISABLED' || error?.name === 'NotCapable'
}

/** @param {any} error @returns {Diagnosis} */
function denied(error) {
  const how =
    'deno' in process.versions
      ? 'Deno with --allow-ffi, --allow-read and --allow-env'
      : 'Node.js without --no-addons, and with --allow-addons where it has --permission'
  return {
    reason: 'denied',
    why: `This process may not load addons: ${firstLine(error)}`,
    mend: `start ${how}.`,
  }
}

/**
 * What a file is made for, by its head.
 *
 * @param {string} file
 * @returns {System | undefined}
 */
function madeFor(file) {
  try {
    const bytes = readFileSync(file)
    if (isElf(bytes)) {
      const libc = bytes.includes('\0libc.so.6\0') ? 'glibc' : 'musl'
      return { platform: 'linux', arch: machines.elf.get(bytes.readUInt16LE(18)), libc }
    }
    if (bytes.readUInt32LE(0) === 0xfeedfacf) {
      return { platform: 'darwin', arch: machines.macho.get(bytes.readUInt32LE(4)) }
    }
    const at = bytes.readUInt32LE(0x3c)
    if (bytes.toString('latin1', at, at + 4) === 'PE\0\0') {
      return { platform: 'win32', arch: machines.pe.get(bytes.readUInt16LE(at + 4)) }
    }
  } catch {
    // It is shorter than a head, or cannot be read.
  }
}

/**
 * @param {Place} place
 * @param {string} what
 * @returns {Diagnosis}
 */
function broken(place, what) {
  return { reason: 'broken', why: `${place.file} ${what}.`, mend: mendOf(place) }
}

/**
 * @param {Wanted} here
 * @param {Place | undefined} place
 * @param {unknown} found
 * @returns {Diagnosis}
 */
function outdated({ packageName }, place, found) {
  const why = `turnstile-solver is ${version}, but ${place?.file ?? packageName} is ${found ?? 'of another version'}.`
  return { reason: 'version', why, mend: place ? mendOf(place) : reinstall() }
}

/** @param {Wanted} here @returns {Diagnosis} */
function bundled({ packageName }) {
  const why = `A bundler took the JavaScript in, but ${packageName} cannot be bundled.`
  return {
    reason: 'bundled',
    why,
    mend: "leave turnstile-solver out of the bundle: add it to the bundler's externals.",
  }
}

/** What the package manager that installed this puts back what is missing with. */
function installCommand() {
  const beside = (/** @type {string} */ name) => existsSync(join(root, '..', name))
  if (/[\\/]\.pnpm[\\/]/.test(__dirname)) return 'pnpm install'
  if (beside('.yarn-integrity')) return 'yarn install --check-files'
  if (/[\\/]\.deno[\\/]/.test(__dirname)) return 'deno install'
  if (beside('.yarn-state.yml') || 'pnp' in process.versions) return 'yarn install'
  return 'bun' in process.versions ? 'bun install' : npm
}

function reinstall() {
  return `delete node_modules and run: ${installCommand()}`
}

/** @param {Place} place */
function mendOf({ override }) {
  if (override) return 'unset NAPI_RS_NATIVE_LIBRARY_PATH or let it name a binary of this system and version.'
  return isClone() ? build : reinstall()
}

/** @param {System} system */
function named({ platform, arch = 'with another processor', libc }) {
  return `${platform} ${arch}${libc ? ` with ${libc}` : ''}`
}

/** @param {any} error */
function firstLine(error) {
  return String(error?.message ?? error).split('\n')[0]
}
