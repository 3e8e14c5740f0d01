// Random HTTP requests for the sandbox: mostly valid, with some of their parts replaced.

/** @typedef {ReturnType<typeof import('./sandbox.mjs').createRandom>} Random */

const PATHS = [
  ...['/createTask', '/createTask', '/createTask', '/getTaskResult', '/getTaskResult', '/getBalance'],
  ...['/turnstile/v0/siteverify', '/login', '/widget', '/turnstile/v0/api.js', '/widget/challenge.js'],
  ...[
    '/cdn-cgi/challenge-platform/a/b',
    '/favicon.ico',
    '/sandbox',
    '/sandbox/faults.json',
    '/sandbox/controls',
  ],
  ...['/reportIncorrect', '/reportCorrect', '/reportIncorrectTokenCaptcha', '/feedbackTask', '/getSoftID'],
]
const ODD_TARGETS = [
  ...[
    '*',
    '',
    '/',
    '//',
    '//evil.example/createTask',
    '/createTask/',
    '/CREATETASK',
    '/createTask%00',
    '/%2e%2e/createTask',
  ],
  ...[
    '/sandbox/../createTask',
    '/createTask?x=1',
    '/createTask#x',
    '/widget?sitekey=%3Cscript%3E',
    '/widget?%',
    'createTask',
  ],
  ...[
    '/sandbox/none',
    '/__proto__',
    '/constructor',
    'http://',
    'http://[::1',
    `/${'a'.repeat(9000)}`,
    '/\u00e9',
    '/login?field=%FF',
  ],
]
const TASK_TYPES = [
  ...['CloudFlareTurnstileTask', 'TurnstileTaskProxyless', 'TurnstileTaskProxylessM1', 'TurnstileTask'],
  ...['AntiTurnstileTaskProxyLess', 'cloudflareturnstiletask', 'Unknown'],
]
const SECRETS = ['1x0000000000000000000000000000000AA', '0x4AAAAAAASandboxSecretKey00000000000', 'x']

/**
 * @param {object} parts
 * @param {Random} parts.random
 * @param {number} parts.port
 * @param {string} parts.key
 * @param {(string | number)[]} parts.taskIds
 * @param {string} parts.provider
 */
export function createRequests({ random, port, key, taskIds }) {
  const { below, chance, pick } = random

  const text = () =>
    pick([
      () => '',
      () => String.fromCharCode(...Array.from({ length: below(20) }, () => below(0x10000))),
      () => 'x'.repeat(below(3000)),
      () =>
        pick([
          '__proto__',
          'constructor',
          'toString',
          '\0',
          '\r\nx: y',
          '<script>',
          '\ud800',
          '😀',
          ' ',
          '-1',
          '1e999',
          'null',
        ]),
    ])()

  /** @returns {string} JSON */
  const value = (depth = 0) =>
    pick(
      [
        ...['null', 'true', 'false', '0', '-1', '1e400', '1.5', '9007199254740993', '""', '[]', '{}'],
        () => JSON.stringify(text()),
        () => JSON.stringify(text()),
        () => `[${depth < 4 ? value(depth + 1) : ''}]`,
        () => `{${JSON.stringify(text())}:${depth < 4 ? value(depth + 1) : '1'}}`,
        () => '{"toString":1,"__proto__":{"toString":null}}',
        () => {
          const deep = pick([5, 99, 100, 101, 500, 20_000])
          return pick([
            `${'['.repeat(deep)}${']'.repeat(deep)}`,
            '['.repeat(deep),
            `${'{"a":'.repeat(deep)}1${'}'.repeat(deep)}`,
          ])
        },
        () => `"${'\\u0041'.repeat(below(300))}"`,
        () => JSON.stringify('x'.repeat(pick([5000, 300_000]))),
      ].map(make => (typeof make === 'string' ? () => make : make)),
    )()

  /** An object of right values, some of which are replaced or left out. @param {Record<string, string>} fields JSON by name */
  const object = fields => {
    const entries = Object.entries(fields).flatMap(([name, right]) => {
      if (chance(0.04)) return []
      return [`${JSON.stringify(name)}:${chance(0.08) ? value() : right}`]
    })
    if (chance(0.1)) entries.push(`${JSON.stringify(text())}:${value()}`)
    if (chance(0.03)) entries.push(...entries)
    return `{${entries.join()}}`
  }

  const clientKey = () => JSON.stringify(chance(0.85) ? key : pick(['bad-key', text(), 'k'.repeat(400)]))
  const task = () =>
    object({
      type: JSON.stringify(pick(TASK_TYPES)),
      websiteURL: JSON.stringify(pick(['https://shop.example/login', 'http://a', 'ftp://x', 'shop', text()])),
      websiteKey: JSON.stringify(pick(['0x4AAAAAAATestSitekey', '1x00000000000000000000AA', text()])),
      ...(chance(0.2)
        ? { rqData: object({ mode: '"x"', metadataAction: '"login"', metadataCdata: '"c"' }) }
        : {}),
      ...(chance(0.2)
        ? {
            proxy: JSON.stringify(
              pick(['http://u:p@proxy.example:1', '', 'socks5://u:p@10.0.0.1:1', text()]),
            ),
          }
        : {}),
      ...(chance(0.2)
        ? { action: '"login"', cData: '"c"', data: '"d"', metadata: '{"action":"a","cdata":"c"}' }
        : {}),
      ...(chance(0.2) ? { proxyType: '"http"', proxyAddress: '"203.0.113.7"', proxyPort: '8080' } : {}),
    })
  const taskId = () => (taskIds.length > 0 && chance(0.8) ? JSON.stringify(pick(taskIds)) : value())
  const developerId = () =>
    chance(0.2) ? { [pick(['appId', 'softID', 'softId'])]: pick(['7', '"7"', value()]) } : {}

  /** @param {string} path */
  const jsonBody = path => {
    if (path.endsWith('siteverify'))
      return object({
        secret: JSON.stringify(pick(SECRETS)),
        response: JSON.stringify(pick(['XXXX.DUMMY.TOKEN.XXXX', '0.a.b.c', text()])),
      })
    if (path.endsWith('controls'))
      return object({
        do: '"solveTime"',
        solveTimeMs: pick(['5', '"never"', '[1,2]', value()]),
        rule: value(),
      })
    if (path === '/createTask') return object({ clientKey: clientKey(), task: task(), ...developerId() })
    if (path === '/getBalance' || path === '/getSoftID') return object({ clientKey: clientKey() })
    return object({
      clientKey: clientKey(),
      taskId: taskId(),
      ...(chance(0.3) ? { result: object({ invalid: 'true' }) } : {}),
    })
  }

  /** @param {string} path @returns {[contentType: string, body: string]} */
  const bodyOf = path => {
    if (chance(0.85)) return ['application/json', jsonBody(path)]
    return pick(
      /** @type {(() => [string, string])[]} */ ([
        () => ['application/json', jsonBody(path).slice(0, below(200))],
        () => ['application/json', value()],
        () => ['application/json; charset=utf-16', Buffer.from(jsonBody(path), 'utf16le').toString('latin1')],
        () => [
          'application/x-www-form-urlencoded',
          `${new URLSearchParams({ secret: pick(SECRETS), response: text(), x: text() })}`,
        ],
        () => [
          'multipart/form-data; boundary=b',
          `--b\r\ncontent-disposition: form-data; name="secret"\r\n\r\n${text()}\r\n--b${pick(['--', '', '\r\n'])}`,
        ],
        () => ['multipart/form-data', text()],
        () => ['text/plain', jsonBody(path)],
        () => [pick(['', 'a'.repeat(500), 'application/json, text/html']), jsonBody(path)],
        () => ['application/json', ' '.repeat(pick([1_048_576, 1_048_577, 1_200_000]))],
      ]),
    )()
  }

  /** @returns {{ headers: string[], foreign: boolean }} */
  const addressing = () => {
    const good = pick([`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`, `LOCALHOST.:${port}`])
    if (chance(0.8)) {
      const origin = chance(0.2) ? [`origin: http://${good.toLowerCase().replace('t.:', 't:')}`] : []
      return {
        headers: [`host: ${good}`, ...origin, ...(chance(0.2) ? ['sec-fetch-site: same-origin'] : [])],
        foreign: false,
      }
    }
    const foreign = [
      [`host: evil.example:${port}`],
      [`host: ${good}.evil.example`],
      [`host: ${good}`, `host: evil.example:${port}`],
      [`host: ${good}`, 'origin: https://evil.example'],
      [`host: ${good}`, 'origin: null', 'sec-fetch-site: cross-site'],
      [`host: ${good}`, 'origin:'],
      [`host: ${good}`, 'sec-fetch-site: cross-site'],
      [`host: ${good}`, 'sec-fetch-site: none', 'sec-fetch-site: cross-site'],
      [`host: ${text().replace(/[^\x21-\x7e]/g, '')}.example`],
      [`host: a@${good}`],
      [],
    ]
    return { headers: pick(foreign), foreign: true }
  }

  /** @returns {{ bytes: Buffer, foreign: boolean }} */
  const request = () => {
    const path = pick(PATHS)
    const target = chance(0.9) ? path : chance(0.3) ? `http://127.0.0.1:${port}${path}` : pick(ODD_TARGETS)
    const method = chance(0.92)
      ? /^\/(widget|sandbox$|turnstile\/v0\/api|cdn|fav)/.test(path)
        ? 'GET'
        : 'POST'
      : pick(['GET', 'HEAD', 'PUT', 'OPTIONS', 'DELETE', 'post', 'X', 'CONNECT', 'TRACE'])
    const { headers, foreign } = addressing()
    const [type, body] = method === 'GET' || method === 'HEAD' ? ['', ''] : bodyOf(path)
    const payload = Buffer.from(body, 'utf8')
    const lines = [...headers]
    if (type) lines.push(`content-type: ${type}`)
    let content = payload
    const framing = below(20)
    if (method === 'GET' || method === 'HEAD') {
      if (chance(0.02)) lines.push('upgrade: websocket', 'connection: upgrade')
    } else if (framing === 0) {
      lines.push('transfer-encoding: chunked')
      content = Buffer.concat([
        Buffer.from(`${payload.length.toString(16)}\r\n`),
        payload,
        Buffer.from('\r\n0\r\n\r\n'),
      ])
    } else if (framing === 1) {
      lines.push(
        pick([
          'transfer-encoding: chunked',
          `content-length: ${pick(['-1', 'x', '5', '99999999', '1, 2', '1e3'])}`,
        ]),
      )
    } else if (framing === 2) lines.push(`content-length: ${payload.length}`, 'expect: 100-continue')
    else if (framing === 3) lines.push(`content-length: ${payload.length}`, `content-length: ${below(10)}`)
    else lines.push(`content-length: ${payload.length}`)
    if (chance(0.1))
      lines.push(
        `${pick(['x-a', 'cookie', 'accept', 'authorization', 'idempotency-key'])}: ${text().replace(/[\r\n\0]/g, '')}`,
      )
    if (chance(0.02)) lines.push(pick(['no colon', ' folded', 'bad name: x', `x: ${'y'.repeat(20_000)}`]))
    const version = chance(0.97) ? 'HTTP/1.1' : pick(['HTTP/1.0', 'HTTP/2.0', 'HTTP/9', ''])
    const head = Buffer.from(`${method} ${target} ${version}\r\n${lines.join('\r\n')}\r\n\r\n`, 'latin1')
    return { bytes: Buffer.concat([head, content]), foreign }
  }

  return {
    /** The bytes of one connection: one request, or a few. `foreign` if each of them is refused, `alone` if there is one. */
    connection: () => {
      const requests = Array.from({ length: chance(0.9) ? 1 : 1 + below(4) }, request)
      const bytes = Buffer.concat(requests.map(({ bytes }) => bytes))
      const cut = chance(0.03) ? bytes.subarray(0, below(bytes.length)) : bytes
      return {
        bytes: cut,
        foreign: cut === bytes && requests.every(({ foreign }) => foreign),
        alone: requests.length === 1,
      }
    },
  }
}
