/** The worker processes of a run. One that is killed is replaced; one that ends by itself ends the run. */

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
    /** Rejects when a worker ends that was not killed. */
    failed,
    kills: () => kills,
    /** Kills the worker that a number from 0 to 1 chooses; false where none is running. @param {number} chance */
    killOne(chance) {
      const workers = notKilled()
      if (workers.length === 0) return false
      kill(workers[Math.floor(chance * workers.length)])
      return true
    },
    killAll: () => notKilled().forEach(kill),
    /** Stops all workers with SIGSTOP and starts as many others; returns a function that continues the stopped ones. */
    freeze() {
      const frozen = notKilled()
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
      for (const child of running) child.kill('SIGKILL')
    },
  }
}

/** @typedef {ReturnType<typeof createWorkerPool>} WorkerPool */
