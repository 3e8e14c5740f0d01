// Starts the backend: see README.md.

import { createApp } from './app.mjs'

const { TURNSTILE_SECRET, TURNSTILE_HOSTNAMES = 'localhost', TURNSTILE_ACTION, SITEVERIFY_URL } = process.env
const { PORT = '3000', HOST = '127.0.0.1' } = process.env
if (!TURNSTILE_SECRET) {
  console.error('TURNSTILE_SECRET is missing.')
  process.exit(2)
}

const app = createApp({
  secret: TURNSTILE_SECRET,
  hostnames: TURNSTILE_HOSTNAMES.split(','),
  action: TURNSTILE_ACTION,
  siteverifyURL: SITEVERIFY_URL,
})
const server = app.listen(Number(PORT), HOST, error => {
  if (error) throw error
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  console.log(`http://${HOST}:${port}/login`)
})
