'use strict'

// The system of this process, as far as it decides which binary fits.

const { readFileSync } = require('node:fs')

/** @typedef {import('./binary-header.js').System} System */

module.exports = currentSystem

/** @returns {{ system: System, isLibcReported: boolean }} the C library may be a guess where the process does not report it */
function currentSystem() {
  const { platform, arch } = process
  if (platform !== 'linux') return { system: { platform, arch, libc: undefined }, isLibcReported: true }
  const reported = reportedLibc()
  return { system: { platform, arch, libc: reported ?? lddLibc() }, isLibcReported: reported !== undefined }
}

/** A system may have more than one C library: `ldd` need not be of the one that this process uses. @returns {'glibc' | 'musl'} */
function lddLibc() {
  try {
    return readFileSync('/usr/bin/ldd', 'utf8').includes('musl') ? 'musl' : 'glibc'
  } catch {
    return 'glibc'
  }
}

/** @returns {'glibc' | 'musl' | undefined} */
function reportedLibc() {
  const report = /** @type {any} */ (process.report)
  const excludeNetwork = report?.excludeNetwork
  try {
    // Otherwise the name of every address that a socket is connected to would be looked up.
    report.excludeNetwork = true
    const { header, sharedObjects } = report.getReport()
    if (header.glibcVersionRuntime) return 'glibc'
    const isMusl = (/** @type {string} */ path) => /libc\.musl-|ld-musl-/.test(path)
    return sharedObjects.some(isMusl) ? 'musl' : undefined
  } catch {
    return undefined
  } finally {
    if (report && report.excludeNetwork !== excludeNetwork) report.excludeNetwork = excludeNetwork
  }
}
