// Fuzzing with libFuzzer and the stable compiler: `node tools/fuzz/run.mjs` is the short seeded run of every target.
//
//   node tools/fuzz/run.mjs [target ...] [--runs N | --seconds N] [--seed S] [--address]
//   node tools/fuzz/run.mjs <target> --repeat <file>
//
// With --runs, or neither, each run starts from the same seeds, so it is the same run. With --seconds the corpus in tools/fuzz/corpus
// is kept and grows. --address adds AddressSanitizer.
import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { main, probe, root, run, UserError } from '../dev/run.mjs'
import { installDebian } from '../dev/setup.mjs'

/** The number of executions of each target by default: a few seconds. */
const defaultRuns = { exchange: 8_000, options: 120_000, reply: 100_000, scrub: 20_000, waits: 20_000 }

/** @typedef {keyof typeof defaultRuns} Target */
/** @typedef {{ name: string, status: number, body: string }} Fixture */

/**
 * What libFuzzer needs of the compiler: counters on every edge, and the operands of comparisons. The stable compiler has all these flags.
 */
const coverage = [
  '-Cpasses=sancov-module',
  '-Cllvm-args=-sanitizer-coverage-level=4',
  '-Cllvm-args=-sanitizer-coverage-inline-8bit-counters',
  '-Cllvm-args=-sanitizer-coverage-pc-table',
  '-Cllvm-args=-sanitizer-coverage-trace-compares',
]
/** Longer than every reply in the tests. */
const maxInputBytes = 4096
const maxMemoryMb = 1024
const maxRunSeconds = 10

async function fuzz() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      runs: { type: 'string' },
      seconds: { type: 'string' },
      seed: { type: 'string', default: '1' },
      address: { type: 'boolean', default: false },
      repeat: { type: 'string' },
    },
  })
  const targets = chosen(positionals)
  if (process.platform === 'win32') throw new UserError('The fuzz targets build on Linux and macOS only.')
  if (!probe('c++', ['--version']).ok) {
    await installDebian('libFuzzer is C++ and needs a compiler for it.', ['g++'])
  }
  const folder = await build(values.address)
  if (values.repeat !== undefined) {
    if (targets.length !== 1) throw new UserError('Name exactly one target for --repeat.')
    return run(join(folder, targets[0]), [values.repeat])
  }

  const lines = []
  const failed = []
  for (const target of targets) {
    console.log(`\n--- ${target}`)
    const bound = values.seconds
      ? `-max_total_time=${whole('seconds', values.seconds)}`
      : `-runs=${values.runs ? whole('runs', values.runs) : defaultRuns[target]}`
    const corpus = corpora(target, values.seconds !== undefined)
    const { code, summary } = await libFuzzer(join(folder, target), target, [
      `-seed=${whole('seed', values.seed)}`,
      bound,
      ...corpus,
    ])
    lines.push(`${target.padEnd(9)} ${summary}`)
    if (code !== 0) failed.push(target)
  }
  console.log(`\n${lines.join('\n')}`)
  if (failed.length > 0) {
    throw new UserError(
      `Failed: ${failed.join(', ')}. The inputs are in tools/fuzz/artifacts. To run one again:\n` +
        '  node tools/fuzz/run.mjs <target> --repeat <file>',
    )
  }
  console.log('\nNo target failed.')
}

/**
 * @param {string[]} names
 * @returns {Target[]}
 */
function chosen(names) {
  const all = /** @type {Target[]} */ (Object.keys(defaultRuns))
  const unknown = names.filter(name => !Object.hasOwn(defaultRuns, name))
  if (unknown.length > 0) throw new UserError(`No such target: ${unknown}. There are: ${all.join(', ')}.`)
  return names.length > 0 ? all.filter(name => names.includes(name)) : all
}

/**
 * @param {string} name
 * @param {string} text
 */
function whole(name, text) {
  if (!/^[1-9]\d{0,8}$/.test(text))
    throw new UserError(`--${name} must be a whole number from 1, not ${text}.`)
  return Number(text)
}

/**
 * Builds the targets, and returns their folder.
 *
 * @param {boolean} address
 */
async function build(address) {
  const host = probe('rustc', ['-vV']).output.match(/^host: (.+)$/m)?.[1]
  if (!host) throw new UserError('rustc -vV names no host.')
  const folder = join(root, 'target', address ? 'fuzz-address' : 'fuzz')
  const env = {
    ...process.env,
    CARGO_TARGET_DIR: folder,
    RUSTFLAGS: [...coverage, ...(address ? ['-Zsanitizer=address'] : [])].join(' '),
    // The stable compiler has the sanitizer, but its flag is unstable.
    ...(address ? { RUSTC_BOOTSTRAP: '1' } : {}),
  }
  // With a target named, build scripts and macros are built without these flags.
  const flags = ['--package', 'turnstile-solver-fuzz', '--profile', 'fuzz', '--locked', '--target', host]
  await run('cargo', ['build', ...flags], { env })
  return join(folder, host, 'fuzz')
}

/**
 * The folders of inputs. libFuzzer adds new ones to the first.
 *
 * @param {Target} target
 * @param {boolean} keep
 */
function corpora(target, keep) {
  const work = join(root, 'target', 'fuzz', 'inputs', target)
  rmSync(work, { recursive: true, force: true })
  const [seeds, found] = [
    join(work, 'seeds'),
    keep ? join(root, 'tools', 'fuzz', 'corpus', target) : join(work, 'found'),
  ]
  for (const folder of [seeds, found, artifacts(target)]) mkdirSync(folder, { recursive: true })
  const fixtures = replies()
  if (target === 'reply' || target === 'exchange') {
    for (const [nth, fixture] of fixtures.entries()) {
      writeFileSync(
        join(seeds, String(nth).padStart(3, '0')),
        target === 'reply' ? reply(fixture) : exchange(fixture, nth),
      )
    }
  }
  // A body that is longer than the limit.
  if (target === 'exchange')
    writeFileSync(join(seeds, 'long'), Buffer.from('\xffHTTP/1.1 200 OK\r\n\r\n', 'latin1'))
  writeFileSync(join(work, 'words'), dictionary(fixtures))
  return [found, seeds, `-dict=${join(work, 'words')}`]
}

/** @param {Target} target */
const artifacts = target => join(root, 'tools', 'fuzz', 'artifacts', target)

/** @returns {Fixture[]} */
function replies() {
  return JSON.parse(readFileSync(join(root, '__test__/fixtures/wire/replies.json'), 'utf8'))
}

/**
 * The format of the target `reply`: the status above 100 in two bytes, then the body.
 *
 * @param {Fixture} fixture
 */
function reply({ status, body }) {
  return Buffer.concat([Buffer.from([(status - 100) & 255, (status - 100) >> 8]), Buffer.from(body)])
}

/**
 * The format of the target `exchange`: a byte that selects an oversized body, then the reply with its head.
 *
 * @param {Fixture} fixture
 * @param {number} nth
 */
function exchange({ status, body }, nth) {
  const fields = [
    '',
    'Retry-After: 7\r\n',
    'Retry-After: Sun, 06 Nov 2094 08:49:37 GMT\r\n',
    'Location: /getBalance\r\n',
    'Transfer-Encoding: chunked\r\n',
  ]
  const field = fields[nth % fields.length]
  const length = Buffer.byteLength(body)
  const framed = field.startsWith('Transfer')
    ? `${field}\r\n${length.toString(16)}\r\n${body}\r\n0\r\n\r\n`
    : `${field}Content-Length: ${length}\r\n\r\n${body}`
  return `\0HTTP/1.1 ${status} OK\r\nContent-Type: application/json\r\n${framed}`
}

/**
 * The words of the protocol, in libFuzzer's format.
 *
 * @param {Fixture[]} fixtures
 */
function dictionary(fixtures) {
  const words = new Set(fixtures.flatMap(({ body }) => body.match(/"?[A-Za-z_]{4,40}"?/g) ?? []))
  for (const field of ['Retry-After: ', 'Transfer-Encoding: chunked', 'Content-Length: ', 'Location: '])
    words.add(field)
  return [...words].map(word => `"${word.replaceAll('"', '\\"')}"\n`).join('')
}

/**
 * Runs a target and prints its output without the lines about new inputs.
 *
 * @param {string} binary
 * @param {Target} target
 * @param {string[]} args
 * @returns {Promise<{ code: number | null, summary: string }>}
 */
function libFuzzer(binary, target, args) {
  const flags = [
    `-max_len=${maxInputBytes}`,
    `-timeout=${maxRunSeconds}`,
    `-rss_limit_mb=${maxMemoryMb}`,
    `-artifact_prefix=${artifacts(target)}/`,
    '-print_final_stats=1',
    ...args,
  ]
  return new Promise((resolve, reject) => {
    const child = spawn(binary, flags, { cwd: root, stdio: ['ignore', 'inherit', 'pipe'] })
    let [rest, cov, corpus, runs, memory] = ['', '0', '0', '0', '0']
    child.stderr.setEncoding('utf8').on('data', text => {
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) {
        ;[, cov, corpus] = line.match(/cov: (\d+) .*corp: (\d+)/) ?? ['', cov, corpus]
        runs = line.match(/number_of_executed_units: +(\d+)/)?.[1] ?? runs
        memory = line.match(/peak_rss_mb: +(\d+)/)?.[1] ?? memory
        if (!/^(#\d+\s|INFO|"|stat::|###|\tNEW_FUNC)/.test(line)) console.log(line)
      }
    })
    child.on('error', reject)
    child.on('close', code => {
      const summary = `${runs} executions, ${cov} edges, ${corpus} inputs kept, ${memory} MB at most`
      resolve({ code, summary: `${summary}${code === 0 ? '' : ', FAILED'}` })
    })
  })
}

main(import.meta.url, fuzz)
