// Every step of a release that can be done on this machine, with the binaries that are in npm/, and nothing published:
// `node tools/release/dry-run.mjs`. What it could not do it says at the end.
import { once } from 'node:events'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { targets } from '../cross-build/targets.mjs'
import { Failure, main, root, run } from '../dev/run.mjs'
import { obstacles, platforms } from './check.mjs'
import { pack } from './pack.mjs'
import { publish } from './publish.mjs'
import { moveTo } from './version.mjs'

const folder = join(root, '.tools', 'release')

/** @type {string[]} */
const left = []
/** @type {string[]} */
const failed = []

/** @param {string} name @param {() => Promise<void>} work */
async function step(name, work) {
  console.log(`\n--- ${name}`)
  await work().catch(error => {
    if (!(error instanceof Failure)) throw error
    console.error(error.message)
    failed.push(name)
  })
}

/** @param {string} name @param {string[]} args */
const script = (name, ...args) => run(process.execPath, [join('tools', name), ...args])

/** Whether this very Node.js is of the target's platform. @param {import('../cross-build/targets.mjs').Target} target */
function isOwn({ os, cpu, libc }) {
  const { header } = /** @type {any} */ (process.report.getReport())
  const found = header.glibcVersionRuntime ? 'glibc' : 'musl'
  return os === process.platform && cpu === process.arch && (libc === undefined || libc === found)
}

/** The next version, made of a copy of what names the version. */
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
      'sbom.cdx.json',
    ]
    const manifests = platforms(root).map(platform => `npm/${platform}/package.json`)
    for (const file of [...files, ...manifests]) {
      mkdirSync(dirname(join(copy, file)), { recursive: true })
      cpSync(join(root, file), join(copy, file))
    }
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
    const changelog = readFileSync(join(root, 'CHANGELOG.md'), 'utf8')
    if (!/^## (\[Unreleased\]|\[\S+\] - Unreleased)$/m.test(changelog)) {
      left.push('a version was not prepared: the changelog has nothing unreleased')
      return
    }
    const prepared = changelog.includes(`## [${version}] - Unreleased`)
    const next = prepared
      ? version
      : version.replace(/\d+$/, (/** @type {string} */ patch) => `${Number(patch) + 1}`)
    moveTo(copy, next, new Date().toISOString().slice(0, 10))
    const found = obstacles(copy, { tag: `v${next}` })
    console.log(`In a copy, everything was moved to ${next}.`)
    for (const obstacle of found) left.push(`before v${next}: ${obstacle}`)
  } finally {
    rmSync(copy, { recursive: true })
  }
}

/** A registry on loopback that has nothing, so that npm asks no other. @param {number} count */
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
  await step('The licences and the list of components are true', () =>
    script('licenses/licenses.mjs', '--check'),
  )
  await step('The workflows are in order', () => script('dev/lint-workflows.mjs'))
  rmSync(folder, { recursive: true, force: true })
  /** @type {string[]} */
  let absent = targets.map(({ name }) => name)
  await step('Packing', async () => {
    const packed = await pack(folder, true)
    absent = packed.absent
    console.log(packed.names.join('\n'))
  })
  const present = targets.filter(({ name }) => !absent.includes(name))
  const own = present.filter(isOwn)
  for (const { name } of own) {
    await step(`The packages for ${name}, installed`, () => script('release/test.mjs', folder, name))
  }
  await step('Publishing, dry', () => published(present.length))

  if (absent.length > 0) left.push(`not packed, for want of a binary: ${absent.join(', ')}`)
  const others = present.filter(target => !own.includes(target)).map(({ name }) => name)
  if (others.length > 0) left.push(`packed and not installed, being for other machines: ${others.join(', ')}`)
  left.push('not done at all: building by the tools of macOS and Windows, signing the provenance, publishing')
  console.log(`\n${left.map(line => `- ${line}`).join('\n')}`)
  if (failed.length > 0) throw new Failure(`Not in order: ${failed.join(', ')}.`)
})
