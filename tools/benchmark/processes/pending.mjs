/** More and more solves that wait, and what this process then holds. */

import { setTimeout as sleep } from 'node:timers/promises'
import { serveParent } from './parent.mjs'

/** @type {import('../lib/clients.mjs').Solve} */
let solve
let started = 0

serveParent({
  async connect({ module, setting }) {
    const { default: connect } = await import(`../clients/${module}.mjs`)
    solve = connect(setting)
  },

  grow({ to }) {
    for (; started < to; started++) solve().catch(() => {})
  },

  /** What is left when all that can be collected is. */
  async read() {
    for (let i = 0; i < 3; i++) {
      globalThis.gc?.()
      await sleep(50)
    }
    return process.memoryUsage().rss / 1024
  },
})
