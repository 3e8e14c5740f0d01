/** Ours, with its defaults. */

import { createRequire } from 'node:module'

const { createTask, getTaskResult, solveTurnstile } = createRequire(import.meta.url)('../../../index.js')

/** @type {import('../lib/clients.mjs').Connect} */
export default function connect({ account, website, pollMs, timeoutMs }) {
  const { provider, clientKey, baseURL } = account
  const token = (/** @type {import('../../../index.js').Solution} */ solution) => solution.token
  return () =>
    solveTurnstile({ provider, clientKey, baseURL, ...website, pollIntervalMs: pollMs, timeoutMs }).then(
      token,
    )
}

/** A task and one poll of it, with nothing in between. @type {import('../lib/clients.mjs').Connect} */
export function connectPair({ account, website, timeoutMs }) {
  const { provider, clientKey, baseURL } = account
  const options = { provider, clientKey, baseURL, timeoutMs }
  return async () => {
    const { taskId } = await createTask({ ...options, ...website })
    const { solution } = await getTaskResult({ ...options, taskId })
    return solution.token
  }
}
