import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { calls, failure, replies, required, TASK, TOKEN } from './support/calls.mjs'
import { pour, reply, startRawServer } from './support/raw-server.mjs'

/** @typedef {import('./support/raw-server.mjs').Socket} Socket */
/** @typedef {{ says: (socket: Socket) => unknown, code: string }} Hostile */

const together = { concurrency: 32 }
const created = JSON.stringify(replies.created.body)
const head = (/** @type {string[]} */ ...headers) => `HTTP/1.1 200 OK\r\n${headers.join('\r\n')}\r\n\r\n`
const sized = (/** @type {string | Buffer} */ body) =>
  Buffer.concat([Buffer.from(head(`content-length: ${Buffer.byteLength(body)}`)), Buffer.from(body)])
/** @param {string | Buffer} bytes @returns {(socket: Socket) => unknown} */
const says = bytes => socket => socket.end(bytes)
/** @param {string} start @param {string | Buffer} piece @returns {(socket: Socket) => unknown} */
const endless = (start, piece) => socket => {
  socket.write(start)
  pour(socket, piece)
}

const noReply = 'CONNECTION_FAILED'
const noSense = 'INVALID_RESPONSE'

/** What a createTask comes to that is answered so. @type {Record<string, Hostile>} */
const hostile = {
  'ten thousand headers': { says: says(head(...Array(10_000).fill('x: y')) + created), code: noReply },
  'headers without end': { says: endless('HTTP/1.1 200 OK\r\n', 'x: y\r\n'.repeat(1000)), code: noReply },
  'a header line of 1 MB': { says: says(head(`x: ${'y'.repeat(1e6)}`) + created), code: noReply },
  'a header line without end': { says: endless('HTTP/1.1 200 OK\r\nx: ', 'y'.repeat(65_536)), code: noReply },
  'a status line without end': { says: endless('HTTP/1.1 200 ', 'y'.repeat(65_536)), code: noReply },
  'another protocol without being asked': {
    says: says('HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n'),
    code: 'HTTP_ERROR',
  },
  'a chunk whose size is no number': {
    says: says(`${head('transfer-encoding: chunked')}zz\r\n${created}\r\n0\r\n\r\n`),
    code: noReply,
  },
  'a chunk whose size is beyond counting': {
    says: says(`${head('transfer-encoding: chunked')}ffffffffffffffffff\r\n${created}`),
    code: noReply,
  },
  'a chunk extension without end': {
    says: endless(`${head('transfer-encoding: chunked')}5;`, 'x'.repeat(65_536)),
    code: noReply,
  },
  'trailers without end': {
    says: endless(`${head('transfer-encoding: chunked')}1\r\n{\r\n0\r\n`, 'x: y\r\n'.repeat(1000)),
    code: noReply,
  },
  'chunks without an end': {
    says: says(`${head('transfer-encoding: chunked')}5\r\nhello\r\n`),
    code: noReply,
  },
  'little chunks without end': {
    says: endless(head('transfer-encoding: chunked'), `100\r\n${' '.repeat(256)}\r\n`.repeat(200)),
    code: noSense,
  },
  'a negative Content-Length': { says: says(head('content-length: -1') + created), code: noReply },
  'a Content-Length that is no number': { says: says(head('content-length: many') + created), code: noReply },
  'two Content-Lengths that differ': {
    says: says(head('content-length: 5', 'content-length: 50') + created),
    code: noReply,
  },
  'a Content-Length of 2^63': { says: says(head(`content-length: ${2n ** 63n}`) + created), code: noReply },
  'a Content-Length beyond 64 bits': {
    says: says(head(`content-length: ${'9'.repeat(30)}`) + created),
    code: noReply,
  },
  'a Content-Length of 2 GB and all of it': {
    says: endless(head('content-length: 2000000000'), ' '.repeat(65_536)),
    code: noSense,
  },
  'whitespace without end': { says: endless(head('x: y'), ' '.repeat(65_536)), code: noSense },
  'whitespace without end and status 500': {
    says: endless('HTTP/1.1 500 Oh\r\n\r\n', '\n'.repeat(65_536)),
    code: 'HTTP_ERROR',
  },
  'HTTP/0.9': { says: says(created), code: noReply },
  'HTTP/7.3': { says: says(`HTTP/7.3 200 OK\r\n\r\n${created}`), code: noReply },
  'HTTP/2 that was not negotiated': {
    says: says(Buffer.concat([Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]), Buffer.alloc(100)])),
    code: noReply,
  },
  'status 99': { says: says(`HTTP/1.1 99 Low\r\n\r\n${created}`), code: noReply },
  'status 999': { says: says(`HTTP/1.1 999 High\r\ncontent-length: 2\r\n\r\n{}`), code: 'HTTP_ERROR' },
  'status 204 with a body': { says: says(`HTTP/1.1 204 No\r\n\r\n${created}`), code: noSense },
  'nothing but a NUL': { says: says('\0'), code: noReply },
  'NULs in its headers': { says: says(head('x: \0\0') + created), code: noReply },
  'NULs as its body': { says: says(sized(Buffer.alloc(1000))), code: noSense },
  'NULs after its JSON': { says: says(sized(`${created}\0\0`)), code: noSense },
  'a compressed body that was not requested': {
    says: says(
      head('content-encoding: gzip', 'content-length: 4') + Buffer.from([31, 139, 8, 0]).toString('latin1'),
    ),
    code: noSense,
  },
  'bytes that are no UTF-8': {
    says: says(sized(Buffer.from([123, 34, 255, 254, 192, 175, 34, 125]))),
    code: noSense,
  },
  'a task id that is no UTF-8': {
    says: says(
      sized(
        Buffer.concat([Buffer.from('{"errorId":0,"taskId":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}')]),
      ),
    ),
    code: noSense,
  },
  'lone surrogates': { says: says(sized('{"errorId":0,"taskId":"\\ud800"}')), code: noSense },
  'a million brackets': { says: says(sized('['.repeat(1e6))), code: noSense },
  '200 000 objects in each other': {
    says: says(sized(`{"errorId":0,"taskId":${'{"a":'.repeat(150_000)}1${'}'.repeat(150_000)}}`)),
    code: noSense,
  },
  'an errorId of a thousand digits': {
    says: says(sized(`{"errorId":${'9'.repeat(1000)},"taskId":"a"}`)),
    code: noSense,
  },
  'an errorId that is infinite': { says: says(sized('{"errorId":1e999,"taskId":"a"}')), code: noSense },
  'a name a hundred thousand times': {
    says: says(sized(`{${'"errorId":0,'.repeat(80_000)}"taskId":"a"}`)),
    code: noSense,
  },
  'an error of a megabyte': {
    says: says(
      sized(`{"errorId":1,"errorCode":"${'E'.repeat(5e5)}","errorDescription":"${'%41'.repeat(1.5e5)}"}`),
    ),
    code: 'PROVIDER_ERROR',
  },
}

describe('a createTask that is answered with', together, () => {
  for (const [what, { says, code }] of Object.entries(hostile)) {
    test(`a createTask that is answered with ${what} is a ${code}, and the next call is answered`, async t => {
      let answers = 0
      const server = await startRawServer(t, (_, socket) =>
        answers++ === 0 ? says(socket) : socket.end(reply(replies.created.body)),
      )
      const options = required('createTask', server.baseURL)
      const error = await failure(calls.createTask(options))
      assert.equal(error.code, code, error.message)
      assert.ok(error.message.length < 1000)
      assert.equal(server.requests.length, 1, 'it was not sent again')
      const safe = code === 'PROVIDER_ERROR' || (code === 'HTTP_ERROR' && Number(error.status) < 500)
      if (!/101|999/.test(String(error.status))) assert.equal(error.mayBeCharged, !safe)
      assert.equal((await calls.createTask(options)).taskId, TASK)
    })
  }
})

describe('a reply with', together, () => {
  for (const [what, bytes] of /** @type {[string, string | Buffer][]} */ ([
    ['bytes after its end', `${reply(replies.created.body)}and more bytes`],
    [
      'a second reply after its end',
      reply(replies.created.body) + reply({ errorId: 1, errorCode: 'SECOND' }),
    ],
    [
      'a few interim replies before it',
      `HTTP/1.1 103 Early\r\n\r\n`.repeat(20) + reply(replies.created.body),
    ],
    ['no length, ended by the connection', `HTTP/1.0 200 OK\r\n\r\n${created}`],
    ['ninety headers', head(...Array.from({ length: 90 }, (_, i) => `x-${i}: y`)) + created],
    ['whitespace all around', sized(`${' \r\n\t'.repeat(5000)}${created}${' \n'.repeat(5000)}`)],
    [
      'chunks of one byte',
      `${head('transfer-encoding: chunked')}${[...created].map(char => `1\r\n${char}\r\n`).join('')}0\r\n\r\n`,
    ],
  ])) {
    test(`a reply with ${what} is accepted, and so is the next`, async t => {
      let answers = 0
      const server = await startRawServer(t, (_, socket) => {
        if (answers++ > 0) return socket.write(reply({ errorId: 0, taskId: 'next' }))
        if (/1.0 200|^HTTP.*\r\nx-0/.test(bytes.toString())) socket.end(bytes)
        else socket.write(bytes)
      })
      const options = required('createTask', server.baseURL)
      assert.equal((await calls.createTask(options)).taskId, TASK)
      assert.equal((await calls.createTask(options)).taskId, 'next')
      assert.equal(server.requests.length, 2)
    })
  }

  test('a solution beside which everything is odd still delivers its token', async t => {
    const deep = `${'['.repeat(200_000)}${']'.repeat(200_000)}`
    const solution = `{"token":"${TOKEN}","userAgent":[1],"headers":{"__proto__":"x","a":{}},"__proto__":{"polluted":1},"constructor":1,"deep":${deep}}`
    const server = await startRawServer(t, (_, socket) =>
      socket.end(sized(`{"errorId":0,"status":"ready","solution":${solution}}`)),
    )
    const { status, solution: got } = await calls.getTaskResult(required('getTaskResult', server.baseURL))
    assert.deepEqual([status, got.token], ['ready', TOKEN])
    assert.equal(/** @type {any} */ ({}).polluted, undefined)
    assert.equal(Object.getPrototypeOf(got.raw), Object.prototype)
  })
})

describe('a task whose polls are answered with', together, () => {
  const odd = [
    'headers without end',
    'whitespace without end',
    'HTTP/0.9',
    'nothing but a NUL',
    'a million brackets',
    'little chunks without end',
  ]
  for (const what of odd) {
    test(`a task whose polls are answered with ${what} is polled until it is delivered, and created once`, async t => {
      let polls = 0
      const server = await startRawServer(t, ({ path }, socket) => {
        if (path === '/createTask') return socket.end(reply(replies.created.body))
        if (++polls <= 1) return hostile[what].says(socket)
        socket.end(reply(replies.ready.body))
      })
      const options = required('solveTurnstile', server.baseURL, { pollIntervalMs: 10 })
      assert.equal((await calls.solveTurnstile(options)).token, TOKEN)
      assert.equal(server.requests.filter(({ path }) => path === '/createTask').length, 1)
    })
  }
})
