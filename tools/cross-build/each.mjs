import { UserError } from '../dev/run.mjs'
import { discard, results } from './results.mjs'
import { text } from './table.mjs'

/**
 * Does the work for each target, even after another one failed. Then prints the results, and throws if any failed.
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
      if (!(error instanceof UserError)) throw error
      console.error(`\n${error.message}`)
      discard(target.name)
      failed.push(target.name)
    })
  }
  console.log(`\n${text(targets, results())}`)
  if (failed.length > 0) throw new UserError(`Failed: ${failed.join(', ')}.`)
}
