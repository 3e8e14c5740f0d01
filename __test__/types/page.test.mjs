import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import * as page from 'turnstile-solver/page'
import { root, run } from '../support/child.mjs'

/** Compiles as the project of a user, with the drivers' own types. */
const strict = [
  ...['--strict', '--noEmit', '--ignoreConfig', '--pretty', 'false', '--target', 'es2023', '--skipLibCheck'],
  ...['--lib', 'es2023,dom,dom.iterable,esnext.disposable', '--types', 'node'],
]

/** @type {Record<string, string[]>} */
const modes = {
  nodenext: ['--module', 'nodenext', '--moduleResolution', 'nodenext'],
  bundler: ['--module', 'preserve', '--moduleResolution', 'bundler', '--exactOptionalPropertyTypes'],
}

/** @param {string[]} args */
async function tsc(args) {
  const compiler = join(root, 'node_modules', 'typescript')
  const { bin } = JSON.parse(readFileSync(join(compiler, 'package.json'), 'utf8'))
  const { code, stdout } = await run(process.execPath, [join(compiler, bin.tsc), ...strict, ...args])
  return { code, stdout }
}

const clean = { code: 0, stdout: '' }

describe('the types of turnstile-solver/page', { concurrency: 2 }, () => {
  for (const [mode, flags] of Object.entries(modes)) {
    test(`the types of turnstile-solver/page accept the pages of both drivers, resolved as ${mode}`, async () => {
      assert.deepEqual(await tsc([...flags, '__test__/types/page-accepted.mts']), clean)
    })

    test(`the types of turnstile-solver/page refuse every wrong line of another consumer, resolved as ${mode}`, async () => {
      assert.deepEqual(await tsc([...flags, '__test__/types/page-refused.mts']), clean)
    })
  }

  test('the types of turnstile-solver/page declare as values exactly what is there at run time', async t => {
    mkdirSync(join(root, '.tools'), { recursive: true })
    const folder = mkdtempSync(join(root, '.tools', 'types-page-'))
    t.after(() => rmSync(folder, { recursive: true, force: true }))
    const names = JSON.stringify(Object.fromEntries(Object.keys(page).map(name => [name, true])))
    const file = join(folder, 'page.mts')
    writeFileSync(
      file,
      `import * as page from 'turnstile-solver/page'
       export const names: Record<keyof typeof page, true> = ${names}`,
    )
    assert.deepEqual(await tsc([...modes.nodenext, file]), clean)
  })
})
