import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { idle, offered } from '../tools/cross-build/frameworks.mjs'
import { blemishes, bytesAtMost, complaints } from '../tools/cross-build/inspect.mjs'
import { named } from '../tools/cross-build/targets.mjs'
import { root } from './support/child.mjs'

/** @typedef {import('../tools/cross-build/inspect.mjs').Facts} Facts */

const folder = mkdtempSync(join(tmpdir(), 'cross-build-'))
after(() => rmSync(folder, { recursive: true }))

const entry = 'napi_register_module_v1'
const [glibc] = named(['linux-x64-gnu'])
const [musl] = named(['linux-arm64-musl'])
const [mac] = named(['darwin-arm64'])
const [windows] = named(['win32-x64-msvc'])

/** Of each kind one that is as it has to be. @type {Record<string, Facts>} */
const fit = {
  glibc: {
    format: 'ELF',
    machine: 'X86_64',
    exports: [entry],
    libraries: ['libc.so.6', 'libm.so.6', 'libpthread.so.0', 'libdl.so.2', 'ld-linux-x86-64.so.2'],
    versions: ['GLIBC_2.2.5', 'GLIBC_2.17'],
    searches: [],
    executableStack: false,
  },
  musl: {
    format: 'ELF',
    machine: 'AARCH64',
    exports: [entry],
    libraries: ['libc.so'],
    versions: [],
    searches: [],
    executableStack: false,
  },
  mac: {
    format: 'MACHO',
    machine: 'ARM64',
    exports: [`_${entry}`],
    libraries: [
      '/usr/lib/libSystem.B.dylib',
      '/System/Library/Frameworks/Security.framework/Versions/A/Security',
      '/System/Library/Frameworks/CoreFoundation.framework/Versions/A/CoreFoundation',
    ],
    imports: Object.fromEntries(
      Object.entries(offered()).map(([name, symbols]) => [
        `/System/Library/Frameworks/${name}.framework/Versions/A/${name}`,
        symbols,
      ]),
    ),
    name: '@rpath/turnstile-solver.darwin-arm64.node',
    system: 'MACOS 11.0',
    searches: [],
    signed: true,
  },
  windows: {
    format: 'PE',
    machine: 'AMD64',
    exports: [entry],
    libraries: ['KERNEL32.dll', 'ws2_32.dll', 'api-ms-win-crt-heap-l1-1-0.dll', 'bcryptprimitives.dll'],
    protections: ['DYNAMIC_BASE', 'NX_COMPAT'],
  },
}

describe('a binary', () => {
  test('a binary that meets all rules has no violations', () => {
    for (const [target, facts] of /** @type {const} */ ([
      [glibc, fit.glibc],
      [musl, fit.musl],
      [mac, fit.mac],
      [windows, fit.windows],
    ])) {
      assert.deepEqual(complaints(target, facts), [], target.name)
    }
  })

  /** @type {[what: string, target: import('../tools/cross-build/targets.mjs').Target, change: Facts, complaint: string][]} */
  const cases = [
    ['of another format', glibc, fit.windows, 'it is PE and not ELF'],
    ['that is none', mac, { format: 'unknown' }, 'it is unknown and not MACHO'],
    [
      'for another machine',
      glibc,
      { ...fit.glibc, machine: 'AARCH64' },
      'it is for AARCH64 and not for X86_64',
    ],
    ['without its entry', windows, { ...fit.windows, exports: [] }, `it does not export ${entry}`],
    [
      'that exports internal symbols',
      windows,
      { ...fit.windows, exports: [entry, 'rust_eh_personality'] },
      `it exports more than ${entry}: rust_eh_personality`,
    ],
    [
      'above the floor of glibc',
      glibc,
      { ...fit.glibc, versions: ['GLIBC_2.17', 'GLIBC_2.34'] },
      'it needs symbols of GLIBC_2.34, and 2.17 is the floor',
    ],
    [
      'with symbols of another library’s version',
      glibc,
      { ...fit.glibc, versions: ['GCC_3.0'] },
      'it needs symbols of GCC_3.0, and 2.17 is the floor',
    ],
    ['for glibc, shipped for musl', musl, { ...fit.musl, libraries: ['libc.so.6'] }, 'it needs libc.so.6'],
    [
      'that needs the compiler’s own library',
      glibc,
      { ...fit.glibc, libraries: ['libgcc_s.so.1', 'libc.so.6'] },
      'it needs libgcc_s.so.1',
    ],
    [
      'that needs a library by its path',
      glibc,
      { ...fit.glibc, libraries: ['/lib/libc.so.6'] },
      'it needs /lib/libc.so.6',
    ],
    ['that needs Node.js by name', windows, { ...fit.windows, libraries: ['node.exe'] }, 'it needs node.exe'],
    [
      'that needs a runtime to be installed',
      windows,
      { ...fit.windows, libraries: ['vcruntime140.dll'] },
      'it needs vcruntime140.dll',
    ],
    [
      'that needs what only some Macs have',
      mac,
      { ...fit.mac, libraries: ['/opt/homebrew/lib/libssl.3.dylib'] },
      'it needs /opt/homebrew/lib/libssl.3.dylib',
    ],
    [
      'that searches for libraries',
      glibc,
      { ...fit.glibc, searches: ['RUNPATH'] },
      'it searches for libraries by RUNPATH',
    ],
    [
      'with an executable stack',
      musl,
      { ...fit.musl, executableStack: true },
      'its stack would be executable',
    ],
    [
      'for a newer macOS',
      mac,
      { ...fit.mac, system: 'MACOS 13.0' },
      'it is for MACOS 13.0, and MACOS 11.0 is the floor',
    ],
    ['whose signature does not hold', mac, { ...fit.mac, signed: false }, 'its signature does not hold'],
    [
      'without a signature for macOS on arm64',
      mac,
      { ...fit.mac, signed: null },
      'its signature does not hold',
    ],
    [
      'that calls itself by the path it was built at',
      mac,
      { ...fit.mac, name: '/build/lib.dylib' },
      'it calls itself /build/lib.dylib and not @rpath/turnstile-solver.darwin-arm64.node',
    ],
    [
      'that wants a symbol from anywhere',
      mac,
      { ...fit.mac, imports: { ...fit.mac.imports, '': ['_anything'] } },
      'it wants _anything from any library',
    ],
    [
      'that could be put to a known address',
      windows,
      { ...fit.windows, protections: ['NX_COMPAT'] },
      'it is built without DYNAMIC_BASE',
    ],
  ]
  for (const [what, target, facts, complaint] of cases) {
    test(`a binary ${what} is refused`, () => assert.deepEqual(complaints(target, facts), [complaint]))
  }

  test('a binary for macOS on x64 may have no signature, but not an invalid one', () => {
    const [intel] = named(['darwin-x64'])
    const facts = { ...fit.mac, machine: 'X86_64', name: '@rpath/turnstile-solver.darwin-x64.node' }
    assert.deepEqual(complaints(intel, { ...facts, signed: null }), [])
    assert.deepEqual(complaints(intel, { ...facts, signed: false }), ['its signature does not hold'])
  })
})

describe('a symbol of a framework of macOS', () => {
  test('a symbol of a framework of macOS is offered to the linker only if the binary needs it', () => {
    assert.deepEqual(idle(fit.mac), [])
    const [library] = Object.keys(fit.mac.imports ?? {})
    const [first, ...others] = fit.mac.imports?.[library] ?? []
    assert.deepEqual(idle({ ...fit.mac, imports: { ...fit.mac.imports, [library]: others } }), [first])
    assert.deepEqual(idle({ ...fit.mac, imports: {} }), Object.values(offered()).flat())
  })

  test('a symbol of a framework of macOS is one of a function or of a constant', () => {
    const symbols = Object.values(offered()).flat()
    assert.deepEqual(
      symbols.filter(symbol => !/^_(CF|Sec|kCF)[A-Z]\w+$/.test(symbol)),
      [],
    )
    assert.ok(symbols.includes('_CFRelease') && symbols.includes('_SecCertificateCopyData'))
  })
})

describe('a file', () => {
  /** @param {string} name @param {string | Buffer} content */
  const file = (name, content) => {
    writeFileSync(join(folder, name), content)
    return join(folder, name)
  }

  test('a file beyond the budget is refused', () => {
    const path = file('large', '')
    truncateSync(path, bytesAtMost)
    assert.deepEqual(blemishes(path), [])
    truncateSync(path, bytesAtMost + 1)
    assert.deepEqual(blemishes(path), [`it has ${bytesAtMost + 1} bytes, and ${bytesAtMost} is the budget`])
  })

  test('a file that contains the path or the user of its build is refused', () => {
    const told = 'it tells of a folder of the machine it was built on:'
    assert.deepEqual(blemishes(file('relative', 'panicked at src/lib.rs, /cargo/registry/src/ring')), [])
    for (const path of [`${homedir()}/`, root, '/home/somebody', '/Users/somebody', '\\Users\\somebody']) {
      const found = blemishes(file('told', `\0panicked at ${path}/src/lib.rs\0`))
      assert.ok(
        found.some(line => line.startsWith(told) && path.startsWith(line.slice(told.length + 1, -1))),
        path,
      )
    }
  })
})
