// The results of building and testing, stored for the table in docs/platforms.md.
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { tools } from './toolchain.mjs'

/**
 * @typedef {object} Run
 * @property {string} node its version
 * @property {string} [libc] on Linux
 * @property {string} through the emulator, if there was one
 * @property {number} seconds
 * @property {number} checks that passed
 */

/**
 * @typedef {object} Result
 * @property {number} bytes
 * @property {string} sha256
 * @property {{ seconds: number, compiler: string }} [built] absent where the binary came from elsewhere
 * @property {Run[]} [runs] absent if not tested, empty if nothing on this machine runs it
 */

const file = join(tools, 'results.json')

/** @param {string} binary @returns {Pick<Result, 'bytes' | 'sha256'>} */
export function identity(binary) {
  const content = readFileSync(binary)
  return { bytes: content.length, sha256: createHash('sha256').update(content).digest('hex') }
}

/** @returns {Record<string, Result>} by the target's name */
export function results() {
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {}
}

/**
 * Results of another binary of the target are discarded.
 *
 * @param {string} name
 * @param {Result} result
 */
export function record(name, result) {
  const all = results()
  const known = all[name]?.sha256 === result.sha256 ? all[name] : {}
  write({ ...all, [name]: { ...known, ...result } })
}

/** @param {string} name */
export function discard(name) {
  const { [name]: _, ...others } = results()
  write(others)
}

/** @param {Record<string, Result>} all */
function write(all) {
  mkdirSync(tools, { recursive: true })
  writeFileSync(file, `${JSON.stringify(all, null, 2)}\n`)
}
