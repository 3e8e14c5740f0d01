// What examples/bullmq needs to run here: its packages by its own lockfile, this checkout under the package's name, and Redis.
import { existsSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { build } from './build.mjs'
import { main, probe, root, run } from './run.mjs'
import { installDebian, setup } from './setup.mjs'

const folder = join(root, 'examples', 'bullmq')

export async function prepareFleet() {
  if (!probe('redis-server', ['--version']).ok) {
    await installDebian('The fleet example needs Redis.', ['redis-server'])
  }
  await installPackages()
  const link = join(folder, 'node_modules', 'turnstile-solver')
  if (existsSync(link)) return
  rmSync(link, { force: true })
  symlinkSync(root, link, 'junction')
}

async function installPackages() {
  const installed = join(folder, 'node_modules', '.package-lock.json')
  const lock = join(folder, 'package-lock.json')
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(lock).mtimeMs) return
  const args = ['ci', '--prefix', folder, '--ignore-scripts', '--loglevel=error']
  const npm = process.env.npm_execpath
  if (npm) await run(process.execPath, [npm, ...args])
  else await run('npm', args)
}

main(import.meta.url, async () => {
  await setup()
  await build()
  await prepareFleet()
  console.log('All there. To watch a fleet being killed: node examples/bullmq/run.mjs')
})
