// The shells that the completions are tested in, and the pseudo-terminal that they run on.
import { Failure, main, probe } from './run.mjs'
import { installDebian, setup } from './setup.mjs'

/** By command: Debian's package. */
const packages = { bash: 'bash', zsh: 'zsh', fish: 'fish', script: 'bsdutils' }

/** Puts there what is missing, or says what is. */
export async function prepareShells() {
  if (process.platform === 'win32') throw new Failure('bash, zsh and fish are tested on Unix only.')
  const missing = () => Object.entries(packages).filter(([command]) => !probe(command, ['--version']).ok)
  if (missing().length === 0) return
  const names = missing().map(([, name]) => name)
  await installDebian('The completions are tested in bash, zsh and fish.', names)
  if (missing().length > 0) throw new Failure(`Not there after all: ${missing().map(([name]) => name)}.`)
}

main(import.meta.url, async () => {
  await setup()
  await prepareShells()
})
