// Wine for Node.js: its own prefix in .tools/ that reports Windows 10, with the library that is missing.
import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { probe, run, UserError } from '../dev/run.mjs'
import { installDebian } from '../dev/setup.mjs'
import { folder, tools, zig } from './toolchain.mjs'

/**
 * @param {string} program
 * @returns {Promise<import('./runtimes.mjs').Runtime>}
 */
export async function wine(program) {
  if (!probe('wine', ['--version']).ok) {
    await installDebian('Node.js for Windows runs in Wine.', ['wine', 'wine64'])
  }
  const prefix = join(tools, 'wine')
  const env = {
    ...process.env,
    WINEPREFIX: prefix,
    WINEDEBUG: '-all',
    WINEARCH: 'win64',
    // Otherwise Wine offers to download them.
    WINEDLLOVERRIDES: 'mscoree,mshtml=',
  }
  if (!existsSync(join(prefix, 'complete'))) await makePrefix(prefix, env)
  return { through: 'Wine', command: ['wine', program], env, path: path => `Z:${path.replaceAll('/', '\\')}` }
}

/**
 * @param {string} prefix
 * @param {NodeJS.ProcessEnv} env
 */
async function makePrefix(prefix, env) {
  rmSync(prefix, { recursive: true, force: true })
  folder('wine')
  console.log('Setting up Wine in .tools/.')
  runWine(['wineboot', '-i'], env)
  runWine(['reg', 'add', 'HKCU\\Software\\Wine', '/v', 'Version', '/d', 'win10', '/f'], env)
  const library = join(prefix, 'drive_c', 'windows', 'system32', 'bcryptprimitives.dll')
  if (!existsSync(library)) {
    const source = fileURLToPath(new URL('bcryptprimitives.c', import.meta.url))
    const built = join(folder('shim'), 'bcryptprimitives.dll')
    const args = ['cc', '-target', 'x86_64-windows-gnu', '-shared', '-o', built, source, '-ladvapi32']
    const env = { ...process.env, ZIG_GLOBAL_CACHE_DIR: folder('zig'), ZIG_LOCAL_CACHE_DIR: folder('zig') }
    await run(await zig(), args, { env })
    copyFileSync(built, library)
  }
  writeFileSync(join(prefix, 'complete'), '')
}

/**
 * Hides Wine's messages about displays and sound.
 *
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} env
 */
function runWine(args, env) {
  const { status, error, stderr } = spawnSync('wine', args, { env, encoding: 'utf8', timeout: 180_000 })
  if (status !== 0) throw new UserError(`wine ${args[0]} failed: ${error?.message ?? stderr}`)
}
