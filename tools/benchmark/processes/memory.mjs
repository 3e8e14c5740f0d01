import { readFileSync, writeFileSync } from 'node:fs'

/**
 * The peak of resident memory. On Linux, `ru_maxrss` is inherited through fork and exec, so that a small child of a large
 * parent would report the parent's: the high-water mark of the process itself is read first.
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

/** Resets the high-water mark, so that loading modules does not count. */
export function resetPeak() {
  try {
    writeFileSync('/proc/self/clear_refs', '5')
  } catch {
    // Not Linux, or not allowed: then the mark is that of the whole life of the process.
  }
}
