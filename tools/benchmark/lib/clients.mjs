/** Who is compared, and where each can take part. */

import { bareCannot } from './bare.mjs'

/**
 * @typedef {object} Setting
 * @property {{ provider: string, clientKey: string, baseURL: string, taskType: string }} account
 * @property {{ websiteURL: string, websiteKey: string }} website
 * @property {number} pollMs
 * @property {number} timeoutMs
 * @property {string} legacyURL where the legacy protocol of 2captcha-ts is spoken
 */
/** @typedef {() => Promise<string>} Solve one solve, to its token */
/** @typedef {(setting: Setting) => Solve} Connect */
/** @typedef {'plain' | 'tls' | 'h2'} Mode */

/** @type {Record<Mode, string>} */
export const modes = {
  plain: 'plain HTTP',
  tls: 'TLS, HTTP/1.1 only',
  h2: 'TLS, HTTP/2 offered',
}

/**
 * @typedef {object} Client
 * @property {string} title
 * @property {string} module
 * @property {Partial<Record<Mode, string>>} [cannot] why it takes no part
 * @property {string | undefined} [absent] why it takes no part at all
 * @property {boolean} [plainJavaScript] one of the clients of which the better one counts as the best of plain JavaScript
 */

const ONLY_1_1 = 'speaks HTTP/1.1 only: the table of TLS with HTTP/1.1 holds for it'

/** @type {Record<string, Client>} */
export const clients = {
  fetch: {
    title: 'fetch loop',
    module: 'fetch-loop',
    cannot: { h2: ONLY_1_1 },
  },
  http: {
    title: 'node:http(s), 128 sockets',
    module: 'plain-http',
    plainJavaScript: true,
  },
  http2: {
    title: 'node:http2, one session',
    module: 'plain-http2',
    plainJavaScript: true,
    cannot: {
      plain: 'no provider offers HTTP/2 without TLS',
      tls: 'HTTP/2 is not offered in this mode',
    },
  },
  '2captcha': {
    title: '2captcha-ts',
    module: 'two-captcha',
    cannot: { h2: ONLY_1_1 },
  },
  capmonster: {
    title: 'capmonstercloud-client',
    module: 'capmonster',
    cannot: { h2: ONLY_1_1 },
  },
  bare: {
    title: 'bare Rust, no addon',
    module: 'bare',
    absent: bareCannot(),
  },
  ours: {
    title: 'turnstile-solver',
    module: 'turnstile-solver',
  },
}
