// The package.json and the README of each target's package, as they are committed under npm/.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../dev/run.mjs'
import { binaryName, packageName, targets } from './targets.mjs'

/** @typedef {import('./targets.mjs').Target} Target */

/**
 * The files of a target's package, by name, without the binary itself.
 *
 * @param {Target} target
 * @param {{ version: string, license: string, engines: Record<string, string>, repository?: unknown }} main the manifest of the main package
 * @returns {Record<string, string>}
 */
export function packageFiles(target, { version, license, engines, repository }) {
  const binary = binaryName(target)
  const manifest = {
    name: packageName(target),
    version,
    description: `The binary of turnstile-solver for ${target.title}`,
    license,
    type: 'commonjs',
    main: binary,
    files: [binary, 'THIRD-PARTY-LICENSES.md', 'sbom.cdx.json'],
    ...(repository ? { repository } : {}),
    engines,
    os: [target.os],
    cpu: [target.cpu],
    ...(target.libc ? { libc: [target.libc] } : {}),
  }
  const readme = [
    `# ${packageName(target)}`,
    '',
    `The binary of \`turnstile-solver\` for ${target.title}: \`${target.triple}\`, ${target.needs} or newer.`,
    '',
    'It is installed with that package where it fits. There is no need to ask for it by name.',
    '',
  ]
  return { 'package.json': `${JSON.stringify(manifest, null, 2)}\n`, 'README.md': readme.join('\n') }
}

export function mainManifest() {
  return JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
}

/** Writes every package's files, as after a new version or a new target. */
export function writePackages() {
  const main = mainManifest()
  for (const target of targets) {
    const folder = join(root, 'npm', target.name)
    mkdirSync(folder, { recursive: true })
    for (const [name, text] of Object.entries(packageFiles(target, main))) {
      writeFileSync(join(folder, name), text)
    }
  }
}

/** The folders of packages that are there. */
export function packageFolders() {
  const folder = join(root, 'npm')
  if (!existsSync(folder)) return []
  return readdirSync(folder, { withFileTypes: true })
    .filter(entry => entry.isDirectory())
    .map(({ name }) => name)
    .sort()
}
