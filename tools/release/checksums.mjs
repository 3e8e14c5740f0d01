// The checksums of packed packages: a file beside them, and its own digest, which travels on another way.
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { UserError } from '../dev/run.mjs'

export const sums = 'SHA256SUMS'

/** @param {string} file */
const sha256 = file => createHash('sha256').update(readFileSync(file)).digest('hex')

/**
 * Writes the checksums of files in a folder, and returns the digest of what it wrote.
 *
 * @param {string} folder
 * @param {string[]} names in the order in which they are published
 */
export function writeChecksums(folder, names) {
  const lines = names.map(name => `${sha256(join(folder, name))}  ${name}\n`)
  writeFileSync(join(folder, sums), lines.join(''))
  return digestOf(folder)
}

/** The digest of the file of checksums. @param {string} folder */
export const digestOf = folder => sha256(join(folder, sums))

/**
 * The packages in a folder, in the order in which they are published, if they match their checksums.
 *
 * @param {string} folder
 * @param {string} [digest] of the file of checksums. Whoever can replace the packages can replace that file too, but not this.
 */
export function checked(folder, digest) {
  if (digest !== undefined && digestOf(folder) !== digest) {
    throw new UserError(`${sums} has the digest ${digestOf(folder)}, not ${digest || 'the empty one given'}.`)
  }
  const lines = readFileSync(join(folder, sums), 'utf8').trim().split('\n')
  const listed = lines.map(line => line.split('  '))
  const found = readdirSync(folder).filter(name => name.endsWith('.tgz'))
  const unlisted = found.filter(name => !listed.some(([, other]) => name === other))
  if (unlisted.length > 0) throw new UserError(`${sums} does not list ${unlisted.join(', ')}.`)
  for (const [sum, name] of listed) {
    if (sha256(join(folder, name)) !== sum) {
      throw new UserError(`${name} does not match its checksum in ${sums}.`)
    }
  }
  return listed.map(([, name]) => name)
}
