// Publishes the packages of a folder, those of the platforms first and the main one last, because it depends on them:
// `node tools/release/publish.mjs <folder> --digest <sha256> [--dry-run]`. Packages that are already published, byte for byte, are skipped, so an interrupted
// run can be repeated.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { targets } from '../cross-build/targets.mjs'
import { main, UserError } from '../dev/run.mjs'
import { checked } from './checksums.mjs'
import { npm } from './npm.mjs'

/** The first version with trusted publishing, which needs no token. */
const oldestNpm = '11.5.1'

/**
 * @param {string} folder
 * @param {{ registry: string, flags: string[], platforms: number, digest?: string }} how
 * @returns {Promise<string[]>} what was done
 */
export async function publish(folder, { registry, flags, platforms, digest }) {
  const packages = checked(folder, digest).map(file => {
    const [, name, version] = file.match(/^(.+?)-(\d+\.\d+\.\d+.*)\.tgz$/) ?? []
    return { file, name, version }
  })
  const versions = new Set(packages.map(({ version }) => version))
  if (versions.size !== 1)
    throw new UserError(`The packages have several versions: ${[...versions].join(', ')}.`)
  if (packages.length !== platforms + 1 || packages.at(-1)?.name !== 'turnstile-solver') {
    throw new UserError(
      `There are ${packages.length} packages; expected are the main one and ${platforms} for platforms.`,
    )
  }
  const done = []
  for (const { file, name, version } of packages) {
    const existing = await published(registry, name, version)
    const integrity = `sha512-${createHash('sha512')
      .update(readFileSync(join(folder, file)))
      .digest('base64')}`
    if (existing === integrity) {
      done.push(`${name} ${version} was already published`)
      continue
    }
    if (existing)
      throw new UserError(
        `${name} ${version} is already published with other contents: ${existing}, not ${integrity}.`,
      )
    const tag = version.includes('-') ? 'next' : 'latest'
    const where = ['--registry', registry, '--access', 'public', '--tag', tag]
    const { ok, output } = await npm(['publish', join(folder, file), ...where, ...flags])
    if (!ok)
      throw new UserError(`npm publish ${file}:\n${output}\nDone so far: ${done.join(', ') || 'nothing'}.`)
    done.push(`${name} ${version} is published as ${tag}`)
  }
  return done
}

/** The checksum in the registry, if the version is published. @param {string} registry @param {string} name @param {string} version */
async function published(registry, name, version) {
  const reply = await fetch(new URL(name, registry))
  if (reply.status === 404) return
  if (!reply.ok) throw new UserError(`${registry} returned ${reply.status} for ${name}.`)
  /** @type {any} */
  const { versions } = await reply.json()
  return versions?.[version]?.dist.integrity
}

main(import.meta.url, async () => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { 'dry-run': { type: 'boolean' }, digest: { type: 'string' } },
  })
  if (positionals.length !== 1)
    throw new UserError('Name the folder: node tools/release/publish.mjs <folder> --digest <sha256>')
  if (!values.digest)
    throw new UserError('Name the digest of SHA256SUMS, from the job that packed: --digest <sha256>')
  const { output: version } = await npm(['--version'])
  if (version.localeCompare(oldestNpm, 'en', { numeric: true }) < 0) {
    throw new UserError(`npm ${oldestNpm} or newer is needed; this is ${version}.`)
  }
  const { output } = await npm(['config', 'get', 'registry'])
  const flags = values['dry-run'] ? ['--dry-run'] : ['--provenance']
  const done = await publish(resolve(positionals[0]), {
    registry: output,
    flags,
    platforms: targets.length,
    digest: values.digest,
  })
  console.log(done.join('\n'))
})
