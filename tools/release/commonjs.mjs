// CommonJS builds of the exports that are written as ES modules, for tools that can only `require`: Jest, and TypeScript projects without
// `"type": "module"`. They are made when the package is packed: beside each `x.mjs` an `x.cjs`, beside each `x.d.mts` an `x.d.cts`.
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, posix } from 'node:path'
import { probe, root, tool, UserError } from '../dev/run.mjs'

/** @typedef {{ types: string, default: string }} Entry */
/** @typedef {{ exports: Record<string, any> }} Manifest */

const specifier = /(\bfrom\s*|\bimport\s*|\bimport\()(['"])(\.{1,2}\/[^'"]+)\2/g
const ownAddress = "require('node:url').pathToFileURL(__filename).href"

/**
 * Adds the builds to the folder of a package, and the conditions for them to its manifest.
 *
 * @param {string} folder
 * @param {Manifest} manifest
 */
export function addCommonJs(folder, manifest) {
  const entries = Object.entries(manifest.exports).filter(([, entry]) => entry.default?.endsWith('.mjs'))
  const modules = reachable(
    folder,
    entries.map(([, entry]) => entry.default.slice(2)),
  )
  compile(folder, modules)
  for (const [name, entry] of entries) {
    const types = readFileSync(join(folder, entry.types), 'utf8')
    const required = {
      types: entry.types.replace(/\.mts$/, '.cts'),
      default: entry.default.replace(/\.mjs$/, '.cjs'),
    }
    writeFileSync(join(folder, required.types), types.replaceAll(/\.mjs(?=['"])/g, '.cjs'))
    manifest.exports[name] = { import: entry, require: required }
  }
}

/** The modules that entries import, themselves included. @param {string} folder @param {string[]} entries */
function reachable(folder, entries) {
  const found = new Set(entries)
  for (const path of found) {
    for (const [, , , target] of readFileSync(join(folder, path), 'utf8').matchAll(specifier)) {
      if (target.endsWith('.mjs')) found.add(posix.join(posix.dirname(path), target))
    }
  }
  return [...found]
}

/**
 * The compiler emits CommonJS for files that end in `.cts`. Nothing is checked: `npm run check` has checked the sources.
 *
 * @param {string} folder
 * @param {string[]} modules
 */
function compile(folder, modules) {
  const work = mkdtempSync(join(tmpdir(), 'commonjs-'))
  try {
    for (const path of modules) {
      const file = join(work, path.replace(/\.mjs$/, '.cts'))
      mkdirSync(dirname(file), { recursive: true })
      const source = readFileSync(join(folder, path), 'utf8')
        .replaceAll(
          specifier,
          (_, before, quote, target) => `${before}${quote}${target.replace(/\.mjs$/, '.cjs')}${quote}`,
        )
        .replaceAll('import.meta.url', ownAddress)
      writeFileSync(file, source)
    }
    symlinkSync(join(root, 'node_modules'), join(work, 'node_modules'), 'junction')
    writeFileSync(join(work, 'package.json'), '{ "type": "commonjs" }')
    const files = modules.map(path => join(work, path.replace(/\.mjs$/, '.cts')))
    const flags = [
      '--ignoreConfig',
      '--noCheck',
      '--module',
      'nodenext',
      '--target',
      'esnext',
      '--rootDir',
      work,
      '--types',
      'node',
    ]
    const { ok, output } = probe(process.execPath, [tool('typescript', 'tsc'), ...flags, ...files])
    if (!ok) throw new UserError(`The CommonJS build failed:\n${output}`)
    for (const path of modules) {
      const built = path.replace(/\.mjs$/, '.cjs')
      copyFileSync(join(work, built), join(folder, built))
    }
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}
