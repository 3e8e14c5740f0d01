// The packages as they would be published: the main one, that of this system with its binary, and placeholders for the others, so that
// package managers can choose.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { targets } from '../../cross-build/targets.mjs'
import { capture } from '../../dev/child.mjs'
import { UserError } from '../../dev/run.mjs'
import { stageMain, stageTarget } from '../../release/stage.mjs'
import { target as own, tool } from './context.mjs'

const npm = tool('npm11', 'bin', 'npm-cli.js')

/**
 * @param {string} work
 * @param {string} binary
 * @param {Record<string, string>} generated the inventories
 * @returns {Promise<import('./context.mjs').Packed[]>}
 */
export async function packAll(work, binary, generated) {
  const tarballs = join(work, 'tarballs')
  mkdirSync(tarballs, { recursive: true })
  const placeholder = join(work, 'placeholder')
  writeFileSync(placeholder, 'A placeholder: nothing on this system may install it.\n')
  const folders = targets.map(target => {
    const folder = join(work, 'packages', target.name)
    stageTarget(folder, target, target.name === own ? binary : placeholder, generated)
    return folder
  })
  const main = join(work, 'packages', 'main')
  await stageMain(main, generated)
  return Promise.all([main, ...folders].map(folder => pack(folder, tarballs)))
}

/**
 * @param {string} folder
 * @param {string} destination
 */
async function pack(folder, destination) {
  const args = [npm, 'pack', '--json', '--pack-destination', destination]
  const { code, stdout, stderr } = await capture(process.execPath, args, { cwd: folder })
  if (code !== 0) throw new UserError(`npm pack in ${folder} failed:\n${stderr}`)
  const [{ name, filename, size, unpackedSize, files }] = JSON.parse(stdout)
  return { name, tarball: join(destination, filename), size, unpackedSize, files }
}

/**
 * @param {string} tarball
 * @param {string} registry
 */
export async function publish(tarball, registry) {
  // The registry accepts every publisher, but npm requires a token.
  const token = `--//${new URL(registry).host}/:_authToken=any`
  const args = [npm, 'publish', tarball, '--registry', registry, token, '--access', 'public']
  const { code, stderr } = await capture(process.execPath, args, { cwd: join(tarball, '..') })
  if (code !== 0) throw new UserError(`npm publish of ${tarball} failed:\n${stderr}`)
}
