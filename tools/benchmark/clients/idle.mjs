/** Solves nothing for two poll intervals: what the harness itself costs. */

import { setTimeout as sleep } from 'node:timers/promises'

/** @type {import('../lib/clients.mjs').Connect} */
export default function connect({ pollMs }) {
  return async () => {
    await sleep(2 * pollMs)
    return ''
  }
}
