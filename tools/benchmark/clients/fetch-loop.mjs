/** What most people write: fetch, a loop, a sleep. HTTP/1.1 only: the fetch of Node.js does not offer HTTP/2. */

import { setTimeout as sleep } from 'node:timers/promises'

/** @type {import('../lib/clients.mjs').Connect} */
export default function connect({ account, website, pollMs }) {
  const { baseURL, clientKey } = account
  const call = async (/** @type {string} */ method, /** @type {object} */ fields) => {
    const response = await fetch(`${baseURL}/${method}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ clientKey, ...fields }),
    })
    const reply = /** @type {any} */ (await response.json())
    if (reply.errorId !== 0) throw new Error(reply.errorCode)
    return reply
  }

  return async () => {
    const { taskId } = await call('createTask', { task: { type: account.taskType, ...website } })
    for (;;) {
      await sleep(pollMs)
      const { status, solution } = await call('getTaskResult', { taskId })
      if (status === 'ready') return solution.token
    }
  }
}
