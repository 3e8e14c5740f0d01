/** The worker processes of a run. One that is killed is replaced; one that ends by itself ends the run. */

import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const script = fileURLToPath(new URL('worker.mjs', import.meta.url))

export function createCrew() {
  /** @type {Set<import('node:child_process').ChildProcess>} */
  const living = new Set()
  const standing = () => [...living].filter(child => !child.killed)
  let kills = 0
  let closed = false
  /** @type {(error: Error) => void} */
  let fail
  /** @type {Promise<never>} */
  const broken = new Promise((_, reject) => {
    fail = reject
  })
  broken.catch(() => {})

  function start() {
    const child = spawn(process.execPath, [script], { stdio: ['ignore', 'ignore', 'inherit'] })
    living.add(child)
    child.once('close', (code, signal) => {
      living.delete(child)
      if (closed) return
      if (child.killed) start()
      else fail(new Error(`A worker ended by itself: ${signal ?? `exit code ${code}`}.`))
    })
  }

  /** @param {import('node:child_process').ChildProcess} child */
  function kill(child) {
    kills++
    child.kill('SIGKILL')
  }

  return {
    start,
    /** Rejects when a worker ends that nobody killed. */
    broken,
    kills: () => kills,
    /** One of those alive, by a number from 0 to 1; false where there is none. @param {number} chance */
    killOne(chance) {
      const there = standing()
      if (there.length === 0) return false
      kill(there[Math.floor(chance * there.length)])
      return true
    },
    killAll: () => standing().forEach(kill),
    /** Stops all there are, puts as many new ones beside them, and answers with what lets the stopped ones go on. */
    freeze() {
      const frozen = standing()
      const signal = (/** @type {NodeJS.Signals} */ name) => {
        // Not `child.kill`, after which a child counts as killed.
        for (const { pid } of frozen) if (pid) process.kill(pid, name)
      }
      signal('SIGSTOP')
      for (const _ of frozen) start()
      return () => signal('SIGCONT')
    },
    close() {
      closed = true
      for (const child of living) child.kill('SIGKILL')
    },
  }
}

/** @typedef {ReturnType<typeof createCrew>} Crew */
