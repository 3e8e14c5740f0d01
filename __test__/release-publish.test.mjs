import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import { after, before, beforeEach, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { checked, digestOf, sums } from '../tools/release/checksums.mjs'
import { npm } from '../tools/release/npm.mjs'
import { publish } from '../tools/release/publish.mjs'
import { run } from './support/child.mjs'

const fixture = fileURLToPath(new URL('fixtures/release', import.meta.url))
const names = ['turnstile-solver-darwin-arm64', 'turnstile-solver-linux-x64-gnu', 'turnstile-solver']
const all = names.map(name => `${name} 1.2.2 is published as latest`)

/** A registry on loopback that stores what is published. It refuses the package named by `refused`. */
const server = createServer(async (request, response) => {
  const name = decodeURIComponent(request.url ?? '').slice(1)
  const reply = (/** @type {number} */ status, /** @type {unknown} */ body) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  if (request.method === 'GET') return published[name] ? reply(200, published[name]) : reply(404, {})
  const body = /** @type {any} */ (await json(request))
  if (request.method !== 'PUT' || name === refused) return reply(403, { error: 'refused' })
  const [version] = Object.keys(body.versions)
  puts.push({ name, version, tags: body['dist-tags'], access: body.access })
  published[name] = { name, 'dist-tags': body['dist-tags'], versions: body.versions }
  reply(201, {})
})

/** @type {{ name: string, version: string, tags: object, access: string }[]} */
let puts
/** @type {Record<string, any>} */
let published
let refused = ''
/** @type {string} */
let temporary
/** @type {string} */
let packed
/** @type {string} */
let folder
/** @type {Parameters<typeof publish>[1]} */
let settings

/** @param {string} folder @param {string} name */
const sum = (folder, name) =>
  createHash('sha256')
    .update(readFileSync(join(folder, name)))
    .digest('hex')

/** @param {string[]} files */
const list = files =>
  writeFileSync(join(folder, sums), files.map(name => `${sum(folder, name)}  ${name}\n`).join(''))

const files = names.map(name => `${name}-1.2.2.tgz`)

before(async () => {
  temporary = mkdtempSync(join(tmpdir(), 'publish-'))
  packed = join(temporary, 'packed')
  folder = join(temporary, 'folder')
  mkdirSync(packed)
  cpSync(fixture, join(temporary, 'package'), { recursive: true })
  const sources = ['npm/darwin-arm64', 'npm/linux-x64-gnu', '.'].map(source =>
    join(temporary, 'package', source),
  )
  const { ok, output } = await npm(['pack', ...sources, '--pack-destination', packed, '--loglevel=error'])
  assert.ok(ok, output)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  const flags = [`--//127.0.0.1:${port}/:_authToken=any`, '--loglevel=error', '--fetch-retries=0']
  settings = { registry: `http://127.0.0.1:${port}/`, flags, platforms: 2 }
})
after(() => {
  server.close()
  rmSync(temporary, { recursive: true })
})
beforeEach(() => {
  puts = []
  published = {}
  refused = ''
  rmSync(folder, { recursive: true, force: true })
  cpSync(packed, folder, { recursive: true })
  list(files)
})

describe('publishing', () => {
  test('publishes publicly, the platforms first and the main package last; after a failure the next run continues', async () => {
    refused = names[1]
    await assert.rejects(
      publish(folder, settings),
      /npm publish turnstile-solver-linux-x64-gnu-1\.2\.2\.tgz:[\s\S]*darwin-arm64 1\.2\.2 is published/,
    )
    assert.deepEqual(
      puts.map(({ name }) => name),
      [names[0]],
    )
    refused = ''
    assert.deepEqual(await publish(folder, settings), [
      `${names[0]} 1.2.2 was already published`,
      ...all.slice(1),
    ])
    assert.deepEqual(
      puts,
      names.map(name => ({ name, version: '1.2.2', tags: { latest: '1.2.2' }, access: 'public' })),
    )
  })

  test('refuses if the version is published with other contents', async () => {
    published[names[0]] = { versions: { '1.2.2': { dist: { integrity: 'sha512-AAAA' } } } }
    await assert.rejects(
      publish(folder, settings),
      /turnstile-solver-darwin-arm64 1\.2\.2 is already published with other contents/,
    )
    assert.deepEqual(puts, [])
  })

  test('publishes nothing if a file does not match its checksum', async () => {
    copyFileSync(join(folder, files[0]), join(folder, files[2]))
    await assert.rejects(
      publish(folder, settings),
      /turnstile-solver-1\.2\.2\.tgz does not match its checksum/,
    )
    assert.deepEqual(puts, [])
  })

  test('publishes nothing if a file is not listed', async () => {
    list(files.slice(1))
    assert.throws(
      () => checked(folder),
      /SHA256SUMS does not list turnstile-solver-darwin-arm64-1\.2\.2\.tgz/,
    )
    await assert.rejects(publish(folder, settings), /does not list/)
  })

  test('publishes nothing if the checksums were replaced together with a package', async () => {
    const digest = digestOf(folder)
    assert.deepEqual(checked(folder, digest), files)
    copyFileSync(join(folder, files[0]), join(folder, files[2]))
    list(files)
    assert.deepEqual(checked(folder), files)
    await assert.rejects(
      publish(folder, { ...settings, digest }),
      new RegExp(`^Error: SHA256SUMS has the digest ${digestOf(folder)}, not ${digest}\\.$`),
    )
    await assert.rejects(publish(folder, { ...settings, digest: '' }), /not the empty one given/)
    assert.deepEqual(puts, [])
  })

  test('requires the digest of the checksums on the command line', async () => {
    const { code, stderr } = await run(process.execPath, ['tools/release/publish.mjs', folder, '--dry-run'])
    assert.equal(code, 1)
    assert.match(stderr, /Name the digest of SHA256SUMS/)
  })

  test('publishes nothing if a platform is missing, or the main package is not the last', async () => {
    rmSync(join(folder, files[0]))
    list(files.slice(1))
    await assert.rejects(publish(folder, settings), /There are 2 packages/)
    cpSync(packed, folder, { recursive: true })
    list(files.toReversed())
    await assert.rejects(publish(folder, settings), /expected are the main one and 2 for platforms/)
    assert.deepEqual(puts, [])
  })
})
