/** Runs command lines one after another in one process, which is faster than one process for each, and records their output. */

import { run } from '../../lib/cli/run.mjs'

/** @type {{ args: string[], env?: Record<string, string> }[]} */
const list = JSON.parse(process.argv[2])
const initialEnv = { ...process.env }
const results = []
for (const { args, env } of list) {
  for (const name of Object.keys(process.env)) delete process.env[name]
  Object.assign(process.env, initialEnv, env)
  const output = { stdout: '', stderr: '' }
  for (const name of /** @type {const} */ (['stdout', 'stderr'])) {
    // Each run adds its own listeners.
    process[name].removeAllListeners('error')
    process[name].write = (/** @type {any} */ text, /** @type {any} */ done) => {
      output[name] += text
      if (typeof done === 'function') setImmediate(done)
      return true
    }
  }
  results.push({ code: await run(args), signal: null, ...output })
}
process.send?.(results, () => process.disconnect())
