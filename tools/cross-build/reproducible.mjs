// Checks that two builds of one commit are the same to the byte, in two folders and with two cargo homes. A target may
// be named; it is linux-x64-gnu otherwise.
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { main, probe, root, run, UserError } from '../dev/run.mjs'
import { setup } from '../dev/setup.mjs'
import { build } from './build.mjs'
import { named } from './targets.mjs'
import { compilerFor } from './toolchain.mjs'

/** Of different lengths and depths: with equal ones a path in the binary could go unnoticed. */
const folders = ['a', join('another', 'place', 'with-a-longer-name')]

main(import.meta.url, async () => {
  const names = process.argv.slice(2)
  const [target] = named(names.length > 0 ? names : ['linux-x64-gnu'])
  await setup()
  const compiler = await compilerFor(target)
  const { ok, output: commit } = probe('git', ['rev-parse', 'HEAD'])
  if (!ok) throw new UserError(`Cannot find the commit to build:\n${commit}`)
  if (probe('git', ['status', '--porcelain']).output)
    console.log(`Uncommitted changes are not built: ${commit}.`)

  const place = mkdtempSync(join(tmpdir(), 'reproducible-'))
  const built = []
  for (const name of folders) {
    const workspace = join(place, name, 'source')
    await run('git', ['clone', '--quiet', '--no-checkout', root, workspace])
    await run('git', ['-C', workspace, 'checkout', '--quiet', '--detach', commit])
    const env = { ...process.env, CARGO_HOME: cargoHome(join(place, name, 'cargo')) }
    built.push(
      readFileSync(await build(target, compiler, { workspace, output: join(place, name, 'out'), env })),
    )
  }
  const [one, other] = built
  for (const bytes of built) {
    console.log(`${createHash('sha256').update(bytes).digest('hex')}  ${target.name}, ${bytes.length} bytes`)
  }
  if (!one.equals(other)) {
    const at = one.findIndex((byte, index) => byte !== other[index])
    throw new UserError(`The two builds differ, first at byte ${at}. They are in ${place}.`)
  }
  rmSync(place, { recursive: true })
  console.log(`Two builds of ${commit} by ${compiler.version} are the same.`)
})

/**
 * Another path to the registry and the settings of cargo.
 *
 * @param {string} place
 */
function cargoHome(place) {
  const own = process.env.CARGO_HOME || join(homedir(), '.cargo')
  mkdirSync(place, { recursive: true })
  for (const name of ['registry', 'git', 'config.toml']) {
    if (existsSync(join(own, name))) symlinkSync(join(own, name), join(place, name))
  }
  return place
}
