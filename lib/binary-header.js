'use strict'

// What the header of a native binary says about it: the formats of Linux, macOS and Windows.

const { closeSync, fstatSync, openSync, readFileSync, readSync } = require('node:fs')

/** @typedef {{ platform: string, arch: string | undefined, libc?: 'glibc' | 'musl' }} System */

/** The number of each processor in a header. */
const machines = {
  elf: new Map().set(0x3e, 'x64').set(0xb7, 'arm64').set(0x28, 'arm'),
  pe: new Map().set(0x8664, 'x64').set(0xaa64, 'arm64'),
  macho: new Map().set(0x01000007, 'x64').set(0x0100000c, 'arm64'),
}

/**
 * The system that a file is made for, by its header.
 *
 * @param {string} file
 * @returns {System | undefined}
 */
function systemOf(file) {
  try {
    const bytes = readFileSync(file)
    if (isElf(bytes)) {
      const libc = bytes.includes('\0libc.so.6\0') ? 'glibc' : 'musl'
      return { platform: 'linux', arch: machines.elf.get(bytes.readUInt16LE(18)), libc }
    }
    if (bytes.readUInt32LE(0) === 0xfeedfacf) {
      return { platform: 'darwin', arch: machines.macho.get(bytes.readUInt32LE(4)) }
    }
    const at = bytes.readUInt32LE(0x3c)
    if (bytes.toString('latin1', at, at + 4) === 'PE\0\0') {
      return { platform: 'win32', arch: machines.pe.get(bytes.readUInt16LE(at + 4)) }
    }
  } catch {
    // It is shorter than a header, or cannot be read.
  }
}

/** Whether a file ends before its section headers, as after a download or a copy that was interrupted. @param {string} file */
function isTruncated(file) {
  let descriptor
  try {
    descriptor = openSync(file, 'r')
    const header = Buffer.alloc(64)
    readSync(descriptor, header, 0, header.length, 0)
    if (!isElf(header)) return false
    const wide = header[4] === 2
    const table = wide ? Number(header.readBigUInt64LE(40)) : header.readUInt32LE(32)
    const at = wide ? 58 : 46
    return fstatSync(descriptor).size < table + header.readUInt16LE(at) * header.readUInt16LE(at + 2)
  } catch {
    return false
  } finally {
    if (descriptor !== undefined) closeSync(descriptor)
  }
}

/** @param {Buffer} bytes */
function isElf(bytes) {
  return bytes.toString('latin1', 0, 4) === '\x7fELF'
}

module.exports = { isTruncated, systemOf }
