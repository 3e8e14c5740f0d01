import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { declaredSymbols, unusedSymbols } from '../tools/cross-build/frameworks.mjs'
import { leakedPaths, maxBytes, violations } from '../tools/cross-build/inspect.mjs'
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

/** A binary of each kind without violations. @type {Record<string, Facts>} */
const valid = {
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
      Object.entries(declaredSymbols()).map(([name, symbols]) => [
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
  test('that is right has no violations', () => {
    for (const [target, facts] of /** @type {const} */ ([
      [glibc, valid.glibc],
      [musl, valid.musl],
      [mac, valid.mac],
      [windows, valid.windows],
    ])) {
      assert.deepEqual(violations(target, facts), [], target.name)
    }
  })

  /** @type {[what: string, target: import('../tools/cross-build/targets.mjs').Target, change: Facts, violation: string][]} */
  const cases = [
    ['of another format', glibc, valid.windows, 'it is PE and not ELF'],
    ['in no known format', mac, { format: 'unknown' }, 'it is unknown and not MACHO'],
    [
      'for another machine',
      glibc,
      { ...valid.glibc, machine: 'AARCH64' },
      'it is for AARCH64 and not for X86_64',
    ],
    ['without its entry', windows, { ...valid.windows, exports: [] }, `it does not export ${entry}`],
    [
      'that exports internal symbols',
      windows,
      { ...valid.windows, exports: [entry, 'rust_eh_personality'] },
      `it exports more than ${entry}: rust_eh_personality`,
    ],
    [
      'above the floor of glibc',
      glibc,
      { ...valid.glibc, versions: ['GLIBC_2.17', 'GLIBC_2.34'] },
      'it needs symbols of GLIBC_2.34, and 2.17 is the floor',
    ],
    [
      'with symbols of another library’s version',
      glibc,
      { ...valid.glibc, versions: ['GCC_3.0'] },
      'it needs symbols of GCC_3.0, and 2.17 is the floor',
    ],
    ['for glibc, shipped for musl', musl, { ...valid.musl, libraries: ['libc.so.6'] }, 'it needs libc.so.6'],
    [
      'that needs the compiler’s own library',
      glibc,
      { ...valid.glibc, libraries: ['libgcc_s.so.1', 'libc.so.6'] },
      'it needs libgcc_s.so.1',
    ],
    [
      'that needs a library by its path',
      glibc,
      { ...valid.glibc, libraries: ['/lib/libc.so.6'] },
      'it needs /lib/libc.so.6',
    ],
    [
      'that needs Node.js by name',
      windows,
      { ...valid.windows, libraries: ['node.exe'] },
      'it needs node.exe',
    ],
    [
      'that needs a runtime to be installed',
      windows,
      { ...valid.windows, libraries: ['vcruntime140.dll'] },
      'it needs vcruntime140.dll',
    ],
    [
      'that needs what only some Macs have',
      mac,
      { ...valid.mac, libraries: ['/opt/homebrew/lib/libssl.3.dylib'] },
      'it needs /opt/homebrew/lib/libssl.3.dylib',
    ],
    [
      'that searches for libraries',
      glibc,
      { ...valid.glibc, searches: ['RUNPATH'] },
      'it searches for libraries by RUNPATH',
    ],
    [
      'with an executable stack',
      musl,
      { ...valid.musl, executableStack: true },
      'its stack would be executable',
    ],
    [
      'for a newer macOS',
      mac,
      { ...valid.mac, system: 'MACOS 13.0' },
      'it is for MACOS 13.0, and MACOS 11.0 is the floor',
    ],
    ['whose signature is not valid', mac, { ...valid.mac, signed: false }, 'its signature is not valid'],
    [
      'without a signature for macOS on arm64',
      mac,
      { ...valid.mac, signed: null },
      'its signature is not valid',
    ],
    [
      'whose install name is the path that it was built at',
      mac,
      { ...valid.mac, name: '/build/lib.dylib' },
      'its install name is /build/lib.dylib and not @rpath/turnstile-solver.darwin-arm64.node',
    ],
    [
      'that looks for a symbol in any library',
      mac,
      { ...valid.mac, imports: { ...valid.mac.imports, '': ['_anything'] } },
      'it looks for _anything in any library',
    ],
    [
      'that could be put to a known address',
      windows,
      { ...valid.windows, protections: ['NX_COMPAT'] },
      'it is built without DYNAMIC_BASE',
    ],
  ]
  for (const [what, target, facts, violation] of cases) {
    test(`${what} is refused`, () => assert.deepEqual(violations(target, facts), [violation]))
  }

  test('for macOS on x64 may have no signature, but not an invalid one', () => {
    const [intel] = named(['darwin-x64'])
    const facts = { ...valid.mac, machine: 'X86_64', name: '@rpath/turnstile-solver.darwin-x64.node' }
    assert.deepEqual(violations(intel, { ...facts, signed: null }), [])
    assert.deepEqual(violations(intel, { ...facts, signed: false }), ['its signature is not valid'])
  })
})

describe('a symbol of a framework of macOS', () => {
  test('is declared to the linker only if the binary needs it', () => {
    assert.deepEqual(unusedSymbols(valid.mac), [])
    const [library] = Object.keys(valid.mac.imports ?? {})
    const [first, ...others] = valid.mac.imports?.[library] ?? []
    assert.deepEqual(unusedSymbols({ ...valid.mac, imports: { ...valid.mac.imports, [library]: others } }), [
      first,
    ])
    assert.deepEqual(unusedSymbols({ ...valid.mac, imports: {} }), Object.values(declaredSymbols()).flat())
  })

  test('is one of a function or of a constant', () => {
    const symbols = Object.values(declaredSymbols()).flat()
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

  test('that is larger than the budget is refused', () => {
    const path = file('large', '')
    truncateSync(path, maxBytes)
    assert.deepEqual(leakedPaths(path), [])
    truncateSync(path, maxBytes + 1)
    assert.deepEqual(leakedPaths(path), [`it has ${maxBytes + 1} bytes, and ${maxBytes} is the budget`])
  })

  test('that contains a path of the machine that built it is refused', () => {
    const expected = 'it contains a path of the machine that built it:'
    assert.deepEqual(leakedPaths(file('relative', 'panicked at src/lib.rs, /cargo/registry/src/ring')), [])
    for (const path of [`${homedir()}/`, root, '/home/somebody', '/Users/somebody', '\\Users\\somebody']) {
      const found = leakedPaths(file('expected', `\0panicked at ${path}/src/lib.rs\0`))
      assert.ok(
        found.some(line => line.startsWith(expected) && path.startsWith(line.slice(expected.length + 1, -1))),
        path,
      )
    }
  })
})
