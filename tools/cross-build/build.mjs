// Builds the binary of one target on any system.
import { copyFileSync, existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root, run, UserError } from '../dev/run.mjs'
import { frameworks, unusedSymbols } from './frameworks.mjs'
import { factsOf, inspect } from './inspect.mjs'
import { binaryName, oldestGlibc, oldestMacos } from './targets.mjs'
import { buildEnvironment, cargoZigbuild, compilerFor, folder, remapped } from './toolchain.mjs'

/** @typedef {import('./targets.mjs').Target} Target */

const crate = 'turnstile_solver'

/** The path of a target's binary in its package. @param {Target} target */
export const packagedBinary = target => join(root, 'npm', target.name, binaryName(target))

/**
 * Builds and checks the binary, and puts it into its package only if it is right.
 *
 * @param {Target} target
 */
export async function crossBuild(target) {
  const file = packagedBinary(target)
  rmSync(file, { force: true })
  const compiler = await compilerFor(target)
  const built = await build(target, compiler, {
    workspace: root,
    output: join(root, 'target', 'cross-build'),
  })
  await inspect(target, built)
  const unused = target.os === 'darwin' ? unusedSymbols(await factsOf(built)) : []
  if (unused.length > 0)
    throw new UserError(`Not needed, so they must not be listed in ${frameworks}: ${unused}`)
  copyFileSync(built, file)
  return { file, compiler }
}

/**
 * @param {Target} target
 * @param {import('./toolchain.mjs').Compiler} compiler
 * @param {{ workspace: string, output: string, env?: NodeJS.ProcessEnv }} paths the sources with their Cargo.lock, and the target folder
 * @returns {Promise<string>} the file that came out
 */
export async function build(target, compiler, { workspace, output, env = process.env }) {
  const manifest = ['--manifest-path', join(workspace, 'Cargo.toml')]
  // Fetched first: only then are the folders of the dependencies known.
  await run(compiler.cargo, ['fetch', '--quiet', '--locked', ...manifest, '--target', target.rustTarget], {
    env,
  })
  const flags = [
    ...remapped({ workspace, output, compiler, env }).map(
      ([from, to]) => `--remap-path-prefix=${from}=${to}`,
    ),
    ...rustFlags(target),
  ]
  const std = compiler.buildsStd ? ['-Zbuild-std=std,panic_abort'] : []
  const floor = target.libc === 'glibc' ? `.${oldestGlibc}` : ''
  await run(
    await cargoZigbuild(),
    [
      'zigbuild',
      '--release',
      '--lib',
      '--locked',
      ...manifest,
      ...std,
      '--target',
      `${target.rustTarget}${floor}`,
    ],
    {
      env: {
        ...(await buildEnvironment(compiler, env)),
        ...platformEnvironment(target),
        CARGO_TARGET_DIR: output,
        // In this form flags may contain spaces, as paths may.
        CARGO_ENCODED_RUSTFLAGS: flags.join('\x1f'),
        RUSTFLAGS: undefined,
      },
    },
  )
  const built = join(output, target.rustTarget, 'release', fileOf(target))
  if (!existsSync(built)) throw new UserError(`cargo built, but ${built} is not there.`)
  return built
}

/** @param {Target} target */
function fileOf({ os }) {
  return { linux: `lib${crate}.so`, darwin: `lib${crate}.dylib`, win32: `${crate}.dll` }[os]
}

/**
 * @param {Target} target
 * @returns {NodeJS.ProcessEnv}
 */
function platformEnvironment({ os }) {
  if (os === 'win32') return { LIBNODE_PATH: libnodeStub() }
  // To strip for macOS, rustc needs a tool that it has on macOS only. The linker strips instead.
  if (os === 'darwin') return { MACOSX_DEPLOYMENT_TARGET: oldestMacos, CARGO_PROFILE_RELEASE_STRIP: 'false' }
  return {}
}

/** @param {Target} target */
function rustFlags(target) {
  if (target.libc === 'musl') return ['-Ctarget-feature=-crt-static']
  if (target.os !== 'darwin') return []
  return [
    // Debug information, then local symbols.
    '-Clink-arg=-s',
    '-Clink-arg=-Wl,-x',
    `-Clink-arg=-F${frameworks}`,
    // Otherwise the binary contains the path that it was built at.
    `-Clink-arg=-Wl,-install_name,@rpath/${binaryName(target)}`,
  ]
}

/**
 * The libraries of Node.js that the linker requires on Windows. They are empty: the addon looks up the functions in the process that
 * loads it.
 */
function libnodeStub() {
  const path = folder('libnode')
  const archives = ['libnode.a', 'libnode.dll.a', 'libssp.a', 'libssp_nonshared.a']
  for (const name of archives) writeFileSync(join(path, name), '!<arch>\n')
  writeFileSync(join(path, 'libnode.dll'), '')
  return path
}
