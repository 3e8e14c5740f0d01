// What run.mjs prepares for the suites and passes in the environment.
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../../../', import.meta.url))
const installed = fileURLToPath(new URL('../node_modules/', import.meta.url))

/** The target that runs here. Only its package has a real binary. */
export const target = 'linux-x64-gnu'

/**
 * @typedef {object} Context
 * @property {string} work a folder for everything, removed at the end
 * @property {string} registry its address
 * @property {Packed[]} packed
 */
/**
 * @typedef {object} Packed
 * @property {string} name
 * @property {string} tarball its path
 * @property {number} size in bytes
 * @property {number} unpackedSize in bytes
 * @property {{ path: string }[]} files
 */

/** @returns {Context} */
export function context() {
  const text = process.env.PACKAGING
  if (!text)
    throw new Error('This suite needs what run.mjs prepares: start it with node tools/packaging/run.mjs.')
  return JSON.parse(text)
}

/** A file of a package that this folder's lockfile names. @param {string[]} parts */
export const tool = (...parts) => join(installed, ...parts)

/** @param {number} major */
const node = major => tool(`node${major}`, 'bin', 'node')

/** The oldest and the newest Node.js that package managers are run with. */
export const nodes = { old: node(20), new: node(24) }

const [bun, deno] = [tool('bun', 'bin', 'bun'), tool('deno', 'deno')]
const stripTypes = ['--experimental-strip-types', '--no-warnings']
const permission = ['--permission', '--allow-fs-read=*', '--no-warnings']

/**
 * The runtimes, and their arguments for running a file: `typed` for TypeScript, if it can; `locked` without permission to load addons.
 *
 * @type {{ name: string, command: string[], typed?: string[], locked?: string[] }[]}
 */
export const runtimes = [
  { name: 'Node.js 20', command: [node(20)], locked: [node(20), '--no-addons'] },
  ...[22, 24].map(major => ({
    name: `Node.js ${major}`,
    command: [node(major)],
    typed: [node(major), ...stripTypes],
    locked: [node(major), ...permission],
  })),
  { name: 'Node.js 26', command: [node(26)], typed: [node(26)], locked: [node(26), ...permission] },
  { name: 'Bun', command: [bun], typed: [bun] },
  {
    name: 'Deno',
    command: [deno, 'run', '-A'],
    typed: [deno, 'run', '-A', '--check'],
    locked: [deno, 'run', '--no-prompt', '--allow-read', '--allow-env'],
  },
]
