/** The option table of the contract: to which calls an option belongs, a good value of it, and values that are none. */

import { callNames, creating, polling, resuming } from './calls.mjs'

/** @typedef {import('./calls.mjs').CallName} CallName */
/** @typedef {import('./calls.mjs').Provider} Provider */

/**
 * @typedef {object} Option
 * @property {CallName[]} calls
 * @property {Provider} [provider] who knows it; any if absent
 * @property {boolean} [required] by the calls it belongs to
 * @property {unknown} good
 * @property {unknown[]} bad
 */

const noText = [null, 1, true, {}, [], ['text'], () => 'text', 5n, Symbol('text'), new String('text')]
const noNumber = [null, '5000', true, {}, [], [5000], () => 5000, 5000n, Symbol('5000'), new Number(5000)]
const noWhole = [...noNumber, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -1, 1.5, 0]
const noObject = [null, 'text', 1, true, [], [{ a: 1 }], () => ({}), 5n, Symbol('object')]
const noUrl = [
  ...noText,
  '',
  ' ',
  'shop.example',
  '//shop.example',
  'https://',
  'ftp://shop.example',
  'javascript:0',
]

/** @param {string} authority @returns {string} */
const proxyAt = authority => `http://user:secret-of-the-proxy@${authority}`

/** Hosts that only the one who names them can reach. */
export const privateHosts = [
  'localhost',
  'proxy.localhost',
  '127.0.0.1',
  '127.255.0.1',
  '0.0.0.0',
  '10.0.0.1',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.0.1',
  '169.254.0.1',
  '[::1]',
  '[::]',
  '[fc00::1]',
  '[fd12:3456::1]',
  '[fe80::1]',
  '[::ffff:10.0.0.1]',
]

const badProxies = [
  ...noText,
  '',
  'proxy.example:8080',
  'user:secret-of-the-proxy@proxy.example:8080',
  'http://proxy.example:8080',
  'http://user@proxy.example:8080',
  'http://:secret-of-the-proxy@proxy.example:8080',
  'http://user:secret-of-the-proxy@proxy.example',
  'http://user:secret-of-the-proxy@:8080',
  'http://user:secret-of-the-proxy@proxy.example:0',
  'http://user:secret-of-the-proxy@proxy.example:65536',
  'ftp://user:secret-of-the-proxy@proxy.example:8080',
  'socks4://user:secret-of-the-proxy@proxy.example:8080',
  ...privateHosts.map(host => proxyAt(`${host}:8080`)),
]

/** In the order of the contract. @type {Record<string, Option>} */
export const optionTable = {
  provider: {
    calls: callNames,
    required: true,
    good: 'ezcaptcha',
    bad: [
      ...noText,
      '',
      'EZCaptcha',
      'ezcaptcha ',
      'ez-captcha',
      'no-such-provider',
      '__proto__',
      'constructor',
    ],
  },
  clientKey: { calls: callNames, required: true, good: 'test-key-0123456789abcdef', bad: [...noText, ''] },
  baseURL: {
    calls: callNames,
    good: 'https://api.example',
    bad: [
      ...noUrl,
      'http://api.example',
      'http://10.0.0.1',
      'http://192.168.0.1:8080',
      'http://0.0.0.0:8080',
      'http://localhost.example:8080',
      'http://127.0.0.1.example:8080',
      'http://[::2]:8080',
      'https://user:password@api.example',
      'https://user@api.example',
      'http://user:password@127.0.0.1:8080',
      'https://api.example?region=eu',
      'https://api.example/?',
      'https://api.example/#fragment',
      'ws://127.0.0.1:8080',
      'file:///tmp/api',
    ],
  },
  websiteURL: { calls: creating, required: true, good: 'https://shop.example/login', bad: noUrl },
  websiteKey: { calls: creating, required: true, good: '0x4AAAAAAATestSitekey', bad: [...noText, ''] },
  taskType: { calls: creating, good: 'CloudFlareTurnstileTask', bad: [...noText, ''] },
  action: {
    calls: creating,
    provider: 'ezcaptcha',
    good: 'log_in-2',
    bad: [...noText, 'a'.repeat(33), 'log in', 'log.in', 'lög', 'login\n', 'a/b', '😀'],
  },
  cData: {
    calls: creating,
    provider: 'ezcaptcha',
    good: 'session_1-a',
    bad: [...noText, 'a'.repeat(256), 'a b', 'a=b', 'ä', 'a\n', 'a+b/c=', '😀'],
  },
  proxy: {
    calls: creating,
    provider: 'ezcaptcha',
    good: 'http://user:secret-of-the-proxy@proxy.example:8080',
    bad: badProxies,
  },
  developerId: { calls: creating, provider: 'ezcaptcha', good: 77, bad: noWhole },
  extraTaskFields: { calls: creating, good: { cookies: 'a=b' }, bad: noObject },
  extraRequestFields: { calls: creating, good: { languagePool: 'en' }, bad: noObject },
  taskId: {
    calls: resuming,
    required: true,
    good: '61138bb6-19fb-11ec-a9c8-0242ac110006',
    bad: [...noText.filter(value => value !== 1), '', Number.NaN, Number.POSITIVE_INFINITY, 1.5, 2 ** 53],
  },
  label: { calls: callNames, good: 'EU 2', bad: [...noText, '', ' ', 'a\nb', 'a\u200b', 'x'.repeat(65)] },
  timeoutMs: { calls: callNames, good: 60_000, bad: [...noWhole, 300_001, Number.MAX_SAFE_INTEGER] },
  pollIntervalMs: { calls: polling, good: 5000, bad: [...noWhole, 9, 1000.5, 300_001] },
  requestTimeoutMs: { calls: callNames, good: 5000, bad: [...noWhole, 300_001] },
  signal: {
    calls: callNames,
    good: new AbortController().signal,
    bad: [
      null,
      'signal',
      1,
      true,
      {},
      [],
      () => {},
      { aborted: true },
      new AbortController(),
      new EventTarget(),
      AbortSignal,
      AbortSignal.prototype,
    ],
  },
  onProgress: { calls: polling, good: () => {}, bad: [null, 'log', 1, true, {}, [], { call() {} }, 5n] },
}

export const optionNames = Object.keys(optionTable)
