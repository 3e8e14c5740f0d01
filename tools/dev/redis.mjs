import { probe } from './run.mjs'
import { installDebian } from './setup.mjs'

/** Redis, for the tests of examples/bullmq: installed if it is missing. */
export async function prepareRedis() {
  if (probe('redis-server', ['--version']).ok) return
  await installDebian('The tests of examples/bullmq need Redis.', ['redis-server'])
}
