// Sanitizers and Miri: `node tools/dev/sanitize.mjs [address addon thread miri]`, all that this machine supports if none is named.
//
// address  AddressSanitizer and LeakSanitizer over the Rust unit tests; the stable compiler is enough
// addon    AddressSanitizer over the addon in Node.js: solves, faults, aborts, worker threads that end in the middle
// thread   ThreadSanitizer over the Rust unit tests; needs a nightly compiler with rust-src, since std is built with it
// miri     the unit tests of the modules that do no I/O; needs a nightly compiler with Miri
//
// A check that cannot run is reported. It is an error only if it was named.
import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { main, probe, root, run, UserError } from './run.mjs'
import { setup } from './setup.mjs'

/** The check cannot run on this machine. */
class CannotRun extends UserError {}

/** @type {Record<string, () => Promise<void>>} */
const checks = { address, addon, thread, miri }

const host = probe('rustc', ['-vV']).output.match(/^host: (.+)$/m)?.[1] ?? ''
const folder = join(root, 'target', 'sanitize')
/** Fixed settings, so that reports are the same everywhere. */
const reports = { RUST_BACKTRACE: '1', PROPTEST_CASES: '64' }

async function sanitize() {
  const named = process.argv.slice(2)
  const unknown = named.filter(name => !Object.hasOwn(checks, name))
  if (unknown.length > 0) throw new UserError(`No such check: ${unknown}. There are: ${Object.keys(checks)}.`)
  await setup()
  mkdirSync(folder, { recursive: true })
  const lines = []
  let failed = false
  for (const name of named.length > 0 ? named : Object.keys(checks)) {
    console.log(`\n--- ${name}`)
    const outcome = await checks[name]().then(
      () => 'nothing found',
      error => {
        if (!(error instanceof UserError)) throw error
        console.error(`\n${error.message}`)
        const absent = error instanceof CannotRun
        failed ||= !absent || named.length > 0
        return absent ? 'COULD NOT RUN (see above)' : 'FAILED (see above)'
      },
    )
    lines.push(`${name.padEnd(9)}${outcome}`)
  }
  console.log(`\n${lines.join('\n')}`)
  if (failed) throw new UserError('A check failed.')
}

async function address() {
  requireLinux()
  assertDetects('address', 'heap-buffer-overflow', overflow)
  assertDetects('address', 'detected memory leaks', leak)
  await run('cargo', ['test', '--lib', '--locked', '--target', host], { env: instrumented('address') })
}

async function thread() {
  requireLinux()
  const sysroot = probe('rustc', ['+nightly', '--print', 'sysroot'])
  if (!sysroot.ok || !existsSync(join(sysroot.output, 'lib/rustlib/src/rust/library/std/Cargo.toml'))) {
    throw new CannotRun(
      '!!! NO THREAD SANITIZER: it needs `rustup toolchain install nightly --component rust-src`.',
    )
  }
  const env = { ...instrumented('thread'), RUSTC_BOOTSTRAP: undefined }
  const flags = ['-Zbuild-std', '--lib', '--target', host]
  await run('cargo', ['+nightly', 'test', ...flags], { env })
}

async function miri() {
  if (!probe('cargo', ['+nightly', 'miri', '--version']).ok) {
    throw new CannotRun('!!! NO MIRI: it needs `rustup toolchain install nightly --component miri`.')
  }
  const env = {
    ...process.env,
    ...reports,
    CARGO_TARGET_DIR: join(folder, 'miri'),
    // Each case takes thousands of times as long.
    PROPTEST_CASES: '4',
    MIRIFLAGS: '-Zmiri-disable-isolation',
  }
  const modules = ['error', 'provider', 'request', 'secret', 'wire'].map(name => `${name}::`)
  // A hundred thousand levels would take an hour.
  const tooLong = ['--skip', 'deep_nesting_is_survived']
  await run('cargo', ['+nightly', 'miri', 'test', '--lib', '--', ...modules, ...tooLong], { env })
}

async function addon() {
  requireLinux()
  const env = instrumented('address')
  await run('cargo', ['build', '--lib', '--locked', '--target', host], { env })
  const built = join(folder, 'address', host, 'debug')
  // Node.js recognizes an addon by this suffix.
  const binary = join(built, 'addon.node')
  copyFileSync(join(built, 'libturnstile_solver.so'), binary)
  const { stderr, status, signal, error } = spawnSync(process.execPath, ['tools/dev/sanitize-addon.mjs'], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'inherit', 'pipe'],
    timeout: 300_000,
    env: {
      ...process.env,
      LD_PRELOAD: preloadable(),
      NAPI_RS_NATIVE_LIBRARY_PATH: binary,
      // Node.js does not free everything at exit, so only the unit tests look for leaks. With `verbosity` the sanitizer reports
      // that it is active.
      ASAN_OPTIONS: 'detect_leaks=0:verbosity=1:abort_on_error=0:exitcode=99',
    },
  })
  if (error) throw new UserError(`Node.js did not run or did not end: ${error.message}`)
  const messages = stderr
    .split('\n')
    .filter(line => !/^==\d+==(AddressSanitizer|Installed|.*(mmap|poison|T\d))/.test(line))
  if (status !== 0) throw new UserError(`${messages.join('\n')}\n\nended with ${signal ?? status}`)
  if (!stderr.includes('AddressSanitizer Init done'))
    throw new UserError('Node.js ran without the sanitizer.')
}

/**
 * @param {'address' | 'thread'} sanitizer
 * @returns {NodeJS.ProcessEnv}
 */
function instrumented(sanitizer) {
  return {
    ...process.env,
    ...reports,
    CARGO_TARGET_DIR: join(folder, sanitizer),
    CARGO_PROFILE_DEV_DEBUG: 'line-tables-only',
    RUSTFLAGS: `-Zsanitizer=${sanitizer} -Cforce-frame-pointers=yes`,
    // The stable compiler has the sanitizer, but its flag is unstable.
    RUSTC_BOOTSTRAP: '1',
  }
}

const overflow =
  'fn main() { let v = vec![1u8; 4]; print!("{}", unsafe { *std::hint::black_box(v.as_ptr()).add(4) }) }'
const leak = 'fn main() { for _ in 0..9 { std::hint::black_box(Box::leak(Box::new([1u8; 99]))); } }'

/**
 * Checks that the sanitizer detects a deliberate fault.
 *
 * @param {string} sanitizer
 * @param {string} report
 * @param {string} program
 */
function assertDetects(sanitizer, report, program) {
  const [source, binary] = [join(folder, 'fault.rs'), join(folder, 'fault')]
  writeFileSync(source, program)
  const flags = [`-Zsanitizer=${sanitizer}`, '--edition=2024', '-Cdebuginfo=0', '-o', binary, source]
  const env = { ...process.env, RUSTC_BOOTSTRAP: '1' }
  const compiled = spawnSync('rustc', flags, { cwd: root, env, encoding: 'utf8' })
  if (compiled.status !== 0) throw new CannotRun(`!!! NO ${sanitizer} SANITIZER HERE:\n${compiled.stderr}`)
  const { output } = probe(binary, [])
  if (!output.includes(report))
    throw new CannotRun(`!!! THE SANITIZER DOES NOT DETECT a ${report} here:\n${output}`)
}

/**
 * The sanitizer's runtime as a library for LD_PRELOAD. Rust has it only as an archive that is linked into programs, and Node.js is not
 * built here.
 */
function preloadable() {
  const { output: sysroot } = probe('rustc', ['--print', 'sysroot'])
  const archives = ['stable', 'beta', 'nightly'].map(channel =>
    join(sysroot, 'lib/rustlib', host, `lib/librustc-${channel}_rt.asan.a`),
  )
  const archive = archives.find(existsSync)
  if (!archive) throw new CannotRun('!!! NO ADDRESS SANITIZER: it does not come with this compiler.')
  // Not named libasan: the runtime would take it for a second copy of itself.
  const [copy, library] = [join(folder, 'asan.a'), join(folder, 'preloaded.so')]
  copyFileSync(archive, copy)
  // Code that runs before main is allowed in programs only.
  const all = ['-Wl,--whole-archive', copy, '-Wl,--no-whole-archive']
  for (const [command, args] of /** @type {[string, string[]][]} */ ([
    ['ar', ['d', copy, 'asan_preinit.cpp.o']],
    ['cc', ['-shared', '-o', library, ...all, '-lpthread', '-ldl', '-lrt', '-lm']],
  ])) {
    const { ok, output } = probe(command, args)
    if (!ok) throw new CannotRun(`!!! NO ADDRESS SANITIZER IN NODE.JS: ${command} failed:\n${output}`)
  }
  return library
}

function requireLinux() {
  if (!host.endsWith('linux-gnu'))
    throw new CannotRun(`!!! The sanitizers run on glibc Linux here, not on ${host}.`)
}

main(import.meta.url, sanitize)
