// Formatting, lints and types. `--fix` fixes what a tool can fix.
import { main, run, tool, UserError } from './run.mjs'
import { setup } from './setup.mjs'

main(import.meta.url, async () => {
  await setup()
  const fix = process.argv.includes('--fix')
  const biome = [tool('@biomejs/biome', 'biome'), 'check', '--error-on-warnings', ...(fix ? ['--write'] : [])]
  /** @type {[name: string, command: string, args: string[]][]} */
  const checks = [
    ['Rust formatting', 'cargo', ['fmt', '--all', ...(fix ? [] : ['--check'])]],
    ['Rust lints', 'cargo', ['clippy', '--all-targets', '--', '-D', 'warnings']],
    ['JavaScript formatting and lints', process.execPath, biome],
    ['Types', process.execPath, [tool('typescript', 'tsc'), '-p', 'tsconfig.json']],
  ]
  /** @type {string[]} */
  const failed = []
  for (const [name, command, args] of checks) {
    console.log(`\n--- ${name}`)
    await run(command, args).catch(() => failed.push(name))
  }
  if (failed.length > 0) throw new UserError(`Not in order: ${failed.join(', ')}.`)
  console.log('\nAll in order.')
})
