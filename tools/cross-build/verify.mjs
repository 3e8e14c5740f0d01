// `npm run cross-build:test`: checks the binaries under npm/, all or those named, and runs each in a Node.js of its platform if this machine
// can. `--write` renews the table of platforms in docs/platforms.md.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { parseArgs } from 'node:util'
import { main, root, UserError } from '../dev/run.mjs'
import { withSection } from '../dev/section.mjs'
import { setup } from '../dev/setup.mjs'
import { packagedBinary } from './build.mjs'
import { each } from './each.mjs'
import { inspect } from './inspect.mjs'
import { identity, record, results } from './results.mjs'
import { runtimesFor } from './runtimes.mjs'
import { smokeTest } from './smoke-test.mjs'
import { describeRun, markdown } from './table.mjs'
import { targets as all, named } from './targets.mjs'

/** @typedef {import('./targets.mjs').Target} Target */

main(import.meta.url, async () => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { write: { type: 'boolean' } },
  })
  const targets = named(positionals)
  await setup()
  await each(targets, one)
  if (values.write) writeTable()
})

/** @param {Target} target */
async function one(target) {
  const file = packagedBinary(target)
  if (!existsSync(file))
    throw new UserError(`There is no ${relative(root, file)} yet: npm run cross-build ${target.name}`)
  await inspect(target, file)
  console.log('Format, machine, exports, libraries and size are right.')
  const runs = []
  for (const runtime of await runtimesFor(target)) {
    const run = await smokeTest(file, runtime)
    console.log(`${describeRun(run)}: ${run.passed.join('; ')}.`)
    const { passed, ...rest } = run
    runs.push({ ...rest, checks: passed.length })
  }
  if (runs.length === 0) console.log('!!! NOT RUN: nothing on this machine runs a Node.js of this platform.')
  record(target.name, { ...identity(file), runs })
}

function writeTable() {
  const known = results()
  const missing = all.filter(({ name }) => !known[name]?.runs).map(({ name }) => name)
  if (missing.length > 0) throw new UserError(`There is no result for ${missing.join(', ')}.`)
  const path = join(root, 'docs', 'platforms.md')
  writeFileSync(path, withSection(readFileSync(path, 'utf8'), 'platforms', markdown(all, known)))
}
