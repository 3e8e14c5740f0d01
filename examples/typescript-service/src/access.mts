/** Who may use the service: it spends money, and any web page in a browser on this machine can send it requests. */

import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

export interface Access {
  /** Clients send it as `Authorization: Bearer ...`. At least 16 characters. */
  readonly secret: string
  /** The host names under which clients reach the service, in lower case and without a port. */
  readonly hosts: readonly string[]
}

export interface Refusal {
  readonly status: 401 | 403
  readonly error: string
}

const digest = (text: string) => createHash('sha256').update(text).digest()

export function createAccessCheck({
  secret,
  hosts,
}: Access): (request: IncomingMessage) => Refusal | undefined {
  if (secret.length < 16) throw new TypeError('The secret must have at least 16 characters.')
  const expected = digest(`Bearer ${secret}`)

  return request => {
    const { host = '', origin, authorization = '', 'sec-fetch-site': site } = request.headers
    // A foreign name may resolve to this machine (DNS rebinding).
    const [, name = ''] = /^(\[[0-9a-f:.]+\]|[^:[\]@]+)(?::\d+)?$/i.exec(host) ?? []
    if (!hosts.includes(name.toLowerCase()))
      return { status: 403, error: 'The host is not one of the service.' }
    // The service is not for web pages: only browsers send these headers.
    if (origin !== undefined || (site !== undefined && site !== 'none'))
      return { status: 403, error: 'Requests of web pages are refused.' }
    if (!timingSafeEqual(digest(authorization), expected))
      return { status: 401, error: 'The secret is missing or wrong.' }
    return undefined
  }
}
