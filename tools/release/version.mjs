// Moves everything to a version, and dates its entry in the changelog: `node tools/release/version.mjs 1.2.3 [--date 2026-01-31]`.
// Commits nothing. The date is today's, in UTC, unless it is given.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Failure, main, root } from '../dev/run.mjs'
import { crateVersion, heading, manifestVersion, obstacles, platforms } from './check.mjs'

/**
 * @param {string} folder
 * @param {string} version
 * @param {string} date
 */
export function moveTo(folder, version, date) {
  const { name, version: before } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  if (!/^\d+\.\d+\.\d+(-[\dA-Za-z-]+(\.[\dA-Za-z-]+)*)?$/.test(version))
    throw new Failure(`${version} is no version.`)
  const changelog = readFileSync(join(folder, 'CHANGELOG.md'), 'utf8')
  const dated = datedChangelog(changelog, version, date)
  if (before !== version && !isNewer(version, before))
    throw new Failure(`${version} does not come after ${before}.`)

  const edits = {
    'CHANGELOG.md': () => dated,
    'Cargo.toml': replaced(manifestVersion, version),
    'Cargo.lock': replaced(crateVersion(name), version),
    'package.json': edited(manifest => withVersion(manifest, name, version)),
    'package-lock.json': edited(lock => {
      lock.version = version
      withVersion(lock.packages[''], name, version)
      for (const platform of platforms(folder)) {
        const entry = lock.packages[`npm/${platform}`]
        if (entry) entry.version = version
      }
    }),
    'sbom.cdx.json': (/** @type {string} */ text) => {
      const sbom = JSON.parse(text.replaceAll(`pkg:npm/${name}@${before}`, `pkg:npm/${name}@${version}`))
      sbom.metadata.component.version = version
      return json(sbom)
    },
    ...Object.fromEntries(
      platforms(folder).map(platform => [
        `npm/${platform}/package.json`,
        edited(manifest => withVersion(manifest, name, version)),
      ]),
    ),
  }
  for (const [file, edit] of Object.entries(edits)) {
    const path = join(folder, file)
    if (existsSync(path)) writeFileSync(path, edit(readFileSync(path, 'utf8')))
  }
}

/** @param {string} changelog @param {string} version @param {string} date */
function datedChangelog(changelog, version, date) {
  const headings = [...changelog.matchAll(heading)]
  const line = headings.find(([, name, when]) => name === version && when === 'Unreleased') ?? headings[0]
  const [text, name, when] = line ?? []
  if (!line || (name !== 'Unreleased' && when !== 'Unreleased')) {
    throw new Failure(
      `CHANGELOG.md has nothing that is unreleased: begin with "## [Unreleased]" and say what ${version} changes.`,
    )
  }
  if (name !== 'Unreleased' && name !== version)
    throw new Failure(`CHANGELOG.md prepares ${name}, and not ${version}.`)
  return changelog.replace(text, () => `## [${version}] - ${date}`)
}

/**
 * @param {RegExp} pattern
 * @param {string} version
 */
const replaced = (pattern, version) => (/** @type {string} */ text) =>
  text.replace(pattern, (/** @type {string} */ line) => line.replace(/"[^"]+"$/, `"${version}"`))

/** @param {(content: any) => void} change */
const edited = change => (/** @type {string} */ text) => {
  const content = JSON.parse(text)
  change(content)
  return json(content)
}

/** As npm writes it. @param {unknown} content */
const json = content => `${JSON.stringify(content, null, 2)}\n`

/**
 * @param {{ version: string, optionalDependencies?: Record<string, string> }} manifest
 * @param {string} name
 * @param {string} version
 */
function withVersion(manifest, name, version) {
  manifest.version = version
  for (const dependency of Object.keys(manifest.optionalDependencies ?? {})) {
    if (dependency.startsWith(`${name}-`))
      /** @type {any} */ (manifest.optionalDependencies)[dependency] = version
  }
}

/**
 * By the rules of Semantic Versioning: numbers as numbers, and what leads up to a version comes before it.
 *
 * @param {string} version
 * @param {string} before
 */
export function isNewer(version, before) {
  const [[core, leading], [coreBefore, leadingBefore]] = [version, before].map(text => {
    const [, core, leading = ''] = /** @type {RegExpMatchArray} */ (text.match(/^([\d.]+)(?:-(.+))?$/))
    return [core, leading]
  })
  if (core !== coreBefore) return core.localeCompare(coreBefore, 'en', { numeric: true }) > 0
  if (!leading || !leadingBefore) return Boolean(leadingBefore)
  return leading.localeCompare(leadingBefore, 'en', { numeric: true }) > 0
}

main(import.meta.url, async () => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { date: { type: 'string', default: new Date().toISOString().slice(0, 10) } },
  })
  if (positionals.length !== 1) throw new Failure('Name the version: node tools/release/version.mjs 1.2.3')
  const [version] = positionals
  moveTo(root, version, values.date)
  const left = obstacles(root, { tag: `v${version}` })
  if (left.length > 0)
    throw new Failure(`Moved to ${version}; this is left to do:\n${left.map(line => `- ${line}`).join('\n')}`)
  console.log(`All is at ${version}. Look at it, commit it, and tag the commit v${version}.`)
})
