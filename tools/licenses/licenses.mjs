// What others wrote and the binary contains: their licences in THIRD-PARTY-LICENSES.md, the list of components in sbom.cdx.json.
//
//   node tools/licenses/licenses.mjs            writes both anew, with cargo-about and cargo-cyclonedx
//   node tools/licenses/licenses.mjs --check    says whether they are true to Cargo.lock; needs cargo alone
//   node tools/licenses/licenses.mjs --verify   makes both anew and compares every byte
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { targets } from '../cross-build/targets.mjs'
import { main, probe, root, run, UserError } from '../dev/run.mjs'

export const licencesFile = 'THIRD-PARTY-LICENSES.md'
export const sbomFile = 'sbom.cdx.json'

/** A release is built by the platform's own tools where it can be, and at home by others: what either links in counts. */
const triples = [...new Set(targets.flatMap(({ triple, rustTarget }) => [triple, rustTarget]))]

/**
 * @typedef {object} Crate
 * @property {string} name
 * @property {string} version
 * @property {string} licence as its manifest offers it
 * @property {string[]} systems where it is linked in, or none for all of them
 * @property {string} checksum of the archive that it came in
 *
 * @typedef {{ id: string, text: string, source_path: string | null, used_by: { crate: Package }[] }} Licence
 * @typedef {{ name: string, version: string, authors: string[], manifest_path: string }} Package
 * @typedef {{ 'bom-ref': string, name: string, version?: string, [key: string]: unknown }} Component
 * @typedef {{ metadata: { component: Component, tools: unknown }, components: Component[], dependencies: Dependency[], [key: string]: unknown }} Sbom
 * @typedef {{ ref: string, dependsOn?: string[] }} Dependency
 */

/** @param {{ name: string, version?: string }} crate */
const label = ({ name, version }) => `${name} ${version}`

/** @param {string} a @param {string} b */
const byName = (a, b) => (a < b ? -1 : Number(a > b))

/**
 * The crates that end up in a binary: neither what builds them nor what tests them nor what writes code for them.
 *
 * @returns {Crate[]}
 */
export function linkedCrates() {
  /** @type {Map<string, { licence: string, triples: Set<string> }>} */
  const crates = new Map()
  for (const triple of triples) {
    const { ok, output } = probe('cargo', [
      ...['tree', '--quiet', '--locked', '--edges', 'normal,no-proc-macro', '--target', triple],
      ...['--prefix', 'none', '--format', '{p}|{l}'],
    ])
    if (!ok) throw new UserError(`cargo tree for ${triple}:\n${output}`)
    for (const [, name, version, licence] of output.matchAll(/^(\S+) v(\S+)\|(.*?)(?: \(\*\))?$/gm)) {
      const known = crates.get(`${name} ${version}`) ?? { licence, triples: new Set() }
      crates.set(`${name} ${version}`, { ...known, triples: known.triples.add(triple) })
    }
  }
  const checksums = lockedChecksums(readFileSync(join(root, 'Cargo.lock'), 'utf8'))
  return [...crates]
    .sort(([a], [b]) => byName(a, b))
    .map(([key, { licence, triples: linkedIn }]) => {
      const [name, version] = key.split(' ')
      return { name, version, licence, systems: systems(linkedIn), checksum: checksums.get(key) ?? '' }
    })
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

/**
 * What is not true of the two files, in sentences.
 *
 * @param {{ crates: Crate[], version: string, licences: string, sbom: string }} given
 */
export function mismatches({ crates, version, licences, sbom }) {
  const wanted = crates.map(label)
  const rows = [...licences.matchAll(/^\| ([\w-]+) \| (\d\S*) \|/gm)].map(
    ([, name, number]) => `${name} ${number}`,
  )
  /** @type {Sbom} */
  const { metadata, components } = JSON.parse(sbom)
  const listed = components.filter(component => component.version !== undefined)
  const texts = licences.slice(licences.indexOf('\n## Texts'))
  const wrong = [
    ...differences(licencesFile, wanted, rows),
    ...differences(sbomFile, wanted, listed.map(label)),
    ...wanted
      .filter(crate => !texts.includes(`\n- ${crate}\n`) && !texts.includes(`\n- ${crate}, `))
      .map(crate => `${licencesFile} has no text for ${crate}`),
    ...crates
      .filter(({ checksum }) => !sbom.includes(checksum))
      .map(crate => `${sbomFile} has not the checksum of ${label(crate)} in Cargo.lock`),
    ...[licences, sbom]
      .flatMap(text => pathsIn(text))
      .map(place => `a path of some machine is in there: ${place}`),
  ]
  const component = metadata.component
  if (component.version !== version) {
    wrong.push(`${sbomFile} is of version ${component.version}, and package.json of ${version}`)
  }
  return wrong
}

/** @param {string} file @param {string[]} wanted @param {string[]} found */
function differences(file, wanted, found) {
  return [
    ...wanted.filter(crate => !found.includes(crate)).map(crate => `${file} lacks ${crate}`),
    ...found
      .filter(crate => !wanted.includes(crate))
      .map(crate => `${file} has ${crate}, which is not linked in`),
  ]
}

/** @param {string} text */
function pathsIn(text) {
  return text.match(/(file:\/\/|(?<![\w.:])\/(home|root|tmp|Users|var)\/|\b[A-Z]:\\)\S*/g) ?? []
}

/** Both files as they ought to be. */
async function made() {
  const crates = linkedCrates()
  await run('cargo', ['fetch', '--locked', '--quiet'])
  const found = await texts()
  return { [licencesFile]: licencesText(crates, found), [sbomFile]: await bill(crates) }
}

/**
 * What cargo-about found, with the places of texts as they are in their crates.
 *
 * @returns {Promise<Licence[]>}
 */
async function texts() {
  const about = await cargoTool('cargo-about', '0.9.3', ['--features', 'cli'])
  const folder = mkdtempSync(join(tmpdir(), 'licences-'))
  try {
    const answer = join(folder, 'about.json')
    const asked = [
      '--config',
      'tools/licenses/about.toml',
      ...triples.flatMap(triple => ['--target', triple]),
    ]
    const flags = ['--frozen', '--fail', '--format', 'json', '--output-file', answer]
    const { ok, output } = probe(about, ['generate', ...asked, ...flags])
    // What it only warns of is a text that it did not find, or a line of about.toml that nothing needs any more.
    if (!ok || output !== '') throw new UserError(`cargo-about is not content:\n${output}`)
    return JSON.parse(readFileSync(answer, 'utf8')).licenses
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** @param {Crate[]} crates @param {Licence[]} found */
function licencesText(crates, found) {
  const linked = new Set(crates.map(label))
  const config = readFileSync(join(root, 'tools', 'licenses', 'about.toml'), 'utf8')
  /** @type {Map<string, { id: string, text: string, users: Map<string, string> }>} */
  const blocks = new Map()
  for (const { id, text, source_path, used_by } of found) {
    for (const { crate } of used_by) {
      if (!linked.has(label(crate))) continue
      const file = source_path ? withinCrate(source_path, crate) : ''
      if (file && !/(^|\/)licen[cs]e[^/]*$/i.test(file) && !config.includes(`path = "${file}"`)) {
        throw new UserError(
          `${label(crate)}: ${file} is no licence file; say in about.toml where its licences are.`,
        )
      }
      const plain = text.replaceAll(/[ \t\r]+$/gm, '').replaceAll(/^\n+|\n+$/g, '')
      const block = blocks.get(`${id}\n${plain}`) ?? { id, text: plain, users: new Map() }
      block.users.set(
        label(crate),
        file ? '' : `, by ${crate.authors.map(author => author.replace(/ <.*/, '')).join(', ')}`,
      )
      blocks.set(`${id}\n${plain}`, block)
    }
  }
  const ordered = [...blocks.values()].sort((a, b) =>
    byName(`${a.id} ${firstUser(a)}`, `${b.id} ${firstUser(b)}`),
  )
  const rows = crates.map(crate => {
    const taken = [...new Set(ordered.filter(({ users }) => users.has(label(crate))).map(({ id }) => id))]
    const where = crate.systems.length > 0 ? crate.systems.join(', ') : 'everywhere'
    return `| ${crate.name} | ${crate.version} | ${crate.licence} | ${taken.join(' and ')} | ${where} |`
  })
  return `${[
    '# Third-party licences',
    '',
    `The binaries of turnstile-solver contain the ${crates.length} crates of this table. Each is taken under the licence that the`,
    'fourth column names; the texts are below. `node tools/licenses/licenses.mjs` writes this file from Cargo.lock.',
    '',
    '| crate | version | declaredSymbols under | taken under | linked in on |',
    '|---|---|---|---|---|',
    ...rows,
    '',
    ...beside,
    '',
    '## Texts',
    ...ordered.flatMap(({ id, text, users }) => [
      '',
      `### ${id}`,
      '',
      ...[...users].sort(([a], [b]) => byName(a, b)).map(([crate, authors]) => `- ${crate}${authors}`),
      '',
      ...([...users.values()].some(Boolean)
        ? ['The crates with names beside them ship no text of their own: this is the standard one.', '']
        : []),
      '```text',
      text,
      '```',
    ]),
  ].join('\n')}\n`
}

/** @param {{ users: Map<string, string> }} block */
const firstUser = ({ users }) => [...users.keys()].sort(byName)[0]

/** @param {string} path @param {Package} crate */
function withinCrate(path, { manifest_path }) {
  const folder = manifest_path.replace(/Cargo\.toml$/, '')
  return path.startsWith(folder) ? path.slice(folder.length) : path
}

/** What is linked in and no crate of Cargo.lock. */
const beside = [
  '## Beside the crates',
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

/**
 * The components: what cargo-cyclonedx says for every target, put together and without what is not linked in.
 *
 * @param {Crate[]} crates
 */
async function bill(crates) {
  const cyclonedx = await cargoTool('cargo-cyclonedx', '0.5.9')
  const linked = new Set(crates.map(label))
  /** @type {Map<string, Component>} */
  const components = new Map()
  /** @type {Map<string, Set<string>>} */
  const dependencies = new Map()
  /** @type {unknown} */
  let tools
  const { name, version, license } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const product = `pkg:npm/${name}@${version}`
  // It writes beside the manifest, so that gets a folder of its own; cargo asks for a source file as well.
  const folder = mkdtempSync(join(tmpdir(), 'sbom-'))
  try {
    mkdirSync(join(folder, 'src'))
    writeFileSync(join(folder, 'src', 'lib.rs'), '')
    for (const file of ['Cargo.toml', 'Cargo.lock', 'build.rs']) {
      writeFileSync(join(folder, file), readFileSync(join(root, file)))
    }
    for (const triple of triples) {
      const flags = [
        '--format',
        'json',
        '--spec-version',
        '1.5',
        '--no-build-deps',
        '--override-filename',
        'sbom',
      ]
      const manifest = ['--manifest-path', join(folder, 'Cargo.toml')]
      const { ok, output } = probe(cyclonedx, ['cyclonedx', ...manifest, ...flags, '--target', triple])
      if (!ok) throw new UserError(`cargo-cyclonedx for ${triple}:\n${output}`)
      /** @type {Sbom} */
      const sbom = JSON.parse(readFileSync(join(folder, 'sbom.json'), 'utf8'))
      const ours = sbom.metadata.component['bom-ref']
      tools = sbom.metadata.tools
      /** @type {Map<string, string>} */
      const names = new Map([[ours, product]])
      for (const component of sbom.components.filter(component => linked.has(label(component)))) {
        const ref = String(component.purl)
        names.set(component['bom-ref'], ref)
        components.set(ref, { ...component, 'bom-ref': ref })
      }
      for (const { ref, dependsOn = [] } of sbom.dependencies) {
        const from = names.get(ref)
        if (!from) continue
        const all = dependencies.get(from) ?? new Set()
        for (const to of dependsOn) all.add(names.get(to) ?? '')
        dependencies.set(from, all)
      }
    }
    if (!readFileSync(join(folder, 'Cargo.lock')).equals(readFileSync(join(root, 'Cargo.lock')))) {
      throw new UserError('Cargo.lock is not up to date with Cargo.toml.')
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  const std = {
    type: 'library',
    'bom-ref': 'rust-std',
    name: 'rust-std',
    description: 'The standard library of the Rust compiler that built the binary, statically linked',
    scope: 'required',
    licenses: [{ expression: 'MIT OR Apache-2.0' }],
  }
  dependencies.set(product, (dependencies.get(product) ?? new Set()).add('rust-std'))
  const sbom = {
    bomFormat: 'CycloneDX',
    specVersion: '1.5',
    version: 1,
    metadata: {
      lifecycles: [{ phase: 'build' }],
      tools,
      component: {
        type: 'library',
        'bom-ref': product,
        name,
        version,
        licenses: [{ expression: license }],
        purl: product,
      },
    },
    components: [...[...components].sort(([a], [b]) => byName(a, b)).map(([, component]) => component), std],
    dependencies: [...dependencies]
      .sort(([a], [b]) => byName(a, b))
      .map(([ref, on]) => ({ ref, dependsOn: [...on].filter(Boolean).sort(byName) })),
  }
  return `${JSON.stringify(sbom, null, 2)}\n`
}

/**
 * A program of crates.io. Kept outside the clone: it takes minutes to build and does not depend on the commit.
 *
 * @param {string} name
 * @param {string} version
 * @param {string[]} [flags]
 */
async function cargoTool(name, version, flags = []) {
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache')
  const folder = join(cache, 'turnstile-solver', `${name}-${version}`)
  const path = join(folder, 'bin', process.platform === 'win32' ? `${name}.exe` : name)
  if (!existsSync(path)) {
    console.log(`Building ${name} ${version}, once on this machine.`)
    await run('cargo', [
      'install',
      name,
      '--version',
      version,
      '--locked',
      '--quiet',
      ...flags,
      '--root',
      folder,
    ])
  }
  return path
}

main(import.meta.url, async () => {
  const { values } = parseArgs({ options: { check: { type: 'boolean' }, verify: { type: 'boolean' } } })
  if (!values.check && !values.verify) {
    for (const [name, text] of Object.entries(await made())) writeFileSync(join(root, name), text)
    return console.log(`${licencesFile} and ${sbomFile} are written.`)
  }
  const [licences, sbom] = [licencesFile, sbomFile].map(name => readFileSync(join(root, name), 'utf8'))
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const wrong = mismatches({ crates: linkedCrates(), version, licences, sbom })
  if (values.verify && wrong.length === 0) {
    const anew = await made()
    if (anew[licencesFile] !== licences) wrong.push(`${licencesFile} is not what is made from Cargo.lock`)
    if (anew[sbomFile] !== sbom) wrong.push(`${sbomFile} is not what is made from Cargo.lock`)
  }
  if (wrong.length > 0) {
    throw new UserError(
      `Not true any more; node tools/licenses/licenses.mjs mends it:\n${wrong.map(line => `- ${line}`).join('\n')}`,
    )
  }
  console.log(`${licencesFile} and ${sbomFile} are true to Cargo.lock.`)
})
