// The package managers, each in a new project that uses only the registry of this run.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { capture } from '../../dev/child.mjs'
import { context, nodes, tool } from './context.mjs'

const { registry, work } = context()

/**
 * @typedef {object} Manager
 * @property {string} name
 * @property {string[]} command
 * @property {string[]} add
 * @property {string[]} [addWithoutOptional]
 * @property {string[]} frozen the arguments that install from the lockfile without changing it, as in CI
 * @property {string} lockfile
 * @property {string} [store] the folder with everything that was installed, if it is not node_modules
 * @property {boolean} [losesSystems] a lockfile that it renews from a Mac's node_modules lists the packages for the Mac only
 * @property {Record<string, string>} [files] of a project
 * @property {{ flags?: string[], file?: [name: string, text: string] }} [mac] how to install for another system
 * @property {string[]} [node] the command that runs a script of the project, if not Node.js
 */

const packageName = 'turnstile-solver'
const macArchitecture = 'supportedArchitectures:\n  os: [darwin]\n  cpu: [arm64]\n'

/** @type {Manager[]} */
export const managers = [
  { ...npm('npm 10', nodes.old, 'npm10'), losesSystems: true },
  npm('npm 11', nodes.old, 'npm11'),
  npm('npm 12', nodes.new, 'npm12'),
  pnpm('pnpm 10', [nodes.old, tool('pnpm10', 'bin', 'pnpm.cjs')]),
  pnpm('pnpm 12', [tool('pnpm12', 'pnpm')]),
  {
    name: 'Yarn 1',
    command: [nodes.old, tool('yarn1', 'bin', 'yarn.js'), '--no-progress'],
    add: ['add', packageName],
    addWithoutOptional: ['add', packageName, '--ignore-optional'],
    frozen: ['install', '--frozen-lockfile'],
    lockfile: 'yarn.lock',
    // It fails if several processes use one cache at the same time.
    files: { '.yarnrc': 'cache-folder "./.yarn/cache"\n' },
  },
  yarn('Yarn 4', 'node-modules'),
  {
    ...yarn('Yarn 4 with Plug’n’Play', 'pnp'),
    store: '.yarn/cache',
    node: [nodes.old, tool('yarn4', 'bin', 'yarn.js'), 'node'],
  },
  {
    name: 'Bun',
    command: [tool('bun', 'bin', 'bun')],
    add: ['add', packageName],
    addWithoutOptional: ['add', packageName, '--omit', 'optional'],
    frozen: ['install', '--frozen-lockfile'],
    lockfile: 'bun.lock',
    mac: { flags: ['--os', 'darwin', '--cpu', 'arm64'] },
    node: [tool('bun', 'bin', 'bun')],
  },
  {
    name: 'Deno',
    command: [tool('deno', 'deno')],
    add: ['add', '--minimum-dependency-age=0', `npm:${packageName}`],
    frozen: ['install', '--minimum-dependency-age=0', '--frozen'],
    lockfile: 'deno.lock',
    store: 'node_modules/.deno',
    node: [tool('deno', 'deno'), 'run', '-A'],
  },
]

/** For tests that do not depend on the package manager. */
export const usual = managers[1]

/**
 * @param {string} name
 * @param {string} node
 * @param {string} folder
 * @returns {Manager}
 */
function npm(name, node, folder) {
  return {
    name,
    command: [node, tool(folder, 'bin', 'npm-cli.js')],
    add: ['install', packageName],
    addWithoutOptional: ['install', packageName, '--omit=optional'],
    frozen: ['ci'],
    lockfile: 'package-lock.json',
    mac: { flags: ['--os=darwin', '--cpu=arm64'] },
  }
}

/**
 * @param {string} name
 * @param {string[]} command
 * @returns {Manager}
 */
function pnpm(name, command) {
  return {
    name,
    command,
    add: ['add', packageName],
    addWithoutOptional: ['add', packageName, '--no-optional'],
    frozen: ['install', '--frozen-lockfile'],
    lockfile: 'pnpm-lock.yaml',
    store: 'node_modules/.pnpm',
    mac: { file: ['pnpm-workspace.yaml', macArchitecture] },
  }
}

/**
 * @param {string} name
 * @param {string} nodeLinker
 * @returns {Manager}
 */
function yarn(name, nodeLinker) {
  const settings = `nodeLinker: ${nodeLinker}\npnpEnableEsmLoader: true\n`
  return {
    name,
    command: [nodes.old, tool('yarn4', 'bin', 'yarn.js')],
    add: ['add', packageName],
    frozen: ['install', '--immutable'],
    lockfile: 'yarn.lock',
    files: { '.yarnrc.yml': settings },
    mac: { file: ['.yarnrc.yml', `${settings}${macArchitecture}`] },
  }
}

/**
 * Their caches, and settings that they would otherwise take from the user. Some managers refuse versions that were published recently.
 */
const env = {
  PATH: `${join(nodes.old, '..')}:/usr/bin:/bin`,
  HOME: join(work, 'home'),
  npm_config_registry: registry,
  npm_config_cache: join(work, 'cache', 'npm'),
  npm_config_audit: 'false',
  npm_config_fund: 'false',
  npm_config_update_notifier: 'false',
  npm_config_minimum_release_age: '0',
  pnpm_config_minimum_release_age: '0',
  YARN_NPM_REGISTRY_SERVER: registry,
  YARN_UNSAFE_HTTP_WHITELIST: new URL(registry).hostname,
  YARN_NPM_MINIMAL_AGE_GATE: '0',
  YARN_ENABLE_TELEMETRY: '0',
  YARN_ENABLE_GLOBAL_CACHE: 'false',
  DENO_DIR: join(work, 'cache', 'deno'),
  NO_COLOR: '1',
  BUN_INSTALL_CACHE_DIR: join(work, 'cache', 'bun'),
  // In CI some of them do not change the lockfile.
  CI: undefined,
}

/**
 * @param {Manager} manager
 * @param {Record<string, string>} [files]
 */
export function project(manager, files = {}) {
  const folder = mkdtempSync(join(ready(join(work, 'projects')), `${manager.name.replaceAll(/\W/g, '')}-`))
  /** @param {Record<string, string>} more */
  const write = more => {
    for (const [name, text] of Object.entries(more)) writeFileSync(join(folder, name), text)
  }
  write({
    'package.json': '{ "name": "user", "private": true }\n',
    '.npmrc': `registry=${registry}\n`,
    ...manager.files,
    ...files,
  })
  /** @param {string[]} args */
  const install = async args => {
    const [command, ...first] = manager.command
    const { code, stdout, stderr } = await capture(command, [...first, ...args], { cwd: folder, env })
    if (code !== 0) throw new Error(`${manager.name}: ${args.join(' ')} failed:\n${stdout}${stderr}`)
  }
  return {
    folder,
    store: join(folder, manager.store ?? 'node_modules'),
    write,
    install,
    /** As on another machine, with only the manifest and the lockfile. @param {string[]} args */
    async renew(args) {
      for (const name of ['node_modules', '.yarn', '.pnp.cjs']) {
        rmSync(join(folder, name), { recursive: true, force: true })
      }
      await install(args)
    },
    /**
     * @param {string[]} args
     * @param {NodeJS.ProcessEnv} [more]
     */
    node(args, more = {}) {
      const [command, ...first] = manager.node ?? [nodes.old]
      return capture(command, [...first, ...args], { cwd: folder, env: { ...env, ...more } })
    },
  }
}

/** @typedef {ReturnType<typeof project>} Project */

/** @param {string} folder */
function ready(folder) {
  mkdirSync(folder, { recursive: true })
  return folder
}
