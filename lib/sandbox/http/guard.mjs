/**
 * Refuses what a web page of another site can make a browser on this machine send: another host name that resolves to this machine
 * (DNS rebinding), another origin, a cross-site request. Clients that are not browsers send no Origin and the host that they connect to.
 */

import { isIPv4 } from 'node:net'

/** @typedef {import('./server.mjs').Request} Request */

/**
 * What a path is to web pages of other origins. `private`: nothing. `widget`: a file without state, which a page of this machine may
 * embed. `link`: a document that other sites may link to.
 * @typedef {'private' | 'widget' | 'link'} Exposure
 */

const AUTHORITY = /^([a-z0-9.-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i
const ORIGIN = /^(https?:)\/\/([^/?#]*)$/i
const ABSOLUTE_TARGET = /^(https?):\/\/([^/?#]*)(.*)$/is

/** @param {string} name of a URL */
const isLoopback = name => isLocalName(name) || name === '[::1]' || (isIPv4(name) && name.startsWith('127.'))

/** Browsers and our client never look these names up (RFC 6761). @param {string} name */
const isLocalName = name => name === 'localhost' || name.endsWith('.localhost')

/**
 * The host name and port of an authority in the spelling of URLs, or null.
 * @param {string} protocol
 * @param {string} authority
 */
function parseAuthority(protocol, authority) {
  if (!AUTHORITY.test(authority) || !URL.canParse(`${protocol}//${authority}`)) return null
  const { hostname, host, port } = new URL(`${protocol}//${authority}`)
  // `localhost.` is the same name.
  const name = hostname.replace(/\.$/, '')
  return { name, port, host: host.replace(hostname, name) }
}

/** @param {string | undefined} origin of a URL or header */
function isLocalOrigin(origin) {
  const [, protocol, authority] = ORIGIN.exec(origin ?? '') ?? []
  const parsed = protocol ? parseAuthority(protocol.toLowerCase(), authority) : null
  return parsed !== null && isLoopback(parsed.name)
}

/** All values of a header: repeated ones may say different things. @param {Request} req @param {string} name */
function valuesOf(req, name) {
  const values = []
  for (let at = 0; at < req.rawHeaders.length; at += 2)
    if (req.rawHeaders[at].toLowerCase() === name) values.push(req.rawHeaders[at + 1])
  return values
}

/**
 * @param {{ protocol: string, name: string, port: number, allowedHosts?: readonly string[] }} own of the listener: `http:`, its address
 *   as in a URL, and further host names, which are accepted with any port
 * @param {(path: string) => Exposure} exposureOf
 */
export function createGuard({ protocol, name, port, allowedHosts = [] }, exposureOf) {
  const names = new Set(['localhost', '127.0.0.1', '[::1]', name])
  const ownPort = new URL(`${protocol}//localhost:${port}`).port

  /** @param {string} authority */
  const ownHost = authority => {
    const parsed = parseAuthority(protocol, authority)
    if (!parsed) return null
    if (allowedHosts.includes(parsed.name)) return parsed.host
    return (names.has(parsed.name) || isLocalName(parsed.name)) && parsed.port === ownPort
      ? parsed.host
      : null
  }

  /** @param {Request} req @returns {{ host: string, target: string } | string} or why it is refused */
  const addressOf = req => {
    const hosts = valuesOf(req, 'host')
    if (hosts.length > 1) return 'it has more than one Host header'
    const authorities = [...valuesOf(req, ':authority'), ...hosts]
    if (authorities.length === 0) return 'it has no Host header'
    let target = req.url ?? '/'
    const [, scheme, authority, rest] = ABSOLUTE_TARGET.exec(target) ?? []
    if (scheme !== undefined) {
      if (`${scheme.toLowerCase()}:` !== protocol) return `its target is ${target.slice(0, 100)}`
      authorities.push(authority)
      target = rest.startsWith('/') ? rest : `/${rest}`
    }
    const own = new Set(authorities.map(ownHost))
    const [host] = own
    if (own.size > 1 || host === null) return `its host is '${authorities.join(' and ').slice(0, 100)}'`
    return { host, target }
  }

  /** @param {Request} req @param {string} host @param {Exposure} exposure */
  const isForeign = (req, host, exposure) => {
    const origins = valuesOf(req, 'origin')
    const sites = valuesOf(req, 'sec-fetch-site')
    const sameOrigin = origins.every(origin => origin.toLowerCase() === `${protocol}//${host}`)
    if (sameOrigin && sites.every(site => site === 'same-origin' || site === 'none')) return false
    if (!sameOrigin || req.method !== 'GET') return true
    if (exposure === 'link') {
      const { 'sec-fetch-mode': mode, 'sec-fetch-dest': destination } = req.headers
      return mode !== 'navigate' || destination !== 'document'
    }
    if (exposure !== 'widget') return true
    if (sites.every(site => site === 'same-site')) return false
    const { referer = '' } = req.headers
    return !URL.canParse(referer) || !isLocalOrigin(new URL(referer).origin)
  }

  /**
   * The path and query of a request, or why it is refused.
   * @param {Request} req
   * @returns {{ target: string } | { refusal: string }}
   */
  return req => {
    const address = addressOf(req)
    if (typeof address === 'string') {
      const known = [...names].map(known => `${known}:${port}`).join(', ')
      return { refusal: `The sandbox refused this request: ${address}. Use ${known}.` }
    }
    const path = address.target.replace(/[?#].*$/s, '')
    if (!isForeign(req, address.host, exposureOf(path))) return { target: address.target }
    return { refusal: 'The sandbox refused this request: it comes from a web page of another origin.' }
  }
}
