import { Failure } from '../dev/run.mjs'
import { forget, results } from './results.mjs'
import { text } from './table.mjs'

/**
 * Does the work for each target, also where another one's has failed; then shows what is known of them and throws if any failed.
 *
 * @param {import('./targets.mjs').Target[]} targets
 * @param {(target: import('./targets.mjs').Target) => Promise<void>} work
 */
export async function each(targets, work) {
  /** @type {string[]} */
  const failed = []
  for (const target of targets) {
    console.log(`\n--- ${target.name}`)
    await work(target).catch(error => {
      if (!(error instanceof Failure)) throw error
      console.error(`\n${error.message}`)
      forget(target.name)
      failed.push(target.name)
    })
  }
  console.log(`\n${text(targets, results())}`)
  if (failed.length > 0) throw new Failure(`Not as it has to be: ${failed.join(', ')}.`)
}
