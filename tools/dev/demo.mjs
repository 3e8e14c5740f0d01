import { build } from './build.mjs'
import { main, run } from './run.mjs'
import { setup } from './setup.mjs'

main(import.meta.url, async () => {
  await setup()
  await build()
  // Ctrl-C reaches the demo itself; this process waits for the end of its output.
  process.on('SIGINT', () => {})
  await run(process.execPath, ['lib/cli/turnstile-solver.mjs', 'demo', ...process.argv.slice(2)])
})
