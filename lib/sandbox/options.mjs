/** The options of startSandbox, validated once. */

import { isIPv4 } from 'node:net'
import { providers } from './providers/index.mjs'

/** @typedef {import('./index.d.mts').SandboxOptions} SandboxOptions */

/**
 * @typedef {object} Options
 * @property {string} provider
 * @property {string} clientKey
 * @property {Record<string, number>} accounts
 * @property {(type: string) => number} price
 * @property {number | readonly [number, number] | ((task: any) => number)} solveTimeMs
 * @property {number} seed
 * @property {() => number} now
 * @property {readonly import('./index.d.mts').FaultRule[]} faults
 * @property {{ key: string | Buffer, cert: string | Buffer } | undefined} tls
 * @property {boolean} http2
 * @property {string} host
 * @property {readonly string[]} [allowedHosts]
 * @property {number} port
 * @property {boolean} dashboard
 * @property {string | undefined} createdStatus
 */

const DEFAULTS = {
  clientKey: 'sandbox-key-0123456789abcdef',
  balance: 10_000,
  solveTimeMs: /** @type {const} */ ([2000, 5000]),
}

const KNOWN = [
  ...['provider', 'clientKey', 'balance', 'accounts', 'price', 'solveTimeMs', 'seed', 'now', 'faults', 'tls'],
  ...['http2', 'port', 'host', 'allowedHosts', 'dashboard', 'createdStatus'],
]

/**
 * @param {unknown} condition
 * @param {string} message
 */
function demand(condition, message) {
  if (!condition) throw new TypeError(`startSandbox: ${message}`)
}

/** @param {unknown} value */
const isPoints = value => typeof value === 'number' && Number.isFinite(value) && value >= 0

/** @param {unknown} value */
const isHostName = value => typeof value === 'string' && /^[a-z0-9-]+(\.[a-z0-9-]+)*$/.test(value)

/** @param {unknown} value */
const isSolveTime = value => typeof value === 'number' && value >= 0

/** @param {unknown} value */
export function demandSolveTime(value) {
  if (Array.isArray(value)) {
    const [min, max] = value
    return demand(
      value.length === 2 && isSolveTime(min) && Number.isFinite(max) && min <= max,
      'solveTimeMs must be [min, max] in milliseconds, the shorter time first',
    )
  }
  demand(
    typeof value === 'function' || isSolveTime(value),
    'solveTimeMs must be milliseconds, [min, max] or a function',
  )
}

/** @param {string} host */
const isLoopback = host => host === '::1' || (isIPv4(host) && host.startsWith('127.'))

/**
 * @param {import('./providers/record.mjs').ProviderRecord} provider
 * @param {SandboxOptions['price']} price
 * @returns {(type: string) => number}
 */
function parsePrice(provider, price) {
  if (typeof price === 'number') {
    demand(isPoints(price), 'price must be points from 0')
    return () => price
  }
  demand(
    price === undefined || (typeof price === 'object' && price !== null),
    'price must be points, or points by task type',
  )
  const prices = new Map(Object.entries({ ...provider.prices, ...price }))
  for (const [type, points] of prices) demand(isPoints(points), `price.${type} must be points from 0`)
  return type => prices.get(type) ?? provider.otherPrice ?? 0
}

/**
 * @param {SandboxOptions} [given]
 * @returns {Options}
 */
export function parseOptions(given = {}) {
  demand(typeof given === 'object' && given !== null, 'options must be an object')
  for (const name of Object.keys(given))
    demand(KNOWN.includes(name), `unknown option '${name}', known are ${KNOWN.join(', ')}`)
  const {
    provider = 'yescaptcha',
    balance = DEFAULTS.balance,
    accounts,
    solveTimeMs = DEFAULTS.solveTimeMs,
    seed = 1,
    now = Date.now,
    faults = [],
    tls,
    http2 = true,
    port = 0,
    host: name = '127.0.0.1',
    allowedHosts = [],
    dashboard = false,
    createdStatus,
  } = given
  demand(Object.hasOwn(providers, provider), `provider must be one of ${Object.keys(providers).join(', ')}`)
  const clientKey = given.clientKey ?? (accounts && Object.keys(accounts)[0]) ?? DEFAULTS.clientKey
  demand(typeof clientKey === 'string' && clientKey !== '', 'clientKey must be a non-empty string')
  const ledger = accounts ? { [clientKey]: balance, ...accounts } : { [clientKey]: balance }
  for (const points of Object.values(ledger)) demand(isPoints(points), 'a balance must be points from 0')
  demandSolveTime(solveTimeMs)
  demand(Number.isSafeInteger(seed), 'seed must be a whole number')
  demand(typeof now === 'function', 'now must be a function')
  demand(Array.isArray(faults), 'faults must be an array of rules')
  demand(tls === undefined || (tls?.key && tls.cert), 'tls needs key and cert')
  demand(typeof dashboard === 'boolean', 'dashboard must be a boolean')
  demand(
    createdStatus === undefined || (provider === 'custom' && typeof createdStatus === 'string'),
    "createdStatus must be a string, and provider 'custom'",
  )
  demand(typeof http2 === 'boolean', 'http2 must be a boolean')
  demand(Number.isInteger(port) && port >= 0 && port <= 65535, 'port must be from 0 to 65535')
  // A name could resolve to another machine.
  const host = typeof name === 'string' && name.toLowerCase() === 'localhost' ? '127.0.0.1' : name
  demand(
    typeof host === 'string' && isLoopback(host),
    'host must be a loopback address: a sandbox is not reachable from other machines',
  )
  demand(
    Array.isArray(allowedHosts) && allowedHosts.every(isHostName),
    'allowedHosts must be an array of host names without port, in lower case',
  )
  return {
    provider,
    clientKey,
    accounts: ledger,
    price: parsePrice(providers[provider], given.price),
    solveTimeMs,
    seed,
    now,
    faults,
    tls,
    http2,
    host,
    allowedHosts,
    port,
    dashboard,
    createdStatus,
  }
}
