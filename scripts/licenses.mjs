// What others wrote and the binaries contain: `node scripts/licenses.mjs` makes THIRD-PARTY-LICENSES.md with cargo-about and the list of
// components, sbom.cdx.json, with cargo-cyclonedx, and verifies both against Cargo.lock. Neither is committed; packing makes them.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { cargoTool } from './cargo-tools.mjs'
import { targets } from './prebuild/targets.mjs'
import { Failure, main, probe, root, run } from './run.mjs'

export const licencesFile = 'THIRD-PARTY-LICENSES.md'
export const sbomFile = 'sbom.cdx.json'

/** A release is built by the platform's own tools where possible, and elsewhere by others: what either links in counts. */
const triples = [...new Set(targets.flatMap(({ triple, builtAs }) => [triple, builtAs]))]

/** Makes both files, at the top of the repository, where npm looks for them. */
export async function makeInventories() {
  await run('cargo', ['fetch', '--locked', '--quiet'])
  const about = await cargoTool('cargo-about')
  const cyclonedx = await cargoTool('cargo-cyclonedx')
  const config = [
    '--config',
    'scripts/licenses/about.toml',
    'scripts/licenses/about.hbs',
    '--frozen',
    '--fail',
  ]
  const perTarget = triples.flatMap(triple => ['--target', triple])
  // What it only warns of is a text that it did not find, or a line of about.toml that nothing needs any more.
  quiet(about, ['generate', ...config, ...perTarget, '--output-file', licencesFile])
  const format = [
    '--format',
    'json',
    '--spec-version',
    '1.5',
    '--override-filename',
    sbomFile.replace(/\.json$/, ''),
  ]
  quiet(cyclonedx, ['cyclonedx', ...format, '--target', 'all', '--no-build-deps'])
  // It names the package by the folder that it is in.
  const folder = pathToFileURL(root).href.replace(/\/$/, '')
  writeFileSync(join(root, sbomFile), read(sbomFile).replaceAll(folder, 'file://.'))

  const found = mismatches({
    crates: linkedCrates(),
    version: JSON.parse(read('package.json')).version,
    licences: read(licencesFile),
    sbom: read(sbomFile),
  })
  if (found.length > 0)
    throw new Failure(`The inventories are wrong:\n${found.map(line => `- ${line}`).join('\n')}`)
}

/** @param {string} file */
const read = file => readFileSync(join(root, file), 'utf8')

/** @param {string} command @param {string[]} args */
function quiet(command, args) {
  const { ok, output } = probe(command, args)
  if (!ok || output !== '') throw new Failure(`${command} ${args.join(' ')}:\n${output}`)
}

/**
 * The crates that end up in a binary, and their checksums in Cargo.lock: neither what builds or tests them, nor what writes code for them.
 *
 * @returns {Map<string, string>} by name and version
 */
export function linkedCrates() {
  const locked = lockedChecksums(read('Cargo.lock'))
  const names = triples.flatMap(triple => {
    const flags = ['--locked', '--edges', 'normal,no-proc-macro', '--prefix', 'none', '--format', '{p}']
    const { ok, output } = probe('cargo', ['tree', '--quiet', '--target', triple, ...flags])
    if (!ok) throw new Failure(`cargo tree for ${triple}:\n${output}`)
    return [...output.matchAll(/^(\S+) v(\S+)(?: \(\*\))?$/gm)].map(
      ([, name, version]) => `${name} ${version}`,
    )
  })
  return new Map([...new Set(names)].sort().map(crate => [crate, locked.get(crate) ?? 'none']))
}

/** @param {string} lock */
export function lockedChecksums(lock) {
  const entries = lock.matchAll(
    /^name = "(.+)"\nversion = "(.+)"\nsource = ".+"\nchecksum = "([0-9a-f]{64})"/gm,
  )
  return new Map([...entries].map(([, name, version, checksum]) => [`${name} ${version}`, checksum]))
}

/**
 * What is wrong with the two files.
 *
 * @param {{ crates: Map<string, string>, version: string, licences: string, sbom: string }} inventories
 * @returns {string[]}
 */
export function mismatches({ crates, version, licences, sbom }) {
  /** @type {{ metadata: { component: { version: string } }, components: { name: string, version: string, hashes?: { content: string }[] }[] }} */
  const { metadata, components } = JSON.parse(sbom)
  const listed = new Map(
    components.map(({ name, version, hashes }) => [`${name} ${version}`, hashes?.[0]?.content]),
  )
  const lines = new Set(licences.split('\n').map(line => line.match(/^- (\S+ \d[^\s,]*)(?:,|$)/)?.[1]))
  return [
    ...[...crates.keys()].filter(crate => !lines.has(crate)).map(crate => `${licencesFile} lacks ${crate}`),
    ...[...crates.keys()].filter(crate => !listed.has(crate)).map(crate => `${sbomFile} lacks ${crate}`),
    ...[...crates]
      .filter(([crate, checksum]) => listed.has(crate) && listed.get(crate) !== checksum)
      .map(([crate]) => `${sbomFile} has another checksum of ${crate} than Cargo.lock`),
    ...(metadata.component.version === version
      ? []
      : [`${sbomFile} is of version ${metadata.component.version}, and package.json of ${version}`]),
    ...[licences, sbom].flatMap(machinePaths).map(path => `a path of the machine is in there: ${path}`),
  ]
}

/** @param {string} text */
const machinePaths = text =>
  text.match(/(file:\/\/(?!\.)|(?<![\w.:])\/(home|root|tmp|Users|var)\/|\b[A-Z]:\\)\S*/g) ?? []

main(import.meta.url, async () => {
  await makeInventories()
  console.log(`${licencesFile} and ${sbomFile} are made, and true to Cargo.lock.`)
})
