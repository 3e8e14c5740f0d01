// Unpacks libraries of other architectures and releases from Debian's packages into .tools/. Nothing is installed, and the sources and
// architectures of the system do not change.
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { probe, run, UserError } from '../dev/run.mjs'
import { folder } from './toolchain.mjs'

const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg'

/** Old releases are removed from the mirrors, so several may be named: the first one found is used. */
/** @typedef {{ releases: string[], architecture: string, packages: string[] }} Wanted */

/**
 * The folder that the packages are unpacked in.
 *
 * @param {Wanted} wanted
 */
export async function unpacked({ releases, architecture, packages }) {
  const place = join(folder('debian'), `${architecture}-${releases.join('-')}-${packages.join('-')}`)
  if (existsSync(place)) return place
  const mirror = debianMirror()
  const partial = `${place}.partial`
  for (const release of releases) {
    rmSync(partial, { recursive: true, force: true })
    const options = settings(partial, architecture, `deb [signed-by=${keyring}] ${mirror} ${release} main\n`)
    if (!probe('apt-get', [...options, 'update']).ok) continue
    console.log(`Unpacking ${packages.join(', ')} of ${release} for ${architecture} into .tools/.`)
    await run('env', ['--chdir', partial, 'apt-get', ...options, '-qq', 'download', ...packages])
    const files = readdirSync(partial).filter(name => name.endsWith('.deb'))
    for (const file of files) await run('dpkg-deb', ['-x', join(partial, file), join(partial, 'root')])
    renameSync(join(partial, 'root'), place)
    rmSync(partial, { recursive: true })
    return place
  }
  throw new UserError(
    `None of ${releases.join(', ')} is at this machine's mirror of Debian for ${architecture}.`,
  )
}

/** The mirror that the system uses for its own packages. */
function debianMirror() {
  const format = '$(LABEL)|$(REPO_URI)'
  const { ok, output } = probe('apt-get', ['indextargets', '--format', format])
  const mirror = ok && output.match(/^Debian\|(\S+)$/m)?.[1]
  if (!mirror) throw new UserError('This is not Debian, or apt has no package list yet: apt-get update')
  return mirror
}

/**
 * @param {string} place
 * @param {string} architecture
 * @param {string} source
 */
function settings(place, architecture, source) {
  for (const name of ['lists/partial', 'cache/archives/partial'])
    mkdirSync(join(place, name), { recursive: true })
  writeFileSync(join(place, 'sources.list'), source)
  writeFileSync(join(place, 'status'), '')
  const options = {
    'Dir::Etc::sourcelist': join(place, 'sources.list'),
    'Dir::Etc::sourceparts': '/dev/null',
    'Dir::State': place,
    'Dir::State::lists': join(place, 'lists'),
    'Dir::State::status': join(place, 'status'),
    'Dir::Cache': join(place, 'cache'),
    'APT::Architecture': architecture,
    'APT::Architectures': architecture,
    'APT::Sandbox::User': 'root',
    'APT::Update::Error-Mode': 'any',
    'Acquire::Languages': 'none',
    'Acquire::IndexTargets::deb::DEP-11::DefaultEnabled': 'false',
  }
  return Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`])
}
