// The packages as they would be published: the main one, that of this system with its binary, and placeholders for the others, so that
// package managers can choose.
import { copyFileSync, cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { capture } from '../../dev/child.mjs'
import { UserError } from '../../dev/run.mjs'
import { root, target, tool } from './context.mjs'
import { notices } from './shipped.mjs'

const npm = tool('npm11', 'bin', 'npm-cli.js')

/**
 * @param {string} work
 * @param {string} binary
 * @returns {Promise<import('./context.mjs').Packed[]>}
 */
export async function packAll(work, binary) {
  const tarballs = join(work, 'tarballs')
  mkdirSync(tarballs, { recursive: true })
  const targets = readdirSync(join(root, 'npm')).map(name => {
    const folder = join(work, 'packages', name)
    cpSync(join(root, 'npm', name), folder, { recursive: true })
    for (const notice of notices) copyFileSync(join(root, notice), join(folder, notice))
    const { main } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
    if (name === target) copyFileSync(binary, join(folder, main))
    else writeFileSync(join(folder, main), 'A placeholder: nothing on this system may install it.\n')
    return folder
  })
  return Promise.all([root, ...targets].map(folder => pack(folder, tarballs)))
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
