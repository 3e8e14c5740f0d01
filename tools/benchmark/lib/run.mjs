/** One run: a fresh sandbox, a fresh client, N solves, and the check that all of them were delivered. */

import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { runBare } from './bare.mjs'
import { clients } from './clients.mjs'
import { startProcess } from './processes.mjs'
import { quantile } from './stats.mjs'

const authority = fileURLToPath(new URL('../../../__test__/fixtures/tls/ca.cert.pem', import.meta.url))
const website = { websiteURL: 'https://shop.example/login', websiteKey: '0x4AAAAAAABenchSitekey' }
const TIMEOUT_MS = 110_000
const LIMIT_MS = 200_000

/**
 * @typedef {object} Order
 * @property {string} client
 * @property {import('./clients.mjs').Mode} mode
 * @property {number} count
 * @property {number} pollMs
 * @property {[number, number]} readyMs
 * @property {number} seed
 * @property {boolean} [watched] whether the delay of the event loop is measured, and what the run costs is not
 * @property {number} [spacingMs] between the starts of two solves; Infinity starts one when the last is done
 */

export const clientEnv = { NODE_EXTRA_CA_CERTS: authority, NODE_OPTIONS: '' }

/** @param {import('./clients.mjs').Setting['account']} account @param {number} pollMs @param {string} [legacyURL] */
export const settingOf = (account, pollMs, legacyURL = '') => ({
  account,
  website,
  pollMs,
  timeoutMs: TIMEOUT_MS,
  legacyURL,
})

/**
 * @param {Order} order
 * @returns {Promise<Outcome>}
 */
export async function runOnce({
  client,
  mode,
  count,
  pollMs,
  readyMs,
  seed,
  watched = false,
  spacingMs = 0,
}) {
  const server = await startProcess('sandbox')
  const solver =
    client === 'bare'
      ? undefined
      : await startProcess('solves', { execArgv: ['--expose-gc'], env: clientEnv })
  try {
    const { account, legacyURL } = await server.ask('start', {
      mode,
      readyMs,
      seed,
      legacy: client === '2captcha',
    })
    const setting = settingOf(account, pollMs, legacyURL)
    const module = client === 'idle' ? 'idle' : clients[client].module
    const before = await server.ask('cpu')
    const measured = solver
      ? await solver.ask('run', { module, setting, count, spacingMs, watched }, LIMIT_MS)
      : await runBare({ setting, count, authority }, LIMIT_MS)
    const report = await server.ask('finish')
    return {
      ...figures(measured, report, report.cpuMs - before),
      ...verdict(client, count, measured, report),
    }
  } catch (error) {
    return { failed: reasonOf(error) }
  } finally {
    await Promise.all([server.stop(), solver?.stop()])
  }
}

/** The line of a stack that has the error's message. @param {unknown} error */
function reasonOf(error) {
  const lines = String(error instanceof Error ? error.message : error).split('\n')
  return lines.find(line => /Error/.test(line)) ?? lines[0]
}

/** @typedef {Partial<ReturnType<typeof figures>> & { failed?: string }} Outcome */

/** @typedef {'cpuMs' | 'loopBusyMs' | 'delayP99Ms' | 'delayMaxMs' | 'idleMiB' | 'peakMiB' | 'growthMiB' | 'threads'} Figure */

/**
 * @param {any} measured
 * @param {any} report
 * @param {number} serverCpuMs
 */
function figures(measured, report, serverCpuMs) {
  const { delivered, failures: _, ...costs } = measured
  const lags = delivered.map((/** @type {[string, number]} */ [token, at]) => at - report.readyAt.get(token))
  return {
    .../** @type {{ wallMs: number } & Partial<Record<Figure, number>>} */ (costs),
    lags,
    lagMedianMs: quantile(lags, 0.5),
    lagP95Ms: quantile(lags, 0.95),
    connections: report.connections.opened,
    kept: report.connections.open,
    requests: report.requests,
    server: {
      cpuShare: serverCpuMs / measured.wallMs,
      busiest: report.busiest,
      requestsPerSecond: (report.requests * 1000) / measured.wallMs,
    },
    cores: availableParallelism(),
  }
}

/**
 * Every solve has a token of its own, the server knows it, and nothing was bought twice.
 *
 * @param {string} client
 * @param {number} count
 * @param {any} measured
 * @param {any} report
 */
function verdict(client, count, measured, report) {
  if (client === 'idle') return {}
  const known = measured.delivered.filter((/** @type {[string, number]} */ [token]) =>
    report.readyAt.has(token),
  )
  const distinct = new Set(known.map((/** @type {[string, number]} */ [token]) => token)).size
  const { created, delivered } = report.tasks
  if (distinct === count && created === count && delivered === count) return {}
  const reasons = Object.entries(measured.failures).map(([reason, times]) => `${times} x ${reason}`)
  return {
    failed: `${distinct} of ${count} delivered, ${created} bought${reasons.map(text => `; ${text}`).join('')}`,
  }
}
