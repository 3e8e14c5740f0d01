/** The worker processes of a run. A killed worker is replaced; a worker that ends by itself ends the run with an error. */

import { spawn } from 'node:child_process'

/** @param {{ folder: string, env: NodeJS.ProcessEnv }} options where worker.mjs is, and its environment */
export function createWorkerPool({ folder, env }) {
  /** @type {Set<import('node:child_process').ChildProcess>} */
  const running = new Set()
  const notKilled = () => [...running].filter(child => !child.killed)
  let kills = 0
  let closed = false
  /** @type {(error: Error) => void} */
  let fail
  /** @type {Promise<never>} */
  const failed = new Promise((_, reject) => {
    fail = reject
  })
  failed.catch(() => {})

  function start() {
    const child = spawn(process.execPath, ['worker.mjs'], {
      cwd: folder,
      env,
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    running.add(child)
    child.once('close', (code, signal) => {
      running.delete(child)
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
    /** Rejects when a worker ends without having been killed. */
    failed,
    kills: () => kills,
    /** Kills the worker that a number from 0 to 1 selects; returns false if none is running. @param {number} random */
    killOne(random) {
      const workers = notKilled()
      if (workers.length === 0) return false
      kill(workers[Math.floor(random * workers.length)])
      return true
    },
    killAll: () => notKilled().forEach(kill),
    /** Stops all workers with SIGSTOP and starts as many others; returns a function that continues the stopped ones. */
    freeze() {
      const frozen = notKilled()
      const signal = (/** @type {NodeJS.Signals} */ name) => {
        // `child.kill` would mark the child as killed.
        for (const { pid } of frozen) if (pid) process.kill(pid, name)
      }
      signal('SIGSTOP')
      for (const _ of frozen) start()
      return () => signal('SIGCONT')
    },
    close() {
      closed = true
      for (const child of running) child.kill('SIGKILL')
    },
  }
}

/** @typedef {ReturnType<typeof createWorkerPool>} WorkerPool */
