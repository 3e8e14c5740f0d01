import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { named } from '../tools/cross-build/targets.mjs'
import { flags } from '../tools/release/build.mjs'
import { root, run } from './support/child.mjs'

const [mac, windows] = named(['darwin-arm64', 'win32-x64-msvc'])

describe("a release's binary, built with the tools of its system", () => {
  test('contains no path of the machine that built it', () => {
    for (const target of [mac, windows]) {
      const remapped = flags(target).filter(flag => flag.startsWith('--remap-path-prefix='))
      assert.ok(remapped.includes(`--remap-path-prefix=${root.replace(/[\\/]$/, '')}=/turnstile-solver`))
    }
  })

  test('contains the C runtime on Windows', () => {
    assert.ok(flags(windows).includes('-Ctarget-feature=+crt-static'))
    assert.ok(!flags(mac).some(flag => flag.includes('crt-static')))
  })

  test('has an install name without a path on macOS', () => {
    assert.ok(flags(mac).includes('-Clink-arg=-Wl,-install_name,@rpath/turnstile-solver.darwin-arm64.node'))
  })

  test('is refused for Linux, whose linker does not support old versions of glibc', async () => {
    const { code, stderr } = await run(process.execPath, ['tools/release/build.mjs', 'linux-x64-gnu'])
    assert.equal(code, 1)
    assert.match(stderr, /Try npm run cross-build linux-x64-gnu/)
  })
})
