import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { factsOfEach, inspect, violations } from '../tools/cross-build/inspect.mjs'
import { smokeTest } from '../tools/cross-build/smoke-test.mjs'
import { targets } from '../tools/cross-build/targets.mjs'
import { root } from './support/child.mjs'

const folder = mkdtempSync(join(tmpdir(), 'cross-build-'))
after(() => rmSync(folder, { recursive: true }))

const entry = 'napi_register_module_v1'

/** @param {string} name @param {string | Buffer} content */
const file = (name, content) => {
  writeFileSync(join(folder, name), content)
  return join(folder, name)
}

/** @param {string[]} lines */
const unpacked = lines => gunzipSync(Buffer.from(lines.join(''), 'base64'))

// Two small libraries whose one function is the entry, as zig 0.15.2 links them: for macOS on arm64, signed, and for Windows.
const macos = [
  'H4sIAAAAAAACA+3UT2gUVxzA8d/O7oZIo6Y0QtoqhBakVtykbSiKFGJVGklNogYMiLzuMpNkYDKbzs5qclAWocWDLSIoUg+hYE8FsWCh',
  'h7TEem89FS9qi9B6KfQgbc3B+mbnbTI75o/3fj/w2ze/ebu/93uPmf154c8nbSIZ0Vp0tEeRE/mkfiXyso6HOpQa2T86Is/wOpbP8yYs',
  'c1+p0JkOl76XrteTi8fWRG4lC+eklkyVqvonXd9Wrj9WXqbeTlOvt30pt2Rl0T4v1+vs2zOyR+0dGjwSV+tr7iudZ01kzNkpNV4Om/pc',
  'u1428f2WVftKTNRSdWor9xX3YRfDYrqv1etl1ziv/nqdDw8MDuzfd6Bx9vPN59TIW83hZxI9RV7TK/Ukf6fHTj10mjw5jupxqznnKXN/',
  'WyqPluk0efQIfKfHAT2+oGM4tYf0GS3n+vzy8xt0dOnQ7450VytBt+eWuu0Zzzbz6835dC6+A/HO+4KpYjjRHVYDvxK6nrOjUvZOOEHB',
  'Lgb6cd5RDCbf7S34Zdsxdd40+2t426wb96R3ld9Yv86b+VfNmrevXfmmRb0ze+Pg1Yv/Tee/j/rc2dTPB/moymLvOo7MVEJnsvB+Qe/D',
  'LcX1tjT+E26K/Bs/GIfns+qXaM3NZs3kaJl3t1fiWHwPzVm36zXb4u5Xex0BAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
  'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAADwP/Wx9Nkznq0qYbWkSq5vO4EcevG8SEZJXiy/OOWqwBl3K6ETqMmyXfUc',
  'deIteV3JG1m53ipiTU4oXcEtqQmnGP26X9mVspoo+rbnyGBOajVL4s9IRsdG/dGTi9ffHuXRdS3O30vlr8S/yTT6zTYu1EqtPbMdpdIt',
  'KpXsscnCvbZ5PTySpTU79L2o+V/F0o1ZEl1/pGPUzOubN9u7LNnwfCfe4TWuwkK9K5m6lAvue21jc+vzA/7tWffTR79fG76wKXN06Kfp',
  '4a/+6hr649sv/r63e+zY+PS5Hx9fvvD1mdMLD66O927ffePB3OfHnqw139+3busPt467v509c/zL+7On3M/uOlce7rqj5g7erbz0Txj1',
  '8hQTvYAPCMIAAA==',
]
const windows = [
  'H4sIAAAAAAACA/ONqmBgZGBgYGFABQ4MhEEFEPPJ7+Jj2MJ5VnEHo89ZxZCMzGKFgqL89KLEXIXkxLy8/BKFpFSFotI8hcw8BRf/YIXc',
  '/JRUPRUGhgBXBoaUNhaGh24522DmfWBQUuBm4mNgYAJy2CBiHAJAQgDMbAC5E8xmgkvDaYYAhCeYGBIYYZpgFCYfwlRQgGjFAMAAkMAm',
  'bsDAIMNAPaBXklpRAqSFkfyGHhlAJyboFaUkliQCAwEqgBxGSE520EsqzcxJyUyRgboVrI4Di7oCiHkSsMgGqePCVMcwCoY1CPXofGp4',
  'IPYwiN4BymCxh8+MgpED/kMBLD2g85GBB7DcASURGPYD8oOAOAyIS/RScnLAJVgEqHRiyEssyIwvSk3PLC5JLYoHlvqlOanxZYYMjCxM',
  'rCzMjAEwejQHDjyA1cECo0Ex8oAApI1VoAChhYG4QmE0WEYKAAA2ktFnAAwAAA==',
]

describe('a file', () => {
  const content = unpacked(macos)
  const bent = Buffer.from(content)
  bent[content.length >> 2] ^= 1
  const files = [
    file('right.dylib', content),
    file('flipped.dylib', bent),
    file('right.dll', unpacked(windows)),
    file('text.node', 'module.exports = {}\n'),
    file('cut.node', Buffer.from('7f454c460201010000000000000000000300', 'hex')),
  ]
  // One process reads them all: its library takes longer to load than to read.
  /** @type {Awaited<ReturnType<typeof factsOfEach>>} */
  let facts
  before(async () => {
    facts = await factsOfEach(files)
  })

  test('for macOS is read, and one flipped bit makes its signature invalid', () => {
    const { format, machine, exports, system, name, signed } = facts[0]
    assert.deepEqual([format, machine, system, signed], ['MACHO', 'ARM64', 'MACOS 11.0', true])
    assert.ok(exports?.includes(`_${entry}`))
    assert.equal(name, '@rpath/turnstile-solver.darwin-arm64.node')
    assert.equal(facts[1].signed, false)
  })

  test('for Windows is read, and is refused for another machine', () => {
    const [x64, arm64] = ['x64', 'arm64'].map(cpu =>
      targets.filter(target => target.os === 'win32' && target.cpu === cpu),
    )
    assert.deepEqual(violations(x64[0], facts[2]), [])
    assert.deepEqual(violations(arm64[0], facts[2]), ['it is for AMD64 and not for ARM64'])
  })

  test('that is not a binary, or only the start of one, is refused for every target', async () => {
    for (const none of facts.slice(3)) {
      for (const target of targets)
        assert.match(violations(target, none)[0], /^it is (unknown|ELF|for NONE) /)
    }
    await assert.rejects(inspect(targets[0], files[3]), {
      message: `text.node cannot be used for ${targets[0].name}:\n- it is unknown and not ELF`,
    })
  })

  const linux = process.platform === 'linux' && process.arch === 'x64'
  test('made by the C compiler is read', { skip: !linux && 'it reads ELF of x64' }, async () => {
    const right = `void ${entry}(void) {}`
    /** @type {[source: string, flags: string[], found: string[]][]} */
    const made = [
      [right, [], []],
      [`static void ${entry}(void) {}`, [], [`it does not export ${entry}`]],
      [`${right} void more(void) {}`, [], [`it exports more than ${entry}: more`]],
      [
        right,
        ['-Wl,-rpath,/opt/lib', '-Wl,-z,execstack'],
        ['it searches for libraries by RUNPATH', 'its stack would be executable'],
      ],
      [right, ['-Wl,--no-as-needed', '-lgcc_s'], ['it needs libgcc_s.so.1']],
    ]
    const libraries = made.map(([source, flags], index) => {
      const output = join(folder, `made-${index}.so`)
      const args = ['-shared', '-fPIC', '-nostdlib', '-x', 'c', '-', '-o', output, ...flags]
      const { status, stderr } = spawnSync('cc', args, { input: source, encoding: 'utf8' })
      assert.equal(status, 0, stderr)
      return output
    })
    const found = (await factsOfEach(libraries)).map(each => violations(targets[0], each))
    assert.deepEqual(
      found,
      made.map(([, , expected]) => expected),
    )
  })
})

describe('the checks that run in each platform’s Node.js', () => {
  const own = { through: '', command: [process.execPath] }

  test('the checks that run in each platform’s Node.js pass for the binary of this machine', async () => {
    const name = readdirSync(root).find(name => /^turnstile-solver\..*\.node$/.test(name)) ?? ''
    const { node, passed } = await smokeTest(join(root, name), own)
    assert.deepEqual([node, passed.length], [process.versions.node, 6])
  })

  test('fail for a binary that does not load, with the reason', async () => {
    const broken = join(folder, 'broken.node')
    writeFileSync(broken, 'no binary')
    await assert.rejects(smokeTest(broken, own), /Node\.js ended with exit code 1:.*broken\.node/s)
  })
})
