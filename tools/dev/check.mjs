// Formatting, lints and types. `--fix` mends what a tool can mend.
import { Failure, main, run, tool } from './run.mjs'
import { setup } from './setup.mjs'

main(import.meta.url, async () => {
  await setup()
  const fix = process.argv.includes('--fix')
  const biome = [tool('@biomejs/biome', 'biome'), 'check', '--error-on-warnings', ...(fix ? ['--write'] : [])]
  /** @type {[name: string, command: string, args: string[]][]} */
  const checks = [
    ...[
      'Cargo.toml',
      'tools/fuzz/Cargo.toml',
      'tools/fuzz/core/Cargo.toml',
      'tools/benchmark/bare/Cargo.toml',
    ].map(manifest => rustFormatting(manifest, fix)),
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
  if (failed.length > 0) throw new Failure(`Not in order: ${failed.join(', ')}.`)
  console.log('\nAll in order.')
})

/**
 * @param {string} manifest
 * @param {boolean} fix
 * @returns {[name: string, command: string, args: string[]]}
 */
function rustFormatting(manifest, fix) {
  const args = ['fmt', '--manifest-path', manifest, ...(fix ? [] : ['--check'])]
  return [`Rust formatting, ${manifest}`, 'cargo', args]
}
