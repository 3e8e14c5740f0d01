// Whether a file is the binary of its target, seen from outside: what it is, what it exports, what it asks of the system, how
// large it is, and that it tells nothing of the machine it was built on.
import { readFileSync, statSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Failure, probe, root } from '../dev/run.mjs'
import { binaryName, glibcFloor, macosFloor } from './targets.mjs'
import { python } from './toolchain.mjs'

/** @typedef {import('./targets.mjs').Target} Target */

/**
 * @typedef {object} Facts what a binary says of itself; the last ones depend on its format
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

/** What Node.js looks for in an addon, and all that anybody may find. */
const entry = 'napi_register_module_v1'

/** zig takes no list of exports for macOS, so what the linker and Rust's runtime leave visible stays so. Nobody looks for it there. */
const unhidden = /^_(__dso_handle|_mh_dylib_header|rust_eh_personality|_R\w*3std\w*)$/

export const bytesAtMost = 3_600_000

const formats = { linux: 'ELF', darwin: 'MACHO', win32: 'PE' }

const machines = {
  ELF: { x64: 'X86_64', arm64: 'AARCH64', arm: 'ARM' },
  MACHO: { x64: 'X86_64', arm64: 'ARM64', arm: '' },
  PE: { x64: 'AMD64', arm64: 'ARM64', arm: '' },
}

const glibc = /^(lib(c|m|dl|rt|pthread)\.so\.\d|ld-linux(-[a-z\d-]+)?\.so\.\d)$/
const framework = /^\/System\/Library\/Frameworks\/(Security|CoreFoundation)\.framework\//
const system = /^\/usr\/lib\/lib(System\.B|iconv\.2|charset\.1)\.dylib$/
/** In every Windows since 10. The C runtime goes by the names of its sets. */
const windows =
  /^(api-ms-win-(crt|core)-[a-z\d-]+|advapi32|bcrypt|bcryptprimitives|crypt32|kernel32|ntdll|secur32|userenv|ws2_32)\.dll$/i

const libraries = {
  glibc,
  musl: /^libc\.so$/,
  darwin: new RegExp(`${framework.source}|${system.source}`),
  win32: windows,
}

/**
 * Throws a failure that says everything that is wrong with the file.
 *
 * @param {Target} target
 * @param {string} file
 */
export async function inspect(target, file) {
  const found = [...complaints(target, await factsOf(file)), ...blemishes(file)]
  if (found.length === 0) return
  throw new Failure(
    `${basename(file)} is not fit for ${target.name}:\n${found.map(line => `- ${line}`).join('\n')}`,
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
  if (!ok) throw new Failure(`${files.join(', ')} cannot be read:\n${output}`)
  return JSON.parse(output)
}

/**
 * @param {Target} target
 * @param {Facts} facts
 * @returns {string[]}
 */
export function complaints(target, facts) {
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
    ...(target.libc === 'glibc' ? tooNew(facts) : []),
    ...(target.os === 'darwin' ? ofMacos(target, facts) : []),
    ...(target.os === 'win32' ? ofWindows(facts) : []),
  ]
}

/** @param {Target} target @param {Facts} facts */
function exported({ os }, { exports = [] }) {
  const name = os === 'darwin' ? `_${entry}` : entry
  const others = exports.filter(other => other !== name && !(os === 'darwin' && unhidden.test(other)))
  return [
    ...(exports.includes(name) ? [] : [`it does not export ${name}`]),
    ...(others.length > 0 ? [`it exports more than ${name}: ${others.slice(0, 5).join(', ')}`] : []),
  ]
}

/** @param {Facts} facts */
function tooNew({ versions = [] }) {
  return versions
    .filter(version => {
      const [, wanted] = version.match(/^GLIBC_([\d.]+)$/) ?? []
      return !wanted || wanted.localeCompare(glibcFloor, 'en', { numeric: true }) > 0
    })
    .map(version => `it needs symbols of ${version}, and ${glibcFloor} is the floor`)
}

/** @param {Target} target @param {Facts} facts */
function ofMacos(target, { imports = {}, name, system, signed }) {
  const floor = `MACOS ${macosFloor}`
  const install = `@rpath/${binaryName(target)}`
  return [
    ...(system === floor ? [] : [`it is for ${system}, and ${floor} is the floor`]),
    ...(name === install ? [] : [`it calls itself ${name} and not ${install}`]),
    // On x64 there may be none.
    ...(signed || (signed === null && target.cpu === 'x64') ? [] : ['its signature does not hold']),
    ...(imports[''] ?? []).map(symbol => `it wants ${symbol} from any library`),
  ]
}

/** @param {Facts} facts */
function ofWindows({ protections = [] }) {
  return ['DYNAMIC_BASE', 'NX_COMPAT']
    .filter(name => !protections.includes(name))
    .map(name => `it is built without ${name}`)
}

/** @param {string} file */
export function blemishes(file) {
  const { size } = statSync(file)
  const text = readFileSync(file, 'latin1')
  const folders = [homedir(), root, tmpdir(), process.env.CARGO_HOME, process.env.RUSTUP_HOME]
    .flatMap(path => (path && path.length > 2 ? [path.replace(/[\\/]$/, '')] : []))
    .map(path => `${path}${path.includes('\\') ? '\\' : '/'}`)
  const told = [...folders, ...(text.match(/(?:\/home\/|\/Users\/|\\Users\\)[\w.-]+/g) ?? [])].filter(path =>
    text.includes(path),
  )
  return [
    ...(size > bytesAtMost ? [`it has ${size} bytes, and ${bytesAtMost} is the budget`] : []),
    ...[...new Set(told)].map(path => `it tells of a folder of the machine it was built on: ${path}`),
  ]
}
