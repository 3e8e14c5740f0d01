/**
 * One client, N solves started together, and what they cost this process: its event loop's delay if it is watched, all else if it
 * is not, since the watching costs more than many a client.
 */

import { readFileSync } from 'node:fs'
import { monitorEventLoopDelay, performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { peakResidentKiB, resetPeak } from './memory.mjs'
import { serveParent } from './parent.mjs'

/** The monitor's timer; what it reports beyond this is delay. */
const RESOLUTION_MS = 10
const SETTLE_MS = 300
const wallClock = () => performance.timeOrigin + performance.now()

serveParent({
  async run({ module, setting, count, spacingMs, watched }) {
    /** @type {{ default: import('../lib/clients.mjs').Connect }} */
    const { default: connect } = await import(`../clients/${module}.mjs`)
    const solve = connect(setting)
    await sleep(SETTLE_MS)
    globalThis.gc?.()
    resetPeak()

    /** @type {[token: string, at: number][]} */
    const delivered = []
    /** @type {Map<string, number>} */
    const failures = new Map()
    const one = async () => {
      try {
        delivered.push([await solve(), wallClock()])
      } catch (error) {
        const { code, cause, message } = /** @type {any} */ (error)
        const reason = String(cause?.code ?? code ?? message)
        failures.set(reason, (failures.get(reason) ?? 0) + 1)
      }
    }

    const idleKiB = process.memoryUsage.rss() / 1024
    const delay = watched ? monitorEventLoopDelay({ resolution: RESOLUTION_MS }) : undefined
    const loopBefore = performance.eventLoopUtilization()
    delay?.enable()
    const cpuBefore = process.cpuUsage()
    const startedAt = performance.now()

    const all = []
    for (let i = 0; i < count; i++) {
      all.push(one())
      if (spacingMs > 0) await (spacingMs === Number.POSITIVE_INFINITY ? all[i] : sleep(spacingMs))
    }
    await Promise.all(all)

    const wallMs = performance.now() - startedAt
    const cpu = process.cpuUsage(cpuBefore)
    delay?.disable()
    const loop = performance.eventLoopUtilization(loopBefore)
    const beyond = (/** @type {number} */ nanoseconds) => Math.max(0, nanoseconds / 1e6 - RESOLUTION_MS)
    const peakKiB = peakResidentKiB()
    const result = { delivered, failures: Object.fromEntries(failures), wallMs }
    if (delay) return { ...result, delayP99Ms: beyond(delay.percentile(99)), delayMaxMs: beyond(delay.max) }
    return {
      ...result,
      cpuMs: (cpu.user + cpu.system) / 1000,
      loopBusyMs: loop.active,
      idleMiB: idleKiB / 1024,
      peakMiB: peakKiB / 1024,
      growthMiB: (peakKiB - idleKiB) / 1024,
      threads: threads(),
    }
  },
})

function threads() {
  try {
    return Number(/^Threads:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1])
  } catch {
    return undefined
  }
}
