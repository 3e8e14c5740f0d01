// Does every step of a release that this machine can do, with the binaries in npm/, without publishing: `node tools/release/dry-run.mjs`.
// It ends with a list of what it did not do.
import { once } from 'node:events'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { isThisMachine, targets } from '../cross-build/targets.mjs'
import { main, root, run, UserError } from '../dev/run.mjs'
import { platforms, releaseBlockers } from './check.mjs'
import { pack } from './pack.mjs'
import { publish } from './publish.mjs'
import { moveTo } from './version.mjs'

const folder = join(root, '.tools', 'release')

/** @type {string[]} */
const notDone = []
/** @type {string[]} */
const failed = []

/** @param {string} name @param {() => Promise<void>} work */
async function step(name, work) {
  console.log(`\n--- ${name}`)
  await work().catch(error => {
    if (!(error instanceof UserError)) throw error
    console.error(error.message)
    failed.push(name)
  })
}

/** @param {string} name @param {string[]} args */
const script = (name, ...args) => run(process.execPath, [join('tools', name), ...args])

/** Prepares the next version in a copy of the files that have the version. */
async function nextVersion() {
  const copy = mkdtempSync(join(tmpdir(), 'next-'))
  try {
    const files = [
      'CHANGELOG.md',
      'Cargo.lock',
      'Cargo.toml',
      'README.md',
      'package-lock.json',
      'package.json',
    ]
    const manifests = platforms(root).map(platform => `npm/${platform}/package.json`)
    for (const file of [...files, ...manifests]) {
      mkdirSync(dirname(join(copy, file)), { recursive: true })
      cpSync(join(root, file), join(copy, file))
    }
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
    const changelog = readFileSync(join(root, 'CHANGELOG.md'), 'utf8')
    if (!/^## (\[Unreleased\]|\[\S+\] - Unreleased)$/m.test(changelog)) {
      notDone.push('a version was not prepared: the changelog has nothing unreleased')
      return
    }
    const prepared = changelog.includes(`## [${version}] - Unreleased`)
    const next = prepared
      ? version
      : version.replace(/\d+$/, (/** @type {string} */ patch) => `${Number(patch) + 1}`)
    moveTo(copy, next, new Date().toISOString().slice(0, 10))
    const found = releaseBlockers(copy, { tag: `v${next}` })
    console.log(`In a copy, all versions were set to ${next}.`)
    for (const blocker of found) notDone.push(`before v${next}: ${blocker}`)
  } finally {
    rmSync(copy, { recursive: true })
  }
}

/** Publishes to an empty registry on loopback, so that npm uses no other. @param {number} count */
async function published(count) {
  const server = createServer((_, response) => response.writeHead(404).end('{}')).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  const flags = ['--dry-run', '--fetch-retries=0', '--loglevel=error']
  try {
    const done = await publish(folder, { registry: `http://127.0.0.1:${port}/`, flags, platforms: count })
    console.log(done.map(line => line.replace('is', 'would be')).join('\n'))
  } finally {
    server.close()
  }
}

main(import.meta.url, async () => {
  await step('All versions agree', () => script('release/check.mjs'))
  await step('The next version can be prepared', nextVersion)
  await step('The workflows have no problems', () => script('dev/lint-workflows.mjs'))
  rmSync(folder, { recursive: true, force: true })
  /** @type {string[]} */
  let absent = targets.map(({ name }) => name)
  await step('Packing', async () => {
    const packed = await pack(folder, true)
    absent = packed.absent
    console.log(packed.names.join('\n'))
  })
  const present = targets.filter(({ name }) => !absent.includes(name))
  const own = present.filter(isThisMachine)
  for (const { name } of own) {
    await step(`The packages for ${name}, installed`, () => script('release/test.mjs', folder, name))
  }
  await step('Publishing, dry', () => published(present.length))

  if (absent.length > 0) notDone.push(`not packed, because there is no binary: ${absent.join(', ')}`)
  const others = present.filter(target => !own.includes(target)).map(({ name }) => name)
  if (others.length > 0)
    notDone.push(`packed but not installed, because they are for other machines: ${others.join(', ')}`)
  notDone.push('not done: building with the tools of macOS and Windows, signing the provenance, publishing')
  console.log(`\n${notDone.map(line => `- ${line}`).join('\n')}`)
  if (failed.length > 0) throw new UserError(`Failed: ${failed.join(', ')}.`)
})
