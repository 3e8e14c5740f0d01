// Checks a binary without running it: its format, its exports, what it needs of the system, its size, and that it contains no path of the
// machine that built it.
import { readFileSync, statSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { probe, root, UserError } from '../dev/run.mjs'
import { binaryName, oldestGlibc, oldestMacos } from './targets.mjs'
import { python } from './toolchain.mjs'

/** @typedef {import('./targets.mjs').Target} Target */

/**
 * @typedef {object} Facts what is read from a binary; the last ones depend on its format
 * @property {string} format
 * @property {string} [machine]
 * @property {string[]} [exports]
 * @property {string[]} [libraries]
 * @property {string[]} [versions]
 * @property {string[]} [searches]
 * @property {boolean} [executableStack]
 * @property {string[]} [protections]
 * @property {Record<string, string[]>} [imports]
 * @property {string} [name]
 * @property {string} [system]
 * @property {boolean | null} [signed] null where there is no signature
 */

/** The export that Node.js looks for, and the only one allowed. */
const entry = 'napi_register_module_v1'

/** zig takes no list of exports for macOS, so those of the linker and of Rust's runtime remain. Nothing looks them up. */
const allowedMacosExports = /^_(__dso_handle|_mh_dylib_header|rust_eh_personality|_R\w*3std\w*)$/

export const maxBytes = 4_200_000

const formats = { linux: 'ELF', darwin: 'MACHO', win32: 'PE' }

const machines = {
  ELF: { x64: 'X86_64', arm64: 'AARCH64', arm: 'ARM' },
  MACHO: { x64: 'X86_64', arm64: 'ARM64', arm: '' },
  PE: { x64: 'AMD64', arm64: 'ARM64', arm: '' },
}

const glibc = /^(lib(c|m|dl|rt|pthread)\.so\.\d|ld-linux(-[a-z\d-]+)?\.so\.\d)$/
const framework = /^\/System\/Library\/Frameworks\/(Security|CoreFoundation)\.framework\//
const system = /^\/usr\/lib\/lib(System\.B|iconv\.2|charset\.1)\.dylib$/
/** In every Windows since 10. The libraries of the C runtime are named by API sets. */
const windows =
  /^(api-ms-win-(crt|core)-[a-z\d-]+|advapi32|bcrypt|bcryptprimitives|crypt32|kernel32|ntdll|secur32|userenv|ws2_32)\.dll$/i

const libraries = {
  glibc,
  musl: /^libc\.so$/,
  darwin: new RegExp(`${framework.source}|${system.source}`),
  win32: windows,
}

/**
 * Throws an error that names everything that is wrong with the file.
 *
 * @param {Target} target
 * @param {string} file
 */
export async function inspect(target, file) {
  const found = [...violations(target, await factsOf(file)), ...leakedPaths(file)]
  if (found.length === 0) return
  throw new UserError(
    `${basename(file)} cannot be used for ${target.name}:\n${found.map(line => `- ${line}`).join('\n')}`,
  )
}

/**
 * @param {string} file
 * @returns {Promise<Facts>}
 */
export const factsOf = async file => (await factsOfEach([file]))[0]

/**
 * @param {string[]} files
 * @returns {Promise<Facts[]>}
 */
export async function factsOfEach(files) {
  const script = fileURLToPath(new URL('inspect.py', import.meta.url))
  const { ok, output } = probe(await python('lief'), [script, ...files])
  if (!ok) throw new UserError(`${files.join(', ')} cannot be read:\n${output}`)
  return JSON.parse(output)
}

/**
 * @param {Target} target
 * @param {Facts} facts
 * @returns {string[]}
 */
export function violations(target, facts) {
  const format = /** @type {keyof typeof machines} */ (formats[target.os])
  if (facts.format !== format) return [`it is ${facts.format} and not ${format}`]
  const machine = machines[format][target.cpu]
  if (facts.machine !== machine) return [`it is for ${facts.machine} and not for ${machine}`]
  const allowed = libraries[target.libc ?? /** @type {'darwin' | 'win32'} */ (target.os)]
  return [
    ...exported(target, facts),
    ...(facts.libraries ?? []).filter(name => !allowed.test(name)).map(name => `it needs ${name}`),
    ...(facts.searches ?? []).map(path => `it searches for libraries by ${path}`),
    ...(facts.executableStack ? ['its stack would be executable'] : []),
    ...(target.libc === 'glibc' ? tooNewSymbols(facts) : []),
    ...(target.os === 'darwin' ? macosViolations(target, facts) : []),
    ...(target.os === 'win32' ? windowsViolations(facts) : []),
  ]
}

/** @param {Target} target @param {Facts} facts */
function exported({ os }, { exports = [] }) {
  const name = os === 'darwin' ? `_${entry}` : entry
  const others = exports.filter(
    other => other !== name && !(os === 'darwin' && allowedMacosExports.test(other)),
  )
  return [
    ...(exports.includes(name) ? [] : [`it does not export ${name}`]),
    ...(others.length > 0 ? [`it exports more than ${name}: ${others.slice(0, 5).join(', ')}`] : []),
  ]
}

/** @param {Facts} facts */
function tooNewSymbols({ versions = [] }) {
  return versions
    .filter(version => {
      const [, wanted] = version.match(/^GLIBC_([\d.]+)$/) ?? []
      return !wanted || wanted.localeCompare(oldestGlibc, 'en', { numeric: true }) > 0
    })
    .map(version => `it needs symbols of ${version}, and ${oldestGlibc} is the floor`)
}

/** @param {Target} target @param {Facts} facts */
function macosViolations(target, { imports = {}, name, system, signed }) {
  const floor = `MACOS ${oldestMacos}`
  const install = `@rpath/${binaryName(target)}`
  return [
    ...(system === floor ? [] : [`it is for ${system}, and ${floor} is the floor`]),
    ...(name === install ? [] : [`its install name is ${name} and not ${install}`]),
    // On x64 there may be none.
    ...(signed || (signed === null && target.cpu === 'x64') ? [] : ['its signature is not valid']),
    ...(imports[''] ?? []).map(symbol => `it looks for ${symbol} in any library`),
  ]
}

/** @param {Facts} facts */
function windowsViolations({ protections = [] }) {
  return ['DYNAMIC_BASE', 'NX_COMPAT']
    .filter(name => !protections.includes(name))
    .map(name => `it is built without ${name}`)
}

/** @param {string} file */
export function leakedPaths(file) {
  const { size } = statSync(file)
  const text = readFileSync(file, 'latin1')
  const folders = [homedir(), root, tmpdir(), process.env.CARGO_HOME, process.env.RUSTUP_HOME]
    .flatMap(path => (path && path.length > 2 ? [path.replace(/[\\/]$/, '')] : []))
    .map(path => `${path}${path.includes('\\') ? '\\' : '/'}`)
  const leaked = [...folders, ...(text.match(/(?:\/home\/|\/Users\/|\\Users\\)[\w.-]+/g) ?? [])].filter(
    path => text.includes(path),
  )
  return [
    ...(size > maxBytes ? [`it has ${size} bytes, and ${maxBytes} is the budget`] : []),
    ...[...new Set(leaked)].map(path => `it contains a path of the machine that built it: ${path}`),
  ]
}
