// Sets the version in all files, and dates its entry in the changelog: `node tools/release/version.mjs 1.2.3 [--date 2026-01-31]`.
// Commits nothing. The date defaults to today in UTC.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { main, root, UserError } from '../dev/run.mjs'
import { crateVersion, heading, manifestVersion, platforms, releaseBlockers } from './check.mjs'

/**
 * @param {string} folder
 * @param {string} version
 * @param {string} date
 */
export function moveTo(folder, version, date) {
  const { name, version: before } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  if (!/^\d+\.\d+\.\d+(-[\dA-Za-z-]+(\.[\dA-Za-z-]+)*)?$/.test(version))
    throw new UserError(`${version} is not a version.`)
  const changelog = readFileSync(join(folder, 'CHANGELOG.md'), 'utf8')
  const dated = datedChangelog(changelog, version, date)
  if (before !== version && !isNewer(version, before))
    throw new UserError(`${version} is not newer than ${before}.`)

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
    throw new UserError(
      `CHANGELOG.md has nothing unreleased: add "## [Unreleased]" with the changes of ${version}.`,
    )
  }
  if (name !== 'Unreleased' && name !== version)
    throw new UserError(`CHANGELOG.md prepares ${name}, not ${version}.`)
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

/** In npm's format. @param {unknown} content */
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
 * By the rules of Semantic Versioning: numbers are compared as numbers, and a prerelease comes before its version.
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
  if (positionals.length !== 1) throw new UserError('Name the version: node tools/release/version.mjs 1.2.3')
  const [version] = positionals
  moveTo(root, version, values.date)
  const blockers = releaseBlockers(root, { tag: `v${version}` })
  if (blockers.length > 0)
    throw new UserError(
      `All files have ${version}. Still to do:\n${blockers.map(line => `- ${line}`).join('\n')}`,
    )
  console.log(`All files have ${version}. Review and commit them, and tag the commit v${version}.`)
})
