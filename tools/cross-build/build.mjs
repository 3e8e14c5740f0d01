// One target's binary, built anywhere for anywhere.
import { copyFileSync, existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Failure, root, run } from '../dev/run.mjs'
import { frameworks, idle } from './frameworks.mjs'
import { factsOf, inspect } from './inspect.mjs'
import { binaryName, glibcFloor, macosFloor } from './targets.mjs'
import { buildEnvironment, cargoZigbuild, compilerFor, folder, remapped } from './toolchain.mjs'

/** @typedef {import('./targets.mjs').Target} Target */

const crate = 'turnstile_solver'

/** Where a target's binary is put, ready to be packed. @param {Target} target */
export const placeOf = target => join(root, 'npm', target.name, binaryName(target))

/**
 * Builds and checks the binary. It is at its place only if all went well.
 *
 * @param {Target} target
 */
export async function crossBuild(target) {
  const file = placeOf(target)
  rmSync(file, { force: true })
  const compiler = await compilerFor(target)
  const built = await build(target, compiler, {
    workspace: root,
    output: join(root, 'target', 'cross-build'),
  })
  await inspect(target, built)
  const unused = target.os === 'darwin' ? idle(await factsOf(built)) : []
  if (unused.length > 0) throw new Failure(`Not needed, so not to be offered in ${frameworks}: ${unused}`)
  copyFileSync(built, file)
  return { file, compiler }
}

/**
 * @param {Target} target
 * @param {import('./toolchain.mjs').Compiler} compiler
 * @param {{ workspace: string, output: string, env?: NodeJS.ProcessEnv }} where the source with its Cargo.lock, and what is made of it
 * @returns {Promise<string>} the file that came out
 */
export async function build(target, compiler, { workspace, output, env = process.env }) {
  const manifest = ['--manifest-path', join(workspace, 'Cargo.toml')]
  // First, as only then it is known where the dependencies are.
  await run(compiler.cargo, ['fetch', '--quiet', '--locked', ...manifest, '--target', target.builtAs], {
    env,
  })
  const flags = [
    ...remapped({ workspace, output, compiler, env }).map(
      ([from, to]) => `--remap-path-prefix=${from}=${to}`,
    ),
    ...rustFlags(target),
  ]
  const std = compiler.buildsStd ? ['-Zbuild-std=std,panic_abort'] : []
  const floor = target.libc === 'glibc' ? `.${glibcFloor}` : ''
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
      `${target.builtAs}${floor}`,
    ],
    {
      env: {
        ...(await buildEnvironment(compiler, env)),
        ...particular(target),
        CARGO_TARGET_DIR: output,
        // Flags in this form may have blanks in them, as folders may.
        CARGO_ENCODED_RUSTFLAGS: flags.join('\x1f'),
        RUSTFLAGS: undefined,
      },
    },
  )
  const built = join(output, target.builtAs, 'release', fileOf(target))
  if (!existsSync(built)) throw new Failure(`cargo built, but ${built} is not there.`)
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
function particular({ os }) {
  if (os === 'win32') return { LIBNODE_PATH: nodeStandIn() }
  // rustc strips for macOS with a tool that it only brings along on macOS; the linker does it as well.
  if (os === 'darwin') return { MACOSX_DEPLOYMENT_TARGET: macosFloor, CARGO_PROFILE_RELEASE_STRIP: 'false' }
  return {}
}

/** @param {Target} target */
function rustFlags(target) {
  if (target.libc === 'musl') return ['-Ctarget-feature=-crt-static']
  if (target.os !== 'darwin') return []
  return [
    // What is for debuggers, and then the names of what nobody can call.
    '-Clink-arg=-s',
    '-Clink-arg=-Wl,-x',
    `-Clink-arg=-F${frameworks}`,
    // Otherwise the path that it was built at is written down.
    `-Clink-arg=-Wl,-install_name,@rpath/${binaryName(target)}`,
  ]
}

/**
 * What the linker wants to see for a Node.js on Windows. All of it is empty: the addon looks the functions up in the process
 * that loads it, whatever its file is called.
 */
function nodeStandIn() {
  const place = folder('libnode')
  const archives = ['libnode.a', 'libnode.dll.a', 'libssp.a', 'libssp_nonshared.a']
  for (const name of archives) writeFileSync(join(place, name), '!<arch>\n')
  writeFileSync(join(place, 'libnode.dll'), '')
  return place
}
