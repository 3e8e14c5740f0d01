// Tests the packages of a release on their platform: `node tools/release/test.mjs <folder> <target> [--digest <sha256>] [--suite]`. Needs only Node.js and npm,
// and no network. With --suite, the tests in JavaScript run with that binary too.
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { smokeTest } from '../cross-build/smoke-test.mjs'
import { binaryName, named, packageName } from '../cross-build/targets.mjs'
import { main, probe, root, run, UserError } from '../dev/run.mjs'
import { checked } from './checksums.mjs'
import { npm } from './npm.mjs'

/** Loads the package with import and with require, and prints the path of the binary. */
const consumer = `
import { createRequire } from 'node:module'
import { isTurnstileError, solveTurnstile } from 'turnstile-solver'
import { startSandbox } from 'turnstile-solver/sandbox'
const required = createRequire(import.meta.url)('turnstile-solver')
if (required.solveTurnstile !== solveTurnstile) throw new Error('two copies')
const sandbox = await startSandbox({ provider: 'yescaptcha', solveTimeMs: 0 })
const widget = { websiteURL: 'https://shop.example/login', websiteKey: '0x4AAAAAAAExampleSitekey' }
const { token } = await solveTurnstile({ ...sandbox.account, ...widget, pollIntervalMs: 1000 })
const error = await solveTurnstile({}).catch(error => error)
if (!token || !isTurnstileError(error) || error.code !== 'INVALID_OPTIONS') throw new Error('wrong error')
await sandbox.close()
process.report.excludeNetwork = true
console.log(JSON.stringify(process.report.getReport().sharedObjects.filter(path => path.endsWith('.node'))))
`

/** @param {string} folder @param {import('../cross-build/targets.mjs').Target} target @param {{ suite?: boolean, digest?: string }} options */
async function testPackages(folder, target, { suite, digest }) {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const wanted = [packageName(target), 'turnstile-solver'].map(name => `${name}-${version}.tgz`)
  const present = checked(folder, digest)
  const missing = wanted.filter(name => !present.includes(name))
  if (missing.length > 0) throw new UserError(`${folder} does not contain ${missing.join(', ')}.`)

  const project = realpathSync.native(mkdtempSync(join(tmpdir(), 'project-')))
  try {
    writeFileSync(join(project, 'package.json'), '{ "private": true }')
    const flags = [
      '--offline',
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      '--loglevel=error',
      '--prefix',
      project,
    ]
    const { ok, output } = await npm(['install', ...flags, ...wanted.map(name => join(folder, name))])
    if (!ok) throw new UserError(`npm install:\n${output}`)
    const binary = join(project, 'node_modules', packageName(target), binaryName(target))
    console.log(`Installed by npm from files: ${wanted.join(', ')}.`)

    writeFileSync(join(project, 'consumer.mjs'), consumer)
    const answer = probe(process.execPath, [join(project, 'consumer.mjs')])
    if (!answer.ok) throw new UserError(`The consumer of the packages failed:\n${answer.output}`)
    const loaded = JSON.parse(answer.output)
    if (loaded.length !== 1 || realpathSync.native(loaded[0]) !== binary)
      throw new UserError(`It loaded ${loaded}, not ${binary}.`)
    console.log('Imported and required in a new project, it solves with this binary.')

    await run(process.execPath, [
      join(project, 'node_modules', 'turnstile-solver', 'lib', 'cli', 'turnstile-solver.mjs'),
      'demo',
    ])
    const { passed } = await smokeTest(binary, { through: '', command: [process.execPath] })
    console.log(`The binary ${passed.join('; ')}.`)
    if (suite) await runSuite(binary)
  } finally {
    rmSync(project, { recursive: true })
  }
}

/** Runs the tests of the package, not those of the tools. @param {string} binary */
async function runSuite(binary) {
  const built = readdirSync(root).filter(name => name.endsWith('.node'))
  if (built.length > 0)
    throw new UserError(`The tests would run on ${built}, which was built here. Use a fresh clone.`)
  copyFileSync(binary, join(root, binary.replace(/.*[\\/]/, '')))
  const files = readdirSync(join(root, '__test__'))
    .filter(name => name.endsWith('.test.mjs'))
    .map(name => `__test__/${name}`)
    .filter(path => !/from '\.\.\/tools\//.test(readFileSync(join(root, path), 'utf8')))
  await run(process.execPath, ['--test', '--test-reporter=spec', '--test-timeout=120000', ...files])
}

main(import.meta.url, async () => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { suite: { type: 'boolean' }, digest: { type: 'string' } },
  })
  const [folder, name] = positionals
  if (positionals.length !== 2 || !existsSync(folder)) {
    throw new UserError('Name the folder and the target: node tools/release/test.mjs <folder> linux-x64-gnu')
  }
  await testPackages(resolve(folder), named([name])[0], values)
})
