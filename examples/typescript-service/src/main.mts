// Starts the service: see README.md.

import type { AddressInfo } from 'node:net'
import { readAccounts } from './accounts.mjs'
import { Pool } from './pool.mjs'
import { createService } from './server.mjs'

const {
  ACCOUNTS_FILE = 'accounts.json',
  HOST = '127.0.0.1',
  PORT = '3000',
  SECRET = '',
  HOSTS = '',
} = process.env

const hosts = ['127.0.0.1', 'localhost', '[::1]', ...HOSTS.toLowerCase().split(',').filter(Boolean)]
const service = createService(new Pool(readAccounts(ACCOUNTS_FILE)), { secret: SECRET, hosts })
service.listen(Number(PORT), HOST, () => {
  console.log(`http://${HOST}:${(service.address() as AddressInfo).port}/tokens`)
})
// Solves in progress are paid for, so they finish first.
process.once('SIGTERM', () => service.close())
