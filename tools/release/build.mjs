// Builds a target's binary with the tools of its own system, as releases do for macOS and Windows:
// `node tools/release/build.mjs darwin-arm64`. For Linux a release uses `npm run cross-build`, whose linker supports old versions of glibc.
import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { packagedBinary } from '../cross-build/build.mjs'
import { inspect } from '../cross-build/inspect.mjs'
import { binaryName, named, oldestMacos } from '../cross-build/targets.mjs'
import { remapped } from '../cross-build/toolchain.mjs'
import { main, probe, root, run, UserError } from '../dev/run.mjs'

/** @typedef {import('../cross-build/targets.mjs').Target} Target */

const output = join(root, 'target', 'release-build')

/** @param {Target} target */
async function build(target) {
  if (target.os !== process.platform || target.os === 'linux') {
    throw new UserError(
      `The tools of this system do not build ${target.name}. Try npm run cross-build ${target.name}`,
    )
  }
  const env = {
    ...process.env,
    CARGO_TARGET_DIR: output,
    ...(target.os === 'darwin' ? { MACOSX_DEPLOYMENT_TARGET: oldestMacos } : {}),
  }
  await run('cargo', ['build', '--release', '--lib', '--locked', '--target', target.triple], {
    // In this form flags may contain spaces, as paths may.
    env: { ...env, RUSTFLAGS: undefined, CARGO_ENCODED_RUSTFLAGS: flags(target).join('\x1f') },
  })
  const library = { darwin: 'libturnstile_solver.dylib', win32: 'turnstile_solver.dll', linux: '' }[target.os]
  const file = packagedBinary(target)
  copyFileSync(join(output, target.triple, 'release', library), file)
  // The linker signs for arm64 only, and a stripped file has to be signed again.
  if (target.os === 'darwin') await run('codesign', ['--force', '--sign', '-', file])
  await inspect(target, file)
  console.log(`${file} is built.`)
}

/** @param {Target} target */
export function flags(target) {
  const [asked, sysroot] = [probe('rustc', ['-vV']), probe('rustc', ['--print', 'sysroot'])]
  if (!asked.ok || !sysroot.ok) throw new UserError(`rustc: ${asked.output}\n${sysroot.output}`)
  const compiler = {
    rustc: 'rustc',
    cargo: 'cargo',
    version: asked.output.split('\n')[0],
    commit: asked.output.match(/^commit-hash: ([\da-f]+)$/m)?.[1] ?? '',
    library: join(sysroot.output, 'lib', 'rustlib', 'src', 'rust', 'library'),
    buildsStd: false,
  }
  return [
    ...remapped({ workspace: root, output, compiler, env: process.env }).map(
      ([from, to]) => `--remap-path-prefix=${from}=${to}`,
    ),
    // For machines without the Visual C++ redistributable.
    ...(target.os === 'win32' ? ['-Ctarget-feature=+crt-static'] : []),
    // Otherwise the binary contains the path that it was built at.
    ...(target.os === 'darwin' ? [`-Clink-arg=-Wl,-install_name,@rpath/${binaryName(target)}`] : []),
  ]
}

main(import.meta.url, async () => {
  const names = process.argv.slice(2)
  if (names.length === 0) throw new UserError('Name the target: node tools/release/build.mjs darwin-arm64')
  for (const target of named(names)) await build(target)
})
