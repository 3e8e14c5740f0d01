/** Options at random, from a seed: mostly right ones with some of the values replaced by wrong ones. */

import { createRandom } from './random.mjs'

/**
 * @param {{ api: any, seed: number, rounds: number, outcome: (start: () => unknown) => Promise<string>, cast: Record<string, any> }} options
 */
export async function fuzz({ api, seed, rounds, outcome, cast }) {
  const random = createRandom(seed)
  const below = (/** @type {number} */ limit) => Math.floor(random() * limit)
  const pick = (/** @type {any[]} */ list) => list[below(list.length)]
  const text = () => Array.from({ length: below(12) }, () => String.fromCharCode(below(0x10000))).join('')

  /** @type {(() => unknown)[]} Each made anew, since a call may change what it is given. */
  const values = [
    () => undefined,
    () => null,
    () => random() < 0.5,
    () => pick([0, -0, -1, 0.5, 1, 999, 1000, 1e5, 300_001, 2 ** 53, Number.NaN, Infinity, -Infinity, 1e308]),
    () => below(400_000),
    () => pick([0n, -1n, 2n ** 200n]),
    () => Symbol(text()),
    text,
    () =>
      pick([
        '',
        ' ',
        '\0',
        '\ud800',
        '\udfff\ud800',
        '__proto__',
        'constructor',
        'toString',
        '😀'.repeat(40),
      ]),
    () => 'x'.repeat(below(1e5)),
    () =>
      pick([
        'ezcaptcha',
        'yescaptcha',
        'custom',
        'https://shop.example',
        'http://127.0.0.1:1',
        'http://[::1]:1',
      ]),
    () =>
      pick([
        'https://',
        'http://a b',
        'https://[::',
        'ftp://x',
        'https://u:p@h',
        'https://h?q',
        'http://0x7f.1:1',
      ]),
    () =>
      `http://user:pass@${pick(['proxy.example', '[::1]', '10.0.0.1', '', 'a@b'])}:${pick([0, 80, 65_536, ''])}`,
    () => ({}),
    () => [],
    () => [text()],
    () => Object.create(null),
    () => new Date(below(1e12)),
    () => new Date(Number.NaN),
    () => new Map([[text(), 1]]),
    () => new Set([1]),
    () => new WeakMap(),
    () => /x/g,
    () => new Error(text()),
    () => Promise.resolve(1),
    () => Buffer.alloc(below(100)),
    () => new Float64Array(3),
    () => new SharedArrayBuffer(8),
    () => () => {},
    () => class {},
    () => function* () {},
    () => Object(text()),
    () => Object(1),
    () => Object(Symbol('s')),
    () => new Proxy({}, {}),
    () => new Proxy(() => {}, {}),
    () => new Proxy({}, throwing()),
    () => cast.evil,
    () => cast.revoked,
    () => globalThis,
    () => AbortSignal.abort(text()),
    () => new AbortController().signal,
    () => new AbortController(),
    () => ({
      ...cast.signal,
      [pick(['aborted', 'reason', 'addEventListener', 'removeEventListener'])]: anything(),
    }),
    () => ({ toJSON: pick([() => anything(), () => undefined, () => ({}), () => thrower()]) }),
    () => ({ [text()]: anything(), nested: { [text()]: [anything()] } }),
    () => ({ [pick(['type', 'websiteURL', 'proxy', '__proto__', 'rqData'])]: anything() }),
    () => Object.defineProperty({}, text(), { get: thrower, enumerable: true }),
    () => cast.nested(below(300)),
  ]
  const anything = () => pick(values)()
  const thrower = () => {
    throw pick([
      new Error(text()),
      new RangeError('r'),
      cast.evil,
      cast.throwing,
      cast.ownCause,
      text(),
      undefined,
      null,
      Symbol('t'),
      1n,
    ])
  }
  /** A handler some of whose traps throw. @returns {ProxyHandler<any>} */
  const throwing = () => {
    const traps = [
      'get',
      'has',
      'ownKeys',
      'getOwnPropertyDescriptor',
      'getPrototypeOf',
      'isExtensible',
      'apply',
    ]
    return Object.fromEntries(traps.filter(() => random() < 0.4).map(trap => [trap, thrower]))
  }

  const account = () => ({
    provider: pick(['ezcaptcha', 'yescaptcha', 'custom']),
    clientKey: 'test-key-0123456789abcdef',
    baseURL: 'http://127.0.0.1:1',
    timeoutMs: 1 + below(20),
    signal: AbortSignal.abort(),
  })
  const task = () => ({
    websiteURL: 'https://shop.example',
    websiteKey: 'key',
    taskType: undefined,
    extraTaskFields: {},
  })
  /** @type {Record<string, () => Record<string, unknown>>} */
  const right = {
    solveTurnstile: () => ({ ...account(), ...task(), pollIntervalMs: 1000, onProgress: () => {} }),
    createTask: () => ({ ...account(), ...task() }),
    getTaskResult: () => ({ ...account(), taskId: 'a' }),
    waitForTask: () => ({ ...account(), taskId: 'a', pollIntervalMs: 1000 }),
    getBalance: () => account(),
  }
  const names = [
    ...[
      'provider',
      'clientKey',
      'baseURL',
      'websiteURL',
      'websiteKey',
      'taskType',
      'action',
      'cData',
      'proxy',
      'extraTaskFields',
    ],
    ...[
      'developerId',
      'extraRequestFields',
      'taskId',
      'timeoutMs',
      'pollIntervalMs',
      'requestTimeoutMs',
      'signal',
      'onProgress',
    ],
  ]

  /** @returns {unknown} */
  const options = (/** @type {string} */ call) => {
    if (random() < 0.05) return anything()
    /** @type {any} */
    let given = right[call]()
    for (let changes = below(4); changes > 0; changes--) {
      const name = random() < 0.1 ? text() : pick(names)
      if (random() < 0.15)
        Object.defineProperty(given, name, { get: thrower, enumerable: true, configurable: true })
      else if (random() < 0.1)
        Object.defineProperty(given, name, { get: anything, enumerable: true, configurable: true })
      else given = { ...given, [name]: anything() }
    }
    if (random() < 0.05) Object.setPrototypeOf(given, pick([null, new Proxy({}, throwing()), { evil: 1 }]))
    return random() < 0.1 ? new Proxy(given, throwing()) : given
  }

  /** @type {Record<string, number>} */
  const outcomes = {}
  /** @type {string[]} */
  const odd = []
  const known = /^(resolved|[A-Z_]+)$/
  let waiting = []
  for (let round = 0; round < rounds; round++) {
    const call = pick(Object.keys(right))
    let given
    try {
      given = options(call)
    } catch {
      // Making a hostile object may itself meet the hostility of its parts.
      continue
    }
    waiting.push(
      outcome(() => api[call](given)).then(result => {
        outcomes[result] = (outcomes[result] ?? 0) + 1
        if (!known.test(result)) odd.push(`round ${round}, ${call}: ${result}`)
      }),
    )
    if (waiting.length < 100) continue
    await Promise.all(waiting)
    waiting = []
  }
  await Promise.all(waiting)
  return { outcomes, odd: odd.slice(0, 20) }
}
