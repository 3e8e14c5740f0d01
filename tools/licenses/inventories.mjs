// The inventories that every package contains: the licences of the crates in the binaries, THIRD-PARTY-LICENSES.md, and the list of
// components, sbom.cdx.json. They are made from cargo's metadata and the files of the crates whenever a package is packed:
// `node tools/licenses/inventories.mjs <folder>` writes them into a folder.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { main, root, UserError } from '../dev/run.mjs'
import { label, linkedCrates } from './crates.mjs'
import { sbomText } from './sbom.mjs'
import { allowedLicences, takenLicences, textsOf } from './texts.mjs'

/** @typedef {import('./crates.mjs').Crate} Crate */

export const licencesFile = 'THIRD-PARTY-LICENSES.md'
export const sbomFile = 'sbom.cdx.json'

/** @returns {Record<string, string>} the text of each file, by its name */
export function inventories(linked = linkedCrates()) {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const made = { [licencesFile]: licencesText(linked.crates), [sbomFile]: sbomText(linked, manifest) }
  const leaked = Object.values(made).flatMap(machinePaths)
  if (leaked.length > 0)
    throw new UserError(`The inventories contain paths of this machine: ${leaked.join(', ')}`)
  return made
}

/** @param {string} folder */
export function writeInventories(folder) {
  for (const [name, text] of Object.entries(inventories())) writeFileSync(join(folder, name), text)
}

/** Paths of a machine in a text. @param {string} text */
export function machinePaths(text) {
  return text.match(/(file:\/\/|(?<![\w.:])\/(home|root|tmp|Users|var)\/|\b[A-Z]:\\)\S*/g) ?? []
}

/** @param {Crate[]} crates */
function licencesText(crates) {
  const allowed = allowedLicences()
  /** @type {Map<string, string[]>} the crates with each text */
  const blocks = new Map()
  const rows = crates.map(crate => {
    const taken = takenLicences(crate, allowed)
    for (const { source, text } of textsOf(crate, taken, crates)) {
      const note = source === '' ? `, which has no licence file: the standard text` : ` (${source})`
      blocks.set(text, [...(blocks.get(text) ?? []), `- ${label(crate)}${note}`])
    }
    const where = crate.systems.length > 0 ? crate.systems.join(', ') : 'all'
    return `| ${crate.name} | ${crate.version} | ${crate.licence} | ${taken.join(' and ')} | ${where} |`
  })
  return `${[
    '# Third-party licences',
    '',
    `The binaries of turnstile-solver contain the ${crates.length} crates of this table. Each is taken under the licence in the fourth column.`,
    'The texts are below, each with the crates that have it and the file that it comes from.',
    '',
    '| crate | version | offered under | taken under | linked on |',
    '|---|---|---|---|---|',
    ...rows,
    '',
    ...otherCode,
    '',
    '## Texts',
    ...[...blocks].flatMap(([text, users]) => ['', ...users, '', '```text', text, '```']),
  ].join('\n')}\n`
}

/** What is linked in and is not a crate of Cargo.lock. */
const otherCode = [
  '## Other code',
  '',
  '- The Rust standard library and the crates in it, © The Rust Project Developers and the authors of those crates, under Apache-2.0; its',
  '  tables of Unicode, © Unicode, Inc., under Unicode-3.0. Every Rust toolchain has all its notices in',
  '  `share/doc/rust/COPYRIGHT-library.html`.',
  '- Its `compiler_builtins`: parts © the LLVM project, under Apache-2.0 with the LLVM exception; parts © Jorge Aparicio and others, under',
  '  MIT.',
  '- In binaries that zig has linked, its `compiler_rt`, © Zig contributors, under MIT.',
  '',
  'The texts of these licences are among those below.',
]

main(import.meta.url, async () => {
  const [folder] = process.argv.slice(2)
  if (!folder) throw new UserError('Name the folder: node tools/licenses/inventories.mjs <folder>')
  writeInventories(folder)
  console.log(`${licencesFile} and ${sbomFile} are in ${folder}.`)
})
