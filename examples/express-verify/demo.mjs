// Signs in at the backend with a token from a sandbox. The token is valid once.

import { once } from 'node:events'
import { solveTurnstile } from 'turnstile-solver'
import { startSandbox } from 'turnstile-solver/sandbox'
import { createApp } from './app.mjs'

const sandbox = await startSandbox({ provider: 'ezcaptcha', solveTimeMs: 500 })
const { secret, siteverifyURL } = sandbox
const server = createApp({ secret, siteverifyURL, hostnames: ['shop.example'], action: 'login' }).listen(
  0,
  '127.0.0.1',
)
await once(server, 'listening')
const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())

/** @param {string} token */
async function signIn(token) {
  const body = new URLSearchParams({ username: 'Ada', 'cf-turnstile-response': token })
  const response = await fetch(`http://127.0.0.1:${port}/login`, { method: 'POST', body })
  console.log(response.status, await response.text())
}

const { token } = await solveTurnstile({
  ...sandbox.account,
  websiteURL: 'https://shop.example/login',
  websiteKey: '0x4AAAAAAAExampleSitekey',
  action: 'login',
  pollIntervalMs: 1000,
})
await signIn(token)
await signIn(token)
await signIn('')

server.closeAllConnections()
server.close()
await sandbox.close()
