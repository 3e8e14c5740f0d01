import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { stageMain } from '../tools/release/stage.mjs'
import { root, run } from './support/child.mjs'

/** @type {string} */
let folder

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'stage-'))
  await stageMain(folder, { 'sbom.cdx.json': '{}' })
  for (const name of readdirSync(root).filter(name => name.endsWith('.node'))) {
    cpSync(join(root, name), join(folder, name))
  }
})
after(() => rmSync(folder, { recursive: true }))

/** @param {string} script */
function required(script) {
  writeFileSync(join(folder, 'consumer.cjs'), script)
  // As in Jest, `require` does not load ES modules.
  const args = ['--no-experimental-require-module', 'consumer.cjs']
  return run(process.execPath, args, { cwd: folder })
}

describe('the main package as it is packed', () => {
  test('has a sandbox and a page helper that CommonJS can require, with the exports of the ES modules', async () => {
    for (const name of ['sandbox', 'page']) {
      const own = Object.keys(await import(`../lib/${name}/index.mjs`)).sort()
      const { code, stdout, stderr } = await required(
        `console.log(Object.keys(require('turnstile-solver/${name}')).sort().join())`,
      )
      assert.deepEqual([code, stdout, stderr], [0, `${own.join()}\n`, ''])
    }
  })

  test('has a required sandbox with its pages, and tokens that the required addon fetches', async () => {
    const { code, stdout, stderr } = await required(`
      const { startSandbox } = require('turnstile-solver/sandbox')
      const { solveTurnstile } = require('turnstile-solver')
      startSandbox({ provider: 'yescaptcha', solveTimeMs: 0, dashboard: true }).then(async sandbox => {
        const page = { websiteURL: 'https://shop.example/', websiteKey: '0x4AAAAAAAExampleSitekey' }
        const { token } = await solveTurnstile({ ...sandbox.account, ...page })
        const pages = [sandbox.pageURL(), sandbox.dashboardURL, new URL('/turnstile/v0/api.js', sandbox.baseURL)]
        const replies = await Promise.all(pages.map(url => fetch(url)))
        console.log(token === sandbox.tasks()[0].token, replies.map(({ status }) => status).join())
        await sandbox.close()
      })`)
    assert.deepEqual([code, stdout, stderr], [0, 'true 200,200,200\n', ''])
  })

  test('has types for both conditions, and every file that its exports name', () => {
    const { exports } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
    for (const name of ['./sandbox', './page']) {
      const { import: imported, require: required } = exports[name]
      for (const path of [imported.types, imported.default, required.types, required.default]) {
        assert.ok(readFileSync(join(folder, path), 'utf8').length > 0, path)
      }
      assert.match(required.types, /\.d\.cts$/)
    }
  })

  test('contains what is generated when packing, and no tools or tests', () => {
    const names = readdirSync(folder)
    assert.ok(names.includes('sbom.cdx.json') && names.includes('README.md'))
    assert.deepEqual(
      names.filter(name => ['tools', '__test__', 'src', 'examples', 'Cargo.toml'].includes(name)),
      [],
    )
  })
})
