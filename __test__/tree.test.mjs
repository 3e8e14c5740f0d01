import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { describe, test } from 'node:test'
import { root } from './support/child.mjs'

const files = execFileSync('git', ['ls-files'], { cwd: root, encoding: 'utf8' }).trim().split('\n')
const tools = ['dev', 'cross-build', 'licenses', 'release', 'packaging', 'fuzz', 'benchmark']
const areas = ['lib', ...tools.map(name => `tools/${name}`), 'examples', '__test__']

/** The entry at the root is part of the product. @param {string} file */
const areaOf = file =>
  file.startsWith('index.') ? 'lib' : (areas.find(area => file.startsWith(`${area}/`)) ?? file)

/** The files of the repository that a module imports. @param {string} file @param {string} source */
function importsOf(file, source) {
  const specifiers = source.matchAll(
    /(?:\bfrom|\bimport|\bimport\(|\brequire\()\s*['"](\.{1,2}\/[^'"]+)['"]/g,
  )
  return [...specifiers].map(([, specifier]) => posix.normalize(posix.join(dirname(file), specifier)))
}

/**
 * For each area, the areas that it imports from.
 *
 * @param {[file: string, source: string][]} modules
 */
function dependencies(modules) {
  /** @type {Map<string, Set<string>>} */
  const found = new Map()
  for (const [file, source] of modules) {
    const area = areaOf(file)
    const targets = importsOf(file, source).map(areaOf)
    found.set(area, new Set([...(found.get(area) ?? []), ...targets.filter(target => target !== area)]))
  }
  return found
}

/** The areas of a cycle, in order; none where there is none. @param {Map<string, Set<string>>} graph */
function cycle(graph) {
  /** @param {string} area @param {string[]} path @returns {string[] | undefined} */
  const visit = (area, path) => {
    if (path.includes(area)) return path.slice(path.indexOf(area))
    for (const next of graph.get(area) ?? []) {
      const found = visit(next, [...path, area])
      if (found) return found
    }
  }
  for (const area of graph.keys()) {
    const found = visit(area, [])
    if (found) return found
  }
}

describe('the tree', () => {
  const modules = files
    .filter(file => /\.[cm]?js$/.test(file))
    .map(file => /** @type {[string, string]} */ ([file, readFileSync(join(root, file), 'utf8')]))

  test('the tree has no cycle of imports between its folders', () => {
    const graph = dependencies(modules)
    assert.ok(graph.get('__test__')?.has('tools/dev') && graph.get('tools/release')?.has('tools/cross-build'))
    assert.deepEqual(cycle(graph), undefined)
    const known = readdirSync(join(root, 'tools')).map(name => `tools/${name}`)
    assert.deepEqual(
      known.filter(folder => !areas.includes(folder)),
      [],
    )
  })

  test('the tree has a product that imports neither tools nor tests, and tools that import no test', () => {
    const wrong = modules.flatMap(([file, source]) => {
      const forbidden = /^(lib\/|index\.js$)/.test(file) ? /^(tools|__test__)\// : /^__test__\//
      const own = file.startsWith('__test__/')
      return own
        ? []
        : importsOf(file, source)
            .filter(target => forbidden.test(target))
            .map(target => `${file}: ${target}`)
    })
    assert.deepEqual(wrong, [])
  })

  test('the check of the tree finds a cycle', () => {
    const graph = dependencies([
      ['tools/dev/a.mjs', "import { b } from '../../__test__/support/b.mjs'"],
      ['__test__/support/b.mjs', "const c = await import('../../tools/dev/c.mjs')"],
    ])
    assert.deepEqual(cycle(graph), ['tools/dev', '__test__'])
  })
})
