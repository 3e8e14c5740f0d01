/** What the providers' validations of createTask bodies have in common. */

import { isIP } from 'node:net'

const PROXY_PROTOCOLS = ['http:', 'https:', 'socks5:']

/** @param {unknown} value */
export const isObject = value => typeof value === 'object' && value !== null && !Array.isArray(value)

/** A text or a number as text, else an empty text: an object from JSON may have no `toString`. @param {unknown} value */
export const textOf = value => (typeof value === 'string' || typeof value === 'number' ? String(value) : '')

/** @param {unknown} value */
export const isText = value => typeof value === 'string' && value.trim() !== ''

/** @param {unknown} value */
function isWebsite(value) {
  if (typeof value !== 'string' || !URL.canParse(value)) return false
  const { protocol, hostname } = new URL(value)
  return (protocol === 'http:' || protocol === 'https:') && hostname !== ''
}

/** @param {string} host */
function isPrivateHost(host) {
  const name = host.replace(/^\[|\]$/g, '').toLowerCase()
  if (isIP(name) === 4) {
    const [a, b] = name.split('.').map(Number)
    return (
      a === 0 ||
      a === 10 ||
      a === 127 ||
      (a === 169 && b === 254) ||
      (a === 172 && b >= 16 && b < 32) ||
      (a === 192 && b === 168) ||
      (a === 100 && b >= 64 && b < 128)
    )
  }
  if (isIP(name) === 6) return name === '::' || name === '::1' || /^(f[cd]|fe[89ab]|::ffff:)/.test(name)
  return name === 'localhost' || /\.(localhost|local|internal)$/.test(name)
}

/**
 * @param {unknown} value
 * @returns {string | null}
 */
export function proxyProblem(value) {
  if (typeof value !== 'string' || !URL.canParse(value)) return 'must be protocol://user:pass@host:port'
  const url = new URL(value)
  if (!PROXY_PROTOCOLS.includes(url.protocol)) return 'protocol must be http, https or socks5'
  if (!url.username || !url.password) return 'user and password are required'
  if (!/:\d+\/?$/.test(value)) return 'port is required'
  // The URL parser reads numeric addresses such as 2130706433 only with a special scheme.
  const address = url.protocol === 'socks5:' ? value.replace(/^socks5:/i, 'http:') : value
  if (!URL.canParse(address)) return 'must be protocol://user:pass@host:port'
  if (isPrivateHost(new URL(address).hostname)) return 'a private host is not allowed'
  return null
}

/**
 * @param {Record<string, any>} task
 * @param {Record<string, string>} problems
 */
export function checkTarget(task, problems) {
  if (!isText(task.type)) problems['task.type'] = 'must not be blank'
  if (!isText(task.websiteURL)) problems['task.websiteURL'] = 'must not be blank'
  else if (!isWebsite(task.websiteURL)) problems['task.websiteURL'] = 'must be an http(s) URL'
  if (!isText(task.websiteKey)) problems['task.websiteKey'] = 'must not be blank'
}
