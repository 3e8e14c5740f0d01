/** The documents hold together: links lead somewhere, what they name exists, generated sections are those of their sources. */

import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import * as api from '../index.js'
import * as pageApi from '../lib/page/index.mjs'
import * as sandboxApi from '../lib/sandbox/index.mjs'
import { summary } from '../tools/benchmark/lib/summary.mjs'
import { section } from '../tools/dev/section.mjs'
import { root } from './support/child.mjs'
import { anchors, blocksOf, read, readme } from './support/documents.mjs'

const manifest = JSON.parse(read('package.json'))
const documents = [
  ...['.', 'docs'].flatMap(folder =>
    readdirSync(join(root, folder))
      .filter(name => name.endsWith('.md'))
      .map(name => (folder === '.' ? name : `${folder}/${name}`)),
  ),
  'tools/benchmark/README.md',
  ...['tools/benchmark', 'examples'].flatMap(folder =>
    readdirSync(join(root, folder))
      .map(name => `${folder}/${name}/README.md`)
      .filter(path => existsSync(join(root, path))),
  ),
]
const published = documents.filter(path => path === 'README.md' || path.startsWith('docs/'))

test('no relative link and no picture of a document is dead', () => {
  assert.ok(documents.length > 20, `${documents}`)
  for (const document of documents) {
    const links = [...read(document).matchAll(/\]\(([^)\s]+)\)|src="([^"]+)"/g)].map(
      ([, link, src]) => link ?? src,
    )
    for (const link of links.filter(target => !/^[a-z]+:/.test(target))) {
      const [path, anchor] = link.split('#')
      const target = path === '' ? document : join(dirname(document), path)
      assert.ok(existsSync(join(root, target)), `${document}: ${link}`)
      if (anchor !== undefined) assert.ok(anchors(read(target)).includes(anchor), `${document}: ${link}`)
    }
  }
})

test('the README names every other document that ships', () => {
  for (const path of published.filter(path => path !== 'README.md'))
    assert.ok(readme.includes(`(${path})`), path)
})

test('the README shows usage within its first 45 lines and has at most 2500 words', () => {
  assert.ok(readme.split('\n').indexOf('## Usage') < 45)
  const words = readme.split(/\s+/).filter(Boolean).length
  assert.ok(words <= 2500, `${words} words`)
})

test('every exported name is documented', () => {
  const text = published.map(read).join('\n')
  for (const name of [api, pageApi, sandboxApi].flatMap(Object.keys)) {
    if (name !== 'default' && name !== 'module.exports') assert.match(text, new RegExp(`\\b${name}\\b`), name)
  }
})

test('while the package is not on npm, no document installs it by its name', () => {
  const installs =
    /\b(?:npm|pnpm|yarn|bun)\s+(?:install|i|add)\b[^\n`]*[ \t]turnstile-solver(?:@\S*)?(?=[\s`]|$)/m
  for (const command of [
    'npm i -D turnstile-solver',
    'pnpm add a turnstile-solver@0.1.0',
    'yarn add turnstile-solver b',
  ])
    assert.match(command, installs)
  assert.doesNotMatch('npm install ../turnstile-solver', installs)
  if (!readme.includes('is not on npm yet')) return
  // Anybody could register the name.
  for (const document of documents) assert.deepEqual(read(document).match(installs), null, document)
})

test('every script of npm that a document names is there', () => {
  for (const document of documents.filter(path => !path.startsWith('tools/benchmark/'))) {
    const names = [...read(document).matchAll(/npm run (?:--silent )?([\w:-]+)/g)].map(([, name]) => name)
    for (const name of names) assert.ok(manifest.scripts[name], `${document}: npm run ${name}`)
  }
})

test('no document installs the package by its name while README.md says that it is not on npm', () => {
  if (!/not on npm yet/.test(readme)) return
  for (const document of documents) {
    const blocks = blocksOf(read(document)).filter(({ language }) => language === 'sh')
    const commands = blocks
      .flatMap(({ code }) => code.split('\n'))
      .filter(line => /^(npm|pnpm|yarn|bun) /.test(line))
    for (const command of commands)
      assert.doesNotMatch(command, /(install|add|i)\b.* turnstile-solver(@|\s|$)/, `${document}: ${command}`)
  }
})

test('the version of the package is in the changelog', () => {
  const version = manifest.version.replaceAll('.', '\\.')
  assert.match(read('CHANGELOG.md'), new RegExp(`^## \\[${version}\\] - \\S+`, 'm'))
})

test('the tables of docs/cost.md are those of the benchmark', () => {
  const results = JSON.parse(read('tools/benchmark/results/final.json'))
  assert.equal(section(read('docs/cost.md'), 'cost'), summary(results))
})
