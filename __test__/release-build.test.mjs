import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { named } from '../tools/cross-build/targets.mjs'
import { flags } from '../tools/release/build.mjs'
import { root, run } from './support/child.mjs'

const [mac, windows] = named(['darwin-arm64', 'win32-x64-msvc'])

describe("a release's binary of the system's own tools", () => {
  test("a release's binary contains no path of the folders that it was built in", () => {
    for (const target of [mac, windows]) {
      const remapped = flags(target).filter(flag => flag.startsWith('--remap-path-prefix='))
      assert.ok(remapped.includes(`--remap-path-prefix=${root.replace(/[\\/]$/, '')}=/turnstile-solver`))
    }
  })

  test("a release's binary for Windows contains the C runtime", () => {
    assert.ok(flags(windows).includes('-Ctarget-feature=+crt-static'))
    assert.ok(!flags(mac).some(flag => flag.includes('crt-static')))
  })

  test("a release's binary for macOS has its file name as its install name", () => {
    assert.ok(flags(mac).includes('-Clink-arg=-Wl,-install_name,@rpath/turnstile-solver.darwin-arm64.node'))
  })

  test("building a release's binary for Linux with the system's own tools is refused", async () => {
    const { code, stderr } = await run(process.execPath, ['tools/release/build.mjs', 'linux-x64-gnu'])
    assert.equal(code, 1)
    assert.match(stderr, /Try npm run cross-build linux-x64-gnu/)
  })
})
