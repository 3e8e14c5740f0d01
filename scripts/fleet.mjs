// What examples/bullmq needs to run here: its packages by its own lockfile, this checkout under the package's name, and Redis.
import { existsSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { build } from './build.mjs'
import { main, probe, root } from './run.mjs'
import { installDebian, installLocked, setup } from './setup.mjs'

const folder = join(root, 'examples', 'bullmq')

export async function prepareFleet() {
  if (!probe('redis-server', ['--version']).ok) {
    await installDebian('The fleet example needs Redis.', ['redis-server'])
  }
  await installLocked(folder)
  const link = join(folder, 'node_modules', 'turnstile-solver')
  if (existsSync(link)) return
  rmSync(link, { force: true })
  symlinkSync(root, link, 'junction')
}

main(import.meta.url, async () => {
  await setup()
  await build()
  await prepareFleet()
  console.log('All there. To watch a fleet being killed: node examples/bullmq/run.mjs')
})
