// Packs what a release publishes: `node tools/release/pack.mjs <folder> [--partial]` packs the main package and one for each platform, checks
// their contents, and writes the checksums. With --partial, platforms without a binary are left out. In GitHub Actions the digest of the
// checksums becomes the output `digest` of the step.
//
// `npm run pack` packs the two packages for this machine, with the binary of `npm run build`, into the root.
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { packagedBinary } from '../cross-build/build.mjs'
import { inspect } from '../cross-build/inspect.mjs'
import { binaryName, isThisMachine, packageName, targets } from '../cross-build/targets.mjs'
import { build } from '../dev/build.mjs'
import { main, root, UserError } from '../dev/run.mjs'
import { setup } from '../dev/setup.mjs'
import { inventories } from '../licenses/inventories.mjs'
import { writeChecksums } from './checksums.mjs'
import { npm } from './npm.mjs'
import { notices, stageMain, stageTarget } from './stage.mjs'

/** Files that the main package must have. The packaging tests check the whole list. */
const mainFiles = [
  'README.md',
  'index.d.ts',
  'index.js',
  'package.json',
  'lib/cli/turnstile-solver.mjs',
  'lib/sandbox/index.mjs',
  'lib/sandbox/index.cjs',
]

/**
 * @param {string} folder of a package
 * @param {string} destination
 */
async function packed(folder, destination) {
  const flags = ['--pack-destination', destination, '--json', '--ignore-scripts', '--loglevel=error']
  const { ok, output } = await npm(['pack', folder, ...flags])
  if (!ok) throw new UserError(`npm pack ${folder}:\n${output}`)
  /** @type {{ filename: string, files: { path: string }[] }[]} */
  const [{ filename, files }] = JSON.parse(output)
  return { filename, files: files.map(({ path }) => path).sort() }
}

/**
 * Packs the packages of targets, then the main package.
 *
 * @param {string} destination
 * @param {[target: import('../cross-build/targets.mjs').Target, binary: string][]} binaries
 * @returns {Promise<string[]>} the names of the files
 */
async function packAll(destination, binaries) {
  const stage = mkdtempSync(join(tmpdir(), 'pack-'))
  const generated = inventories()
  const names = []
  try {
    for (const [target, binary] of binaries) {
      const folder = join(stage, target.name)
      stageTarget(folder, target, binary, generated)
      const { filename, files } = await packed(folder, destination)
      const wanted = [...notices, 'README.md', 'package.json', binaryName(target)].sort()
      if (files.join() !== wanted.join()) {
        throw new UserError(
          `${packageName(target)} would contain ${files.join(', ')}, but should contain ${wanted.join(', ')}.`,
        )
      }
      names.push(filename)
    }
    await stageMain(join(stage, 'main'), generated)
    const { filename, files } = await packed(join(stage, 'main'), destination)
    const missing = [...notices, ...mainFiles].filter(name => !files.includes(name))
    if (missing.length > 0) throw new UserError(`The main package would not contain ${missing.join(', ')}.`)
    const unwanted = files.filter(name => name.endsWith('.node') || name.includes('.test.'))
    if (unwanted.length > 0) throw new UserError(`The main package would contain ${unwanted.join(', ')}.`)
    return [...names, filename]
  } finally {
    rmSync(stage, { recursive: true })
  }
}

/** @param {string} destination @param {boolean} partial */
export async function pack(destination, partial) {
  if (existsSync(destination) && readdirSync(destination).length > 0) {
    throw new UserError(`${destination} is not empty.`)
  }
  const present = targets.filter(target => existsSync(packagedBinary(target)))
  const absent = targets.filter(target => !present.includes(target)).map(({ name }) => name)
  if (absent.length > 0 && !partial) throw new UserError(`There is no binary for ${absent.join(', ')}.`)
  mkdirSync(destination, { recursive: true })
  for (const target of present) await inspect(target, packagedBinary(target))
  const names = await packAll(
    destination,
    present.map(target => [target, packagedBinary(target)]),
  )
  return { names, absent, digest: writeChecksums(destination, names) }
}

/** The packages for this machine. */
async function packForThisMachine() {
  const target = targets.find(isThisMachine)
  if (!target) throw new UserError(`There is no package for ${process.platform} ${process.arch}.`)
  await build()
  const names = await packAll(root, [[target, join(root, binaryName(target))]])
  const files = names.toReversed().map(name => join(root, name))
  console.log(`To install them in a project, run there:\nnpm install ${files.join(' ')}`)
}

main(import.meta.url, async () => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { partial: { type: 'boolean' }, here: { type: 'boolean' } },
  })
  await setup()
  if (values.here) return packForThisMachine()
  if (positionals.length !== 1) throw new UserError('Name the folder: node tools/release/pack.mjs <folder>')
  const { names, absent, digest } = await pack(resolve(positionals[0]), values.partial ?? false)
  console.log(names.join('\n'))
  if (absent.length > 0) console.log(`\nWithout ${absent.join(', ')}: there is no binary.`)
  if (process.env.GITHUB_OUTPUT) appendFileSync(process.env.GITHUB_OUTPUT, `digest=${digest}\n`)
})
