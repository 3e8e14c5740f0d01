import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import * as sandbox from 'turnstile-solver/sandbox'
import { root, run } from '../support/child.mjs'

const solver = createRequire(import.meta.url)('turnstile-solver')

/** Compiles as the project of a user: strict, and without the settings of this project. */
const strict = ['--strict', '--noEmit', '--ignoreConfig', '--pretty', 'false', '--target', 'es2023']
const libraries = ['--lib', 'es2023,esnext.disposable', '--types', 'node']

/** @type {Record<string, string[]>} */
const modes = {
  nodenext: ['--module', 'nodenext', '--moduleResolution', 'nodenext', '--skipLibCheck'],
  bundler: ['--module', 'preserve', '--moduleResolution', 'bundler', '--skipLibCheck'],
  'nodenext, libraries checked too': [
    ...['--module', 'nodenext', '--moduleResolution', 'nodenext'],
    ...['--noUncheckedIndexedAccess', '--verbatimModuleSyntax'],
  ],
}

/** @param {string[]} args */
async function tsc(args) {
  const compiler = join(root, 'node_modules', 'typescript')
  const { bin } = JSON.parse(readFileSync(join(compiler, 'package.json'), 'utf8'))
  const { code, stdout } = await run(process.execPath, [
    join(compiler, bin.tsc),
    ...strict,
    ...libraries,
    ...args,
  ])
  return { code, stdout }
}

const clean = { code: 0, stdout: '' }

describe('the types', { concurrency: 2 }, () => {
  for (const [mode, flags] of Object.entries(modes)) {
    for (const kind of ['mts', 'cts']) {
      test(`the types accept a correct consumer in .${kind}, resolved as ${mode}`, async () => {
        assert.deepEqual(await tsc([...flags, `__test__/types/accepted.${kind}`]), clean)
      })

      test(`the types reject every wrong line of a consumer in .${kind}, resolved as ${mode}`, async () => {
        assert.deepEqual(await tsc([...flags, `__test__/types/refused.${kind}`]), clean)
      })
    }
  }

  test('the types accept undefined with exactOptionalPropertyTypes', async () => {
    const exact = [...modes.nodenext, '--exactOptionalPropertyTypes']
    assert.deepEqual(await tsc([...exact, '__test__/types/accepted-undefined.mts']), clean)
  })

  test('the types declare as values exactly what is there at run time, in the package and in its sandbox', async t => {
    mkdirSync(join(root, '.tools'), { recursive: true })
    const folder = mkdtempSync(join(root, '.tools', 'types-'))
    t.after(() => rmSync(folder, { recursive: true, force: true }))
    /** @param {object} module */
    const names = module => JSON.stringify(Object.fromEntries(Object.keys(module).map(name => [name, true])))
    const package_ = join(folder, 'package.cts')
    writeFileSync(
      package_,
      `import solver = require('turnstile-solver')
       const names: Record<keyof typeof solver, true> = ${names(solver)}
       export = names`,
    )
    const sandbox_ = join(folder, 'sandbox.mts')
    writeFileSync(
      sandbox_,
      `import * as sandbox from 'turnstile-solver/sandbox'
       export const names: Record<keyof typeof sandbox, true> = ${names(sandbox)}`,
    )
    assert.deepEqual(await tsc([...modes.nodenext, package_, sandbox_]), clean)
  })
})
