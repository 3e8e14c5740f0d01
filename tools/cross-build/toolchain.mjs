// Installs what building for other platforms needs, if it is missing: zig as linker and C compiler, cargo-zigbuild between it and cargo,
// and a Rust compiler for the platform.
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import { probe, root, run, UserError } from '../dev/run.mjs'
import { installDebian } from '../dev/setup.mjs'

export const tools = join(root, '.tools', 'cross-build')

/** Files with a version and the hashes of its archives, from `uv pip compile --generate-hashes --universal`. */
const requirements = fileURLToPath(new URL('requirements', import.meta.url))

/** The compiler of Debian's security updates, which has the source of its standard library in a package. */
const debian = {
  rustc: '/usr/bin/rustc',
  cargo: '/usr/bin/cargo',
  packages: ['rustc-web', 'cargo-web', 'rust-web-src'],
}

/**
 * @typedef {object} Compiler
 * @property {string} rustc
 * @property {string} cargo
 * @property {string} version as it names itself
 * @property {string} commit that it was built from, if it is known
 * @property {string} library where the source of its standard library is
 * @property {boolean} buildsStd whether the standard library has to be built too
 */

/**
 * Installs packages of PyPI into a virtual environment, and returns its interpreter.
 *
 * @param {('ziglang' | 'cargo-zigbuild' | 'lief')[]} names
 */
export async function python(...names) {
  const folder = join(tools, 'python')
  const windows = process.platform === 'win32'
  const interpreter = windows ? join(folder, 'Scripts', 'python.exe') : join(folder, 'bin', 'python3')
  // A replaced Python needs a new environment.
  if (!existsSync(join(folder, 'complete')) || !probe(interpreter, ['--version']).ok) {
    await installPython()
    rmSync(folder, { recursive: true, force: true })
    await run(windows ? 'python' : 'python3', ['-m', 'venv', folder])
    writeFileSync(join(folder, 'complete'), '')
  }
  for (const name of names) {
    const file = join(requirements, `${name}.txt`)
    const wanted = readFileSync(file, 'utf8')
    const stamp = join(folder, `${name}.version`)
    if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) continue
    console.log(`Installing ${wanted.split(' ')[0]} into .tools/.`)
    const flags = ['--quiet', '--disable-pip-version-check', '--only-binary=:all:', '--no-deps']
    await run(interpreter, ['-m', 'pip', 'install', ...flags, '--require-hashes', '-r', file])
    writeFileSync(stamp, wanted)
  }
  return interpreter
}

/** Without `ensurepip`, which Debian packs on its own, a virtual environment has no pip. */
async function installPython() {
  if (probe('python3', ['-c', 'import ensurepip, venv']).ok || process.platform === 'win32') return
  await installDebian('Python has to make a virtual environment.', ['python3', 'python3-venv'])
}

/** PyPI has zig for every platform. */
export async function zig() {
  const interpreter = await python('ziglang')
  const { ok, output } = probe(interpreter, ['-c', 'import ziglang; print(ziglang.__path__[0])'])
  if (!ok) throw new UserError(`ziglang was installed but cannot be imported:\n${output}`)
  return join(output, process.platform === 'win32' ? 'zig.exe' : 'zig')
}

export async function cargoZigbuild() {
  const interpreter = await python('ziglang', 'cargo-zigbuild')
  return join(interpreter, '..', process.platform === 'win32' ? 'cargo-zigbuild.exe' : 'cargo-zigbuild')
}

/**
 * The compiler on the path if it has a standard library for the target, or the source of one; otherwise Debian's.
 *
 * @param {import('./targets.mjs').Target} target
 * @returns {Promise<Compiler>}
 */
export async function compilerFor(target) {
  const found = known('rustc', 'cargo', target) ?? known(debian.rustc, debian.cargo, target)
  if (found) return found
  await installDebian(
    `Rust has no standard library for ${target.rustTarget} here; rustup target add ${target.rustTarget} brings it. ` +
      'So does the source of one: rustup component add rust-src, or the compiler of Debian 12 with its security updates.',
    debian.packages,
  )
  const installed = known(debian.rustc, debian.cargo, target)
  if (installed) return installed
  const { output } = probe(debian.rustc, ['--version'])
  throw new UserError(
    `Debian's compiler cannot build this: ${output}; Rust ${oldest()} or newer and the source of its ` +
      'standard library are needed. Debian 12 has them in its security updates (bookworm-security).',
  )
}

/**
 * @param {string} rustc
 * @param {string} cargo
 * @param {import('./targets.mjs').Target} target
 * @returns {Compiler | undefined}
 */
function known(rustc, cargo, { rustTarget }) {
  const [asked, place] = [probe(rustc, ['-vV']), probe(rustc, ['--print', 'sysroot'])]
  if (!asked.ok || !place.ok || !probe(cargo, ['--version']).ok) return
  const [version] = asked.output.split('\n')
  const number = version.match(/\d+\.\d+\.\d+/)?.[0] ?? ''
  const commit = asked.output.match(/^commit-hash: ([\da-f]+)$/m)?.[1] ?? ''
  if (number.localeCompare(oldest(), 'en', { numeric: true }) < 0) return
  const rustlib = join(place.output, 'lib', 'rustlib')
  const library = join(rustlib, 'src', 'rust', 'library')
  const buildsStd = !existsSync(join(rustlib, rustTarget, 'lib'))
  if (buildsStd && !existsSync(join(library, 'std', 'Cargo.toml'))) return
  return { rustc, cargo, version, commit, library, buildsStd }
}

function oldest() {
  return readFileSync(join(root, 'Cargo.toml'), 'utf8').match(/^rust-version = "([\d.]+)"/m)?.[1] ?? ''
}

/**
 * The environment in which a compiler builds through zig. Its caches stay in .tools/.
 *
 * @param {Compiler} compiler
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<NodeJS.ProcessEnv>}
 */
export async function buildEnvironment({ rustc, cargo, buildsStd }, env) {
  const bin = join(await cargoZigbuild(), '..')
  return {
    ...env,
    PATH: `${bin}${delimiter}${env.PATH}`,
    RUSTC: rustc,
    CARGO: cargo,
    CARGO_ZIGBUILD_ZIG_PATH: await zig(),
    CARGO_ZIGBUILD_CACHE_DIR: folder('zigbuild'),
    ZIG_GLOBAL_CACHE_DIR: folder('zig'),
    // The flag is unstable.
    ...(buildsStd ? { RUSTC_BOOTSTRAP: '1' } : {}),
  }
}

/** @param {string} name */
export function folder(name) {
  const path = join(tools, name)
  mkdirSync(path, { recursive: true })
  return path
}

/**
 * Folders of this machine that the compiler would write into a binary, and what replaces them. The last match is used.
 *
 * @param {{ workspace: string, output: string, compiler: Compiler, env: NodeJS.ProcessEnv }} where
 * @returns {[folder: string, instead: string][]}
 */
export function remapped({ workspace, output, compiler, env }) {
  const source = join(compiler.library, '..')
  // The path in a compiler without the sources.
  const instead = posix.join('/rustc', compiler.commit)
  /** @type {[string, string][]} */
  const std = existsSync(compiler.library)
    ? [source, realpathSync(source), join(realpathSync(compiler.library), '..')].map(path => [path, instead])
    : []
  const cargo = env.CARGO_HOME || join(homedir(), '.cargo')
  // Their names contain the host of the registry, which differs behind a mirror.
  const registries = join(cargo, 'registry', 'src')
  return [
    [cargo, '/cargo'],
    ...(existsSync(registries) ? readdirSync(registries) : []).map(
      name => /** @type {[string, string]} */ ([join(registries, name), '/cargo']),
    ),
    [workspace.replace(/[\\/]$/, ''), '/turnstile-solver'],
    [output, '/target'],
    ...std,
  ]
}
