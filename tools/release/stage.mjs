// The folders of the packages as they are packed: what is committed, and what is generated when packing.
import { copyFileSync, cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { binaryName } from '../cross-build/targets.mjs'
import { root, UserError } from '../dev/run.mjs'
import { inventories, licencesFile, sbomFile } from '../licenses/inventories.mjs'
import { addCommonJs } from './commonjs.mjs'
import { npm } from './npm.mjs'

/** The licences and components of the binary, in every package. */
export const notices = ['LICENSE', licencesFile, sbomFile]

/**
 * The main package.
 *
 * @param {string} folder
 * @param {Record<string, string>} generated
 */
export async function stageMain(folder, generated = inventories()) {
  const { ok, output } = await npm(['pack', '--dry-run', '--json', '--ignore-scripts', '--loglevel=error'])
  if (!ok) throw new UserError(`npm pack --dry-run:\n${output}`)
  /** @type {{ files: { path: string }[] }[]} */
  const [{ files }] = JSON.parse(output)
  for (const { path } of files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    copyFileSync(join(root, path), join(folder, path))
  }
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  addCommonJs(folder, manifest)
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)
  writeAll(folder, generated)
}

/**
 * The package of a target, with a binary.
 *
 * @param {string} folder
 * @param {import('../cross-build/targets.mjs').Target} target
 * @param {string} binary
 * @param {Record<string, string>} generated
 */
export function stageTarget(folder, target, binary, generated) {
  cpSync(join(root, 'npm', target.name), folder, { recursive: true })
  copyFileSync(binary, join(folder, binaryName(target)))
  copyFileSync(join(root, 'LICENSE'), join(folder, 'LICENSE'))
  writeAll(folder, generated)
}

/** @param {string} folder @param {Record<string, string>} files */
function writeAll(folder, files) {
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
}
