// The crates that are linked into a binary, from cargo and Cargo.lock.
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { targets } from '../cross-build/targets.mjs'
import { probe, root, UserError } from '../dev/run.mjs'

/** A release builds for macOS and Windows with other targets than `npm run cross-build`. What either links in counts. */
const triples = [...new Set(targets.flatMap(({ triple, rustTarget }) => [triple, rustTarget]))]

/**
 * @typedef {object} Crate
 * @property {string} name
 * @property {string} version
 * @property {string} licence the SPDX expression of its manifest
 * @property {string[]} authors
 * @property {string} [description]
 * @property {string} [repository]
 * @property {string[]} systems where it is linked in; none for all of them
 * @property {string} checksum of its archive, from Cargo.lock
 * @property {string} folder of its sources
 * @property {string[]} dependencies the linked crates that it depends on, as `name version`
 */

/** @param {{ name: string, version: string }} crate */
export const label = ({ name, version }) => `${name} ${version}`

/**
 * The crates of the binaries: without build dependencies, development dependencies and procedural macros.
 *
 * @returns {{ crates: Crate[], direct: string[] }} with the direct dependencies of the addon
 */
export function linkedCrates() {
  const linkedIn = linkedTriples()
  const { packages, resolve } = metadata()
  const checksums = lockedChecksums(readFileSync(join(root, 'Cargo.lock'), 'utf8'))
  const labels = new Map(packages.map(crate => [crate.id, label(crate)]))
  const edges = new Map(
    resolve.nodes.map(({ id, deps }) => [
      id,
      deps
        .filter(({ dep_kinds }) => dep_kinds.some(({ kind }) => kind === null))
        .map(({ pkg }) => labels.get(pkg) ?? '')
        .filter(dependency => linkedIn.has(dependency))
        .sort(),
    ]),
  )
  const crates = packages
    .filter(crate => linkedIn.has(label(crate)))
    .map(crate => ({
      name: crate.name,
      version: crate.version,
      licence: (crate.license ?? '').replaceAll(/ ?\/ ?/g, ' OR '),
      authors: crate.authors.map(author => author.replace(/ <.*/, '')),
      description: crate.description?.trim().replaceAll(/\s+/g, ' '),
      repository: crate.repository ?? undefined,
      systems: systems(linkedIn.get(label(crate)) ?? new Set()),
      checksum: checksums.get(label(crate)) ?? '',
      folder: dirname(crate.manifest_path),
      dependencies: edges.get(crate.id) ?? [],
    }))
    .sort((a, b) => (label(a) < label(b) ? -1 : 1))
  const lost = [...linkedIn.keys()].filter(name => !crates.some(crate => label(crate) === name))
  if (lost.length > 0) throw new UserError(`cargo metadata does not list ${lost.join(', ')}.`)
  return { crates, direct: edges.get(resolve.root) ?? [] }
}

/** The targets for which each crate is linked in, by `name version`. */
function linkedTriples() {
  /** @type {Map<string, Set<string>>} */
  const found = new Map()
  for (const triple of triples) {
    const output = cargo('tree', '--edges', 'normal,no-proc-macro', '--target', triple, '--prefix', 'none')
    for (const [, name, version, local] of output.matchAll(/^(\S+) v(\S+)(?: (\(\/[^)]*\)))?/gm)) {
      if (local) continue
      found.set(`${name} ${version}`, (found.get(`${name} ${version}`) ?? new Set()).add(triple))
    }
  }
  return found
}

/**
 * @returns {{ packages: { id: string, name: string, version: string, license?: string, authors: string[], description?: string,
 *   repository?: string, manifest_path: string }[], resolve: { root: string, nodes: { id: string, deps: { pkg: string,
 *   dep_kinds: { kind: string | null }[] }[] }[] } }}
 */
const metadata = () => JSON.parse(cargo('metadata', '--format-version', '1'))

/** @param {string[]} args */
function cargo(...args) {
  const { ok, output } = probe('cargo', [...args, '--locked', '--quiet'])
  if (!ok) throw new UserError(`cargo ${args.join(' ')}:\n${output}`)
  return output
}

/** @param {Set<string>} linkedIn */
function systems(linkedIn) {
  if (linkedIn.size === triples.length) return []
  const titles = { linux: 'Linux', darwin: 'macOS', win32: 'Windows' }
  const used = targets.filter(({ triple, rustTarget }) => linkedIn.has(triple) || linkedIn.has(rustTarget))
  return [...new Set(used.map(({ os }) => titles[os]))]
}

/** @param {string} lock */
export function lockedChecksums(lock) {
  const entries = lock.matchAll(
    /^name = "(.+)"\nversion = "(.+)"\nsource = ".+"\nchecksum = "([0-9a-f]{64})"/gm,
  )
  return new Map([...entries].map(([, name, version, checksum]) => [`${name} ${version}`, checksum]))
}
