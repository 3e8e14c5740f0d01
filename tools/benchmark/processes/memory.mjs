import { readFileSync, writeFileSync } from 'node:fs'

/**
 * The most that was ever resident. Linux hands `ru_maxrss` on from the parent through fork and exec, so that a small child of a large
 * parent would report the parent's: the high-water mark of the process itself is asked for first.
 */
export function peakResidentKiB() {
  try {
    const mark = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'))
    if (mark) return Number(mark[1])
  } catch {
    // Not Linux.
  }
  return process.resourceUsage().maxRSS
}

/** Starts the high-water mark anew, so that loading modules does not count as solving. */
export function forgetPeak() {
  try {
    writeFileSync('/proc/self/clear_refs', '5')
  } catch {
    // Not Linux, or not allowed: then the mark is that of the whole life of the process.
  }
}
