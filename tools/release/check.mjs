// Checks that all files have the same version, as they must at every commit; with a tag, also that it can be released.
//
//   node tools/release/check.mjs [--tag v1.2.3] [--repository https://host/owner/name]
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { main, root, UserError } from '../dev/run.mjs'

/** The version of a crate in Cargo.lock. @param {string} name */
export const crateVersion = name => new RegExp(`^(?<=name = "${name}"\\n)version = "(.+)"$`, 'm')

/** The version in `[package]`. */
export const manifestVersion = /(?<=^\[package\]\n(?:.+\n)*?)version = "(.+)"$/m

/** A version's heading in the changelog, with its date or "Unreleased". */
export const heading = /^## \[(\S+)\](?: - (\S+))?$/gm

/** The folders of the packages with the binaries. @param {string} folder */
export function platforms(folder) {
  const within = join(folder, 'npm')
  if (!existsSync(within)) return []
  const packages = readdirSync(within).filter(name => existsSync(join(within, name, 'package.json')))
  return packages.sort()
}

/**
 * What prevents a release, in sentences.
 *
 * @param {string} folder
 * @param {{ tag?: string, repository?: string }} [release] absent if this is not a release: then the changelog may have unreleased changes
 * @returns {string[]}
 */
export function releaseBlockers(folder, { tag, repository } = {}) {
  const text = (/** @type {string} */ name) =>
    existsSync(join(folder, name)) ? readFileSync(join(folder, name), 'utf8') : ''
  const json = (/** @type {string} */ name) => JSON.parse(text(name) || '{}')
  const { name, version, ...manifest } = json('package.json')
  const lock = json('package-lock.json')
  const folders = platforms(folder)
  const packages = Object.fromEntries(
    folders.map(platform => [platform, json(`npm/${platform}/package.json`)]),
  )

  /** @type {[file: string, found: unknown][]} */
  const versions = [
    ['Cargo.toml', text('Cargo.toml').match(manifestVersion)?.[1]],
    ['Cargo.lock', text('Cargo.lock').match(crateVersion(name))?.[1]],
    ['package-lock.json', lock.version],
    ['package-lock.json, its first package,', lock.packages?.['']?.version],
    ...folders.flatMap(platform => {
      const locked = lock.packages?.[`npm/${platform}`]
      return /** @type {[string, unknown][]} */ ([
        [`npm/${platform}`, packages[platform].version],
        [`package-lock.json, its npm/${platform},`, locked?.version],
      ])
    }),
  ]
  const wanted = Object.fromEntries(folders.map(platform => [`${name}-${platform}`, version]))
  return [
    ...versions
      .filter(([, found]) => found !== version)
      .map(([file, found]) => `${file} has version ${found}, and package.json ${version}`),
    ...(folders.length === 0 ? ['there is no package under npm/'] : []),
    ...folders
      .filter(platform => packages[platform].name !== `${name}-${platform}`)
      .map(platform => `npm/${platform} has the name ${packages[platform].name}`),
    ...unequal('package.json', wanted, manifest.optionalDependencies),
    ...unequal('package-lock.json', wanted, lock.packages?.['']?.optionalDependencies),
    ...changelogBlockers(text('CHANGELOG.md'), version, tag !== undefined),
    ...(tag === undefined || tag === `v${version}`
      ? []
      : [`the tag is ${tag}, but the version is ${version}`]),
    ...(tag !== undefined && /not on npm yet/.test(text('README.md'))
      ? ['README.md says that the package is not on npm yet']
      : []),
    ...(repository === undefined
      ? []
      : [['package.json', manifest], ...folders.map(platform => [`npm/${platform}`, packages[platform]])]
          .filter(
            ([, { repository: found }]) => normalized(found?.url ?? String(found)) !== normalized(repository),
          )
          .map(([file]) => `"repository" of ${file} is not ${repository}, so npm refuses its provenance`)),
  ]
}

/**
 * @param {string} file
 * @param {Record<string, string>} wanted
 * @param {Record<string, string>} [found]
 */
function unequal(file, wanted, found = {}) {
  const names = [...new Set([...Object.keys(wanted), ...Object.keys(found)])]
  return names
    .filter(name => wanted[name] !== found[name])
    .map(name =>
      wanted[name] === undefined
        ? `"optionalDependencies" of ${file} has ${name}, for which there is no package under npm/`
        : `"optionalDependencies" of ${file} has ${name} ${found[name] ?? 'not at all'}, and not exactly ${wanted[name]}`,
    )
}

/** @param {string} changelog @param {string} version @param {boolean} released */
function changelogBlockers(changelog, version, released) {
  const found = [...changelog.matchAll(heading)].map(({ 1: name, 2: date, index: from }, number, all) => {
    const entries = changelog.slice(from, all[number + 1]?.index)
    return { name, date, entries: /^- /m.test(entries) }
  })
  const open = found[0]?.name === 'Unreleased' ? found[0] : undefined
  const newest = open ? found[1] : found[0]
  if (newest?.name !== version)
    return [`the newest version in CHANGELOG.md is ${newest?.name}, and not ${version}`]
  const wrong = []
  if (newest.date !== 'Unreleased' && !isDate(newest.date)) {
    wrong.push(`${version} has no valid date in CHANGELOG.md: ${newest.date}`)
  }
  if (released && newest.date === 'Unreleased') wrong.push(`${version} is still unreleased in CHANGELOG.md`)
  if (released && open?.entries) wrong.push('CHANGELOG.md has changes without a version')
  if (!newest.entries) wrong.push(`CHANGELOG.md has no changes for ${version}`)
  return wrong
}

/** @param {string | undefined} text */
function isDate(text) {
  const time = /^\d{4}-\d\d-\d\d$/.test(text ?? '') ? Date.parse(`${text}T00:00:00Z`) : Number.NaN
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(`${text}`)
}

/** @param {string | undefined} url */
const normalized = url => url?.replace(/^git\+/, '').replace(/\.git$/, '')

main(import.meta.url, async () => {
  const options = /** @type {const} */ ({ tag: { type: 'string' }, repository: { type: 'string' } })
  const { values } = parseArgs({ options })
  const found = releaseBlockers(root, values)
  if (found.length > 0)
    throw new UserError(`The versions do not agree:\n${found.map(line => `- ${line}`).join('\n')}`)
  console.log(values.tag ? `${values.tag} can be released.` : 'All versions agree.')
})
