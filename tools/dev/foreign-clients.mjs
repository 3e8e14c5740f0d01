// Clients of other authors for the suite `foreign`, installed into a folder of their own from pinned versions and hashes.
import { createHash } from 'node:crypto'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { probe, root, run, UserError } from './run.mjs'
import { installLocked } from './setup.mjs'

/** What the pinned versions support. */
const pythonVersions = ['3.12', '3.13', '3.14']

const source = join(root, '__test__', 'foreign')
const folder = join(root, '.tools', 'foreign')

/** Installs the clients, unless that is done. Returns their folder and the Python that runs those of PyPI. */
export async function prepareForeignClients() {
  const python = findPython()
  mkdirSync(folder, { recursive: true })
  await installFromNpm()
  await installFromPyPI(python)
  return { folder, python: python.command, pythonPath: join(folder, 'python') }
}

/** npm would install packages of the repository beside them, so that the manifest is copied. */
async function installFromNpm() {
  for (const name of ['package.json', 'package-lock.json', '.npmrc']) {
    const [from, to] = [join(source, name), join(folder, name)]
    if (!existsSync(to) || !readFileSync(from).equals(readFileSync(to))) copyFileSync(from, to)
  }
  await installLocked(folder)
}

/** @param {{ command: string, version: string }} python */
async function installFromPyPI({ command, version }) {
  const requirements = join(source, 'requirements.txt')
  const target = join(folder, 'python')
  const stamp = join(target, '.installed')
  const wanted = `${version} ${createHash('sha256').update(readFileSync(requirements)).digest('hex')}`
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return
  rmSync(target, { recursive: true, force: true })
  const options = [
    '--quiet',
    '--disable-pip-version-check',
    '--root-user-action=ignore',
    '--only-binary=:all:',
    '--require-hashes',
  ]
  await run(command, ['-m', 'pip', 'install', ...options, '--target', target, '--requirement', requirements])
  writeFileSync(stamp, wanted)
}

/** @returns {{ command: string, version: string }} */
function findPython() {
  const print = 'import sys; print("%d.%d" % sys.version_info[:2])'
  const named = ['python3', 'python', ...pythonVersions.map(version => `python${version}`)]
  for (const command of [...named, ...pyenvPythons()]) {
    const { ok, output } = probe(command, ['-c', print])
    if (ok && pythonVersions.includes(output)) return { command, version: output }
  }
  throw new UserError(
    `The clients of other authors need Python ${pythonVersions.join(', ')} with pip; none was found.`,
  )
}

/** The versions that pyenv has installed: its command `python3` runs only the selected one. */
function pyenvPythons() {
  const { ok, output } = probe('pyenv', ['root'])
  const versions = join(output, 'versions')
  if (!ok || !existsSync(versions)) return []
  return readdirSync(versions).map(version => join(versions, version, 'bin', 'python3'))
}
