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
import { checked, npm, sums } from '../tools/release/pack.mjs'
import { publish } from '../tools/release/publish.mjs'

const fixture = fileURLToPath(new URL('fixtures/release', import.meta.url))
const names = ['turnstile-solver-darwin-arm64', 'turnstile-solver-linux-x64-gnu', 'turnstile-solver']
const all = names.map(name => `${name} 1.2.2 is published as latest`)

/** A registry on loopback: it keeps what is published, and can be told to refuse a package. */
const server = createServer(async (request, response) => {
  const name = decodeURIComponent(request.url ?? '').slice(1)
  const answer = (/** @type {number} */ status, /** @type {unknown} */ body) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  if (request.method === 'GET') return published[name] ? answer(200, published[name]) : answer(404, {})
  const body = /** @type {any} */ (await json(request))
  if (request.method !== 'PUT' || name === refused) return answer(403, { error: 'refused' })
  const [version] = Object.keys(body.versions)
  puts.push({ name, version, tags: body['dist-tags'], access: body.access })
  published[name] = { name, 'dist-tags': body['dist-tags'], versions: body.versions }
  answer(201, {})
})

/** @type {{ name: string, version: string, tags: object, access: string }[]} */
let puts
/** @type {Record<string, any>} */
let published
let refused = ''
/** @type {string} */
let place
/** @type {string} */
let packed
/** @type {string} */
let folder
/** @type {Parameters<typeof publish>[1]} */
let how

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
  place = mkdtempSync(join(tmpdir(), 'publish-'))
  packed = join(place, 'packed')
  folder = join(place, 'folder')
  mkdirSync(packed)
  cpSync(fixture, join(place, 'package'), { recursive: true })
  const sources = ['npm/darwin-arm64', 'npm/linux-x64-gnu', '.'].map(source => join(place, 'package', source))
  const { ok, output } = await npm(['pack', ...sources, '--pack-destination', packed, '--loglevel=error'])
  assert.ok(ok, output)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  const flags = [`--//127.0.0.1:${port}/:_authToken=of-nobody`, '--loglevel=error', '--fetch-retries=0']
  how = { registry: `http://127.0.0.1:${port}/`, flags, platforms: 2 }
})
after(() => {
  server.close()
  rmSync(place, { recursive: true })
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
  test('the publishing script publishes publicly, the platforms first and the main package last; the run after a failure goes on from there', async () => {
    refused = names[1]
    await assert.rejects(
      publish(folder, how),
      /npm publish turnstile-solver-linux-x64-gnu-1\.2\.2\.tgz:[\s\S]*darwin-arm64 1\.2\.2 is published/,
    )
    assert.deepEqual(
      puts.map(({ name }) => name),
      [names[0]],
    )
    refused = ''
    assert.deepEqual(await publish(folder, how), [`${names[0]} 1.2.2 was there`, ...all.slice(1)])
    assert.deepEqual(
      puts,
      names.map(name => ({ name, version: '1.2.2', tags: { latest: '1.2.2' }, access: 'public' })),
    )
  })

  test('the publishing script rejects another package of that version', async () => {
    published[names[0]] = { versions: { '1.2.2': { dist: { integrity: 'sha512-AAAA' } } } }
    await assert.rejects(
      publish(folder, how),
      /turnstile-solver-darwin-arm64 1\.2\.2 is published, and is another one/,
    )
    assert.deepEqual(puts, [])
  })

  test('the publishing script publishes nothing if a file is not what was packed', async () => {
    copyFileSync(join(folder, files[0]), join(folder, files[2]))
    await assert.rejects(publish(folder, how), /turnstile-solver-1\.2\.2\.tgz is not what was packed/)
    assert.deepEqual(puts, [])
  })

  test('the publishing script publishes nothing if there is a file that is not listed', async () => {
    list(files.slice(1))
    assert.throws(
      () => checked(folder),
      /SHA256SUMS does not know turnstile-solver-darwin-arm64-1\.2\.2\.tgz/,
    )
    await assert.rejects(publish(folder, how), /does not know/)
  })

  test('the publishing script publishes nothing if a platform is missing, or the main package is not the last', async () => {
    rmSync(join(folder, files[0]))
    list(files.slice(1))
    await assert.rejects(publish(folder, how), /There are 2 packages/)
    cpSync(packed, folder, { recursive: true })
    list(files.toReversed())
    await assert.rejects(publish(folder, how), /the main one and 2 for platforms are wanted/)
    assert.deepEqual(puts, [])
  })
})
