// `npm run cross-build`: builds the binaries of all platforms, or of those named, checks each, and puts it into its package under npm/.
// `--list` lists the platforms, `--packages` writes the other files of the packages, after a new version for example.
import { parseArgs } from 'node:util'
import { main } from '../dev/run.mjs'
import { setup } from '../dev/setup.mjs'
import { crossBuild } from './build.mjs'
import { each } from './each.mjs'
import { writePackages } from './packages.mjs'
import { identity, record } from './results.mjs'
import { named } from './targets.mjs'

main(import.meta.url, async () => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { list: { type: 'boolean' }, packages: { type: 'boolean' } },
  })
  const targets = named(positionals)
  if (values.list) {
    for (const { name, title } of targets) console.log(`${name.padEnd(20)}${title}`)
    return
  }
  if (values.packages) return writePackages()
  await setup()
  await each(targets, one)
})

/** @param {import('./targets.mjs').Target} target */
async function one(target) {
  const started = performance.now()
  const { file, compiler } = await crossBuild(target)
  const built = { seconds: (performance.now() - started) / 1000, compiler: compiler.version }
  record(target.name, { ...identity(file), built })
}
