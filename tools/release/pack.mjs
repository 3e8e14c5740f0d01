// Packs what a release publishes: `node tools/release/pack.mjs <folder> [--partial]` packs the main package and one for each platform, with
// their licences, checks the contents, and writes the checksums. With --partial, platforms without a binary are left out.
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { packagedBinary } from '../cross-build/build.mjs'
import { inspect } from '../cross-build/inspect.mjs'
import { binaryName, packageName, targets } from '../cross-build/targets.mjs'
import { main, root, UserError } from '../dev/run.mjs'
import { licencesFile, sbomFile } from '../licenses/licenses.mjs'

export const sums = 'SHA256SUMS'

/** The licences and components of the binary, in every package. */
const notices = ['LICENSE', licencesFile, sbomFile]

/** Files that the main package must have. The packaging tests check the whole list. */
const mainFiles = [
  'README.md',
  'index.d.ts',
  'index.js',
  'package.json',
  'lib/cli/turnstile-solver.mjs',
  'lib/sandbox/index.mjs',
]

/**
 * The output of npm. On Windows it is a script, which needs a shell.
 *
 * @param {string[]} args
 * @returns {Promise<{ ok: boolean, output: string }>}
 */
export function npm(args) {
  const [command, ...before] = process.platform === 'win32' ? ['cmd', '/c', 'npm'] : ['npm']
  return new Promise(resolve => {
    execFile(command, [...before, ...args], { cwd: root, maxBuffer: 2 ** 24 }, (error, stdout, stderr) =>
      resolve({ ok: !error, output: (error ? `${stdout}${stderr}` || error.message : stdout).trim() }),
    )
  })
}

/**
 * @param {string} source the folder of a package
 * @param {string} destination
 */
async function packed(source, destination) {
  const { ok, output } = await npm([
    'pack',
    source,
    '--pack-destination',
    destination,
    '--json',
    '--loglevel=error',
  ])
  if (!ok) throw new UserError(`npm pack ${source}:\n${output}`)
  /** @type {{ filename: string, files: { path: string }[] }[]} */
  const [{ filename, files }] = JSON.parse(output)
  return { filename, files: files.map(({ path }) => path).sort() }
}

/** @param {string} destination @param {boolean} partial */
export async function pack(destination, partial) {
  if (existsSync(destination) && readdirSync(destination).length > 0)
    throw new UserError(`${destination} is not empty.`)
  const present = targets.filter(target => existsSync(packagedBinary(target)))
  const absent = targets.filter(target => !present.includes(target)).map(({ name }) => name)
  if (absent.length > 0 && !partial) throw new UserError(`There is no binary for ${absent.join(', ')}.`)
  mkdirSync(destination, { recursive: true })
  const stage = mkdtempSync(join(tmpdir(), 'pack-'))
  const names = []
  try {
    for (const target of present) {
      await inspect(target, packagedBinary(target))
      const folder = join(stage, target.name)
      cpSync(join(root, 'npm', target.name), folder, { recursive: true })
      for (const notice of notices) cpSync(join(root, notice), join(folder, notice))
      const { filename, files } = await packed(folder, destination)
      const wanted = [...notices, 'README.md', 'package.json', binaryName(target)].sort()
      if (files.join() !== wanted.join()) {
        throw new UserError(
          `${packageName(target)} would contain ${files.join(', ')}, but should contain ${wanted.join(', ')}.`,
        )
      }
      names.push(filename)
    }
  } finally {
    rmSync(stage, { recursive: true })
  }
  const { filename, files } = await packed(root, destination)
  const missing = [...notices, ...mainFiles].filter(name => !files.includes(name))
  if (missing.length > 0) throw new UserError(`The main package would not contain ${missing.join(', ')}.`)
  const unwanted = files.filter(name => name.endsWith('.node') || name.includes('.test.'))
  if (unwanted.length > 0) throw new UserError(`The main package would contain ${unwanted.join(', ')}.`)
  names.push(filename)
  writeFileSync(
    join(destination, sums),
    names.map(name => `${sha256(join(destination, name))}  ${name}\n`).join(''),
  )
  return { names, absent }
}

/** @param {string} file */
const sha256 = file => createHash('sha256').update(readFileSync(file)).digest('hex')

/** The packages in a folder, in the order in which they are published. @param {string} folder */
export function checked(folder) {
  const lines = readFileSync(join(folder, sums), 'utf8').trim().split('\n')
  const listed = lines.map(line => line.split('  '))
  const found = readdirSync(folder).filter(name => name.endsWith('.tgz'))
  const unlisted = found.filter(name => !listed.some(([, other]) => name === other))
  if (unlisted.length > 0) throw new UserError(`${sums} does not list ${unlisted.join(', ')}.`)
  for (const [sum, name] of listed) {
    if (sha256(join(folder, name)) !== sum)
      throw new UserError(`${name} does not match its checksum in ${sums}.`)
  }
  return listed.map(([, name]) => name)
}

main(import.meta.url, async () => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { partial: { type: 'boolean' } },
  })
  if (positionals.length !== 1) throw new UserError('Name the folder: node tools/release/pack.mjs <folder>')
  const { names, absent } = await pack(resolve(positionals[0]), values.partial ?? false)
  console.log(names.join('\n'))
  if (absent.length > 0) console.log(`\nWithout ${absent.join(', ')}: there is no binary.`)
})
