// Which build of the addon a checkout has, and whether it is current: `.tools/build.stamp` records the profile, a digest of the sources
// and a digest of the results.
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { probe, UserError } from './run.mjs'

/** @typedef {'release' | 'debug'} Profile */

const sources = [
  'Cargo.toml',
  'Cargo.lock',
  'build.rs',
  'package.json',
  'package-lock.json',
  'src',
  'tools/dev/build.mjs',
]

const stamp = (/** @type {string} */ root) => join(root, '.tools', 'build.stamp')

/**
 * The profile of the addon, if it is built from the sources as they are.
 *
 * @param {string} root
 * @returns {Profile | undefined}
 */
export function currentBuild(root) {
  const { profile, built } = readStamp(root)
  return built === sourceDigest(root) ? profile : undefined
}

/**
 * For measurements of the addon.
 *
 * @param {string} root
 */
export function refuseDebugBuild(root) {
  if (readStamp(root).profile === 'debug')
    throw new UserError('The addon is a debug build. Run: npm run build')
}

/**
 * @param {string} root
 * @param {Profile} profile
 * @param {string} built `sourceDigest` from before the build, so that it lacks what changed during the build
 */
export function stampBuild(root, profile, built) {
  mkdirSync(join(root, '.tools'), { recursive: true })
  writeFileSync(stamp(root), `${profile} ${built} ${outputDigest(root)}\n`)
}

/**
 * Empty if another program has written the addon or a generated file since.
 *
 * @param {string} root
 * @returns {{ profile?: Profile, built?: string }}
 */
function readStamp(root) {
  if (!existsSync(stamp(root))) return {}
  const [profile, built, outputs] = readFileSync(stamp(root), 'utf8').trim().split(' ')
  if ((profile !== 'release' && profile !== 'debug') || outputs !== outputDigest(root)) return {}
  return { profile, built }
}

/** @param {string} root */
export const sourceDigest = root => digest(root, sources, probe('rustc', ['-vV']).output)

/** @param {string} root */
const outputDigest = root =>
  digest(root, ['index.d.ts', ...readdirSync(root).filter(name => name.endsWith('.node'))])

/**
 * @param {string} root
 * @param {string[]} paths
 * @param {string} compiler
 */
function digest(root, paths, compiler = '') {
  const hash = createHash('sha256').update(compiler)
  for (const path of paths.flatMap(path => filesUnder(root, path))) {
    hash.update(`\0${path}\0`).update(existsSync(join(root, path)) ? readFileSync(join(root, path)) : '')
  }
  return hash.digest('hex')
}

/**
 * @param {string} root
 * @param {string} path
 * @returns {string[]}
 */
function filesUnder(root, path) {
  try {
    return readdirSync(join(root, path))
      .sort()
      .flatMap(name => filesUnder(root, `${path}/${name}`))
  } catch {
    return [path]
  }
}
