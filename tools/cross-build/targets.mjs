// The platforms with a binary. A test checks that `napi.targets` in package.json and the folders under npm/ agree.
import { UserError } from '../dev/run.mjs'

/** The oldest glibc and macOS that a binary may need. */
export const oldestGlibc = '2.17'
export const oldestMacos = '11.0'

/**
 * @typedef {object} Target
 * @property {string} name the platform in napi's spelling: the folder under npm/ and the end of the package's name
 * @property {string} triple as in `napi.targets`
 * @property {string} rustTarget the target of the compiler
 * @property {'linux' | 'darwin' | 'win32'} os
 * @property {'x64' | 'arm64' | 'arm'} cpu
 * @property {'glibc' | 'musl'} [libc]
 * @property {string} title as documents show it
 * @property {string} needs the oldest system that it loads on
 */

/** @type {readonly Target[]} */
export const targets = [
  gnu('linux-x64-gnu', 'x86_64-unknown-linux-gnu', 'x64', 'Linux x64 (glibc)'),
  gnu('linux-arm64-gnu', 'aarch64-unknown-linux-gnu', 'arm64', 'Linux arm64 (glibc)'),
  gnu('linux-arm-gnueabihf', 'armv7-unknown-linux-gnueabihf', 'arm', 'Linux armv7 (glibc)'),
  musl('linux-x64-musl', 'x86_64-unknown-linux-musl', 'x64', 'Linux x64 (musl)'),
  musl('linux-arm64-musl', 'aarch64-unknown-linux-musl', 'arm64', 'Linux arm64 (musl)'),
  darwin('darwin-x64', 'x86_64-apple-darwin', 'x64', 'macOS x64'),
  darwin('darwin-arm64', 'aarch64-apple-darwin', 'arm64', 'macOS arm64'),
  // Without Microsoft's linker and libraries. An addon uses only C interfaces of Node.js and of the system, which are the same for both.
  windows('win32-x64-msvc', 'x86_64-pc-windows-gnu', 'x64', 'Windows x64'),
  windows('win32-arm64-msvc', 'aarch64-pc-windows-gnullvm', 'arm64', 'Windows arm64'),
]

/** @param {Target} target */
export const packageName = ({ name }) => `turnstile-solver-${name}`

/** @param {Target} target */
export const binaryName = ({ name }) => `turnstile-solver.${name}.node`

/** Whether this Node.js is of the target's platform. @param {Target} target */
export function isThisMachine({ os, cpu, libc }) {
  if (os !== process.platform || cpu !== process.arch) return false
  const { header } = /** @type {any} */ (process.report.getReport())
  return os !== 'linux' || libc === (header.glibcVersionRuntime ? 'glibc' : 'musl')
}

/**
 * The targets of these names; all of them if none is named.
 *
 * @param {string[]} names
 */
export function named(names) {
  const unknown = names.filter(name => !targets.some(target => target.name === name))
  if (unknown.length > 0) {
    const all = targets.map(({ name }) => name).join(', ')
    throw new UserError(`No such target: ${unknown.join(', ')}. There are: ${all}.`)
  }
  return targets.filter(({ name }) => names.length === 0 || names.includes(name))
}

/**
 * @param {string} name
 * @param {string} triple
 * @param {Target['cpu']} cpu
 * @param {string} title
 * @returns {Target}
 */
function gnu(name, triple, cpu, title) {
  return {
    name,
    triple,
    rustTarget: triple,
    os: 'linux',
    cpu,
    libc: 'glibc',
    title,
    needs: `glibc ${oldestGlibc}`,
  }
}

/**
 * @param {string} name
 * @param {string} triple
 * @param {Target['cpu']} cpu
 * @param {string} title
 * @returns {Target}
 */
function musl(name, triple, cpu, title) {
  return { name, triple, rustTarget: triple, os: 'linux', cpu, libc: 'musl', title, needs: 'musl 1.2' }
}

/**
 * @param {string} name
 * @param {string} triple
 * @param {Target['cpu']} cpu
 * @param {string} title
 * @returns {Target}
 */
function darwin(name, triple, cpu, title) {
  return { name, triple, rustTarget: triple, os: 'darwin', cpu, title, needs: `macOS ${oldestMacos}` }
}

/**
 * @param {string} name
 * @param {string} rustTarget
 * @param {Target['cpu']} cpu
 * @param {string} title
 * @returns {Target}
 */
function windows(name, rustTarget, cpu, title) {
  const triple = rustTarget.replace(/-gnu(llvm)?$/, '-msvc')
  return { name, triple, rustTarget, os: 'win32', cpu, title, needs: 'Windows 10' }
}
