// What building and running came to, kept between the two scripts, for people and for docs/platforms.md.
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
 * @property {Run[]} [runs] absent where nobody tried, empty where nothing here runs it
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
 * What was known of another binary of the target is forgotten.
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
export function forget(name) {
  const { [name]: _, ...others } = results()
  write(others)
}

/** @param {Record<string, Result>} all */
function write(all) {
  mkdirSync(tools, { recursive: true })
  writeFileSync(file, `${JSON.stringify(all, null, 2)}\n`)
}
