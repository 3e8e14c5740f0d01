// A target's binary, built by the tools of its own system, as releases have it for macOS and Windows:
// `node tools/release/build.mjs darwin-arm64`. For Linux a release has what `npm run cross-build` makes: its linker keeps the floor
// of glibc, and every machine's own does not.
import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { placeOf } from '../cross-build/build.mjs'
import { inspect } from '../cross-build/inspect.mjs'
import { binaryName, macosFloor, named } from '../cross-build/targets.mjs'
import { remapped } from '../cross-build/toolchain.mjs'
import { Failure, main, probe, root, run } from '../dev/run.mjs'

/** @typedef {import('../cross-build/targets.mjs').Target} Target */

const output = join(root, 'target', 'release-build')

/** @param {Target} target */
async function build(target) {
  if (target.os !== process.platform || target.os === 'linux') {
    throw new Failure(
      `Not built by the tools of this system: ${target.name}. Try npm run cross-build ${target.name}`,
    )
  }
  const env = {
    ...process.env,
    CARGO_TARGET_DIR: output,
    ...(target.os === 'darwin' ? { MACOSX_DEPLOYMENT_TARGET: macosFloor } : {}),
  }
  await run('cargo', ['build', '--release', '--lib', '--locked', '--target', target.triple], {
    // Flags in this form may have blanks in them, as folders may.
    env: { ...env, RUSTFLAGS: undefined, CARGO_ENCODED_RUSTFLAGS: flags(target).join('\x1f') },
  })
  const file = { darwin: 'libturnstile_solver.dylib', win32: 'turnstile_solver.dll', linux: '' }[target.os]
  const place = placeOf(target)
  copyFileSync(join(output, target.triple, 'release', file), place)
  // Its linker signs for arm64 alone, and a stripped file has to be signed anew.
  if (target.os === 'darwin') await run('codesign', ['--force', '--sign', '-', place])
  await inspect(target, place)
  console.log(`${place} is built and fit.`)
}

/** @param {Target} target */
export function flags(target) {
  const [asked, sysroot] = [probe('rustc', ['-vV']), probe('rustc', ['--print', 'sysroot'])]
  if (!asked.ok || !sysroot.ok) throw new Failure(`rustc: ${asked.output}\n${sysroot.output}`)
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
    // A machine without the redistributable of Visual C++ has no other.
    ...(target.os === 'win32' ? ['-Ctarget-feature=+crt-static'] : []),
    // Otherwise the path that it was built at is written down.
    ...(target.os === 'darwin' ? [`-Clink-arg=-Wl,-install_name,@rpath/${binaryName(target)}`] : []),
  ]
}

main(import.meta.url, async () => {
  const names = process.argv.slice(2)
  if (names.length === 0) throw new Failure('Name the target: node tools/release/build.mjs darwin-arm64')
  for (const target of named(names)) await build(target)
})
