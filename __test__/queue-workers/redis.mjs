/** Starts a Redis on a free port of loopback, with a temporary folder. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

export async function startRedis() {
  const folder = mkdtempSync(join(tmpdir(), 'turnstile-solver-redis-'))
  const remove = () => rmSync(folder, { recursive: true, force: true })
  // Redis does not accept port 0. Another process may take the free port before Redis does; then another port is tried.
  for (let tries = 0; tries < 5; tries++) {
    const port = await freePort()
    let child = await launch(port, folder).catch(error => {
      remove()
      throw error
    })
    if (!child) continue
    return {
      port,
      /** Ends Redis with SIGTERM, as a shutdown of the machine does, and starts it again with the same data. */
      async restart() {
        await end(child, 'SIGTERM')
        child = await launch(port, folder)
        if (!child) throw new Error('redis-server does not start again.')
      },
      async close() {
        await end(child, 'SIGKILL')
        remove()
      },
    }
  }
  remove()
  throw new Error('redis-server does not start.')
}

/**
 * Resolves with the process when it accepts connections, or with nothing if it ended instead.
 *
 * @param {number} port
 * @param {string} folder
 * @returns {Promise<import('node:child_process').ChildProcess | undefined>}
 */
function launch(port, folder) {
  const args = ['--port', port, '--bind', '127.0.0.1', '--dir', folder, '--save', '', '--appendonly', 'yes']
  const child = spawn('redis-server', args.map(String), { stdio: ['ignore', 'pipe', 'inherit'] })
  // Unless it is killed, this process leaves no Redis behind.
  const kill = () => child.kill('SIGKILL')
  process.once('exit', kill)
  child.once('exit', () => process.off('exit', kill))
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', () => resolve(undefined))
    createInterface(child.stdout).on('line', line => {
      if (line.includes('Ready to accept connections')) resolve(child)
    })
  })
}

/**
 * @param {import('node:child_process').ChildProcess | undefined} child
 * @param {NodeJS.Signals} signal
 */
async function end(child, signal) {
  if (!child || child.exitCode !== null || child.signalCode !== null) return
  child.kill(signal)
  await once(child, 'exit')
}

/** @returns {Promise<number>} */
function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
      server.close(() => resolve(port))
    })
  })
}
