/** What a client sees of each fault of the catalogue: the looks that its description promises. */

import assert from 'node:assert/strict'
import { KEY } from './sandbox-client.mjs'

/** @typedef {import('./sandbox-client.mjs').Answer} Answer */
/** @typedef {import('../../lib/sandbox/index.mjs').FaultRule} FaultRule */

/** @param {Answer} answer */
const isReset = ({ status, error }) => assert.deepEqual([status, error?.code], [undefined, 'ECONNRESET'])

/** @param {number} status @returns {(answer: Answer) => void} */
const isPage = status => answer => {
  assert.equal(answer.status, status)
  assert.match(answer.headers['content-type'] ?? '', /^text\/html/)
  assert.match(answer.text, /<html>/)
}

/** @param {Answer} answer */
const isWhole = ({ status, json }) => assert.deepEqual([status, json.errorId], [200, 0])

/**
 * What a client sees of a fault. `leaves`: the client has to go first, as nothing ends by itself.
 * @type {Record<string, { looks?: (answer: Answer) => void, leaves?: boolean, params?: Partial<FaultRule> }>}
 */
export const observable = {
  'connection-reset': { looks: isReset },
  'connection-reset-after-processing': { looks: isReset },
  'stream-reset': { looks: isReset },
  goaway: { looks: isReset },
  'close-after': { looks: isWhole },
  'no-response': { leaves: true },
  'no-response-after-processing': { leaves: true },
  latency: { looks: isWhole, params: { delayMs: 5 } },
  'slow-body': { leaves: true },
  'truncated-json': {
    looks: ({ status, headers, text, json, error }) => {
      assert.deepEqual([status, error, json], [200, undefined, undefined])
      assert.equal(Number(headers['content-length']), text.length)
      assert.match(text, /^\{"errorId"/)
    },
  },
  'truncated-body': {
    looks: ({ status, headers, text, error }) => {
      assert.deepEqual([status, error?.code], [200, 'ECONNRESET'])
      assert.ok(text.length > 0 && text.length < Number(headers['content-length']))
    },
  },
  'empty-body': { looks: ({ status, text }) => assert.deepEqual([status, text], [200, '']) },
  html: { looks: isPage(200) },
  408: { looks: isPage(408) },
  429: { looks: isPage(429) },
  502: { looks: isPage(502) },
  503: { looks: isPage(503) },
  '500-html': { looks: isPage(500) },
  redirect: {
    looks: ({ status, headers }) => {
      assert.equal(status, 307)
      assert.match(
        headers.location ?? '',
        /^http:\/\/127\.0\.0\.1:\d+\/(createTask|getTaskResult|getBalance)$/,
      )
    },
  },
  oversized: {
    looks: ({ status, text, json }) => {
      assert.deepEqual([status, json.errorId], [200, 0])
      assert.ok(text.length > 1 << 20)
    },
  },
  whitespace: { leaves: true },
  'deep-json': {
    looks: ({ status, text }) => {
      assert.equal(status, 200)
      assert.ok(text.includes('['.repeat(100_000) + ']'.repeat(100_000)))
    },
  },
  'unexpected-json': { looks: ({ status, text }) => assert.deepEqual([status, text], [200, '{}']) },
  'wrong-types': {
    looks: ({ json }) => {
      assert.notEqual(typeof json.errorId, 'number')
      for (const name of ['taskId', 'status']) assert.notEqual(typeof (json[name] ?? 7), 'string')
    },
  },
  'created-without-id': {
    looks: ({ json }) => assert.deepEqual(json, { errorId: 0, errorCode: '', errorDescription: '' }),
  },
  'unknown-status': { looks: ({ json }) => assert.deepEqual([json.errorId, json.status], [0, 'pondering']) },
  'ready-without-token': {
    looks: ({ json }) => {
      assert.deepEqual([json.errorId, json.status], [0, 'ready'])
      assert.deepEqual(Object.keys(json.solution), ['userAgent'])
    },
  },
  'ready-null-solution': {
    looks: ({ json }) => assert.deepEqual([json.status, json.solution], ['ready', null]),
  },
  'failed-task': {
    looks: ({ json }) =>
      assert.ok(json.errorCode === 'ERROR_CAPTCHA_UNSOLVABLE' || json.taskId !== undefined),
  },
  'echo-key': {
    looks: ({ json }) => {
      assert.notEqual(json.errorId, 0)
      assert.ok(json.errorDescription.includes(KEY))
    },
  },
  error: { looks: ({ json }) => assert.equal(json.errorCode, 'ERROR_INTERNAL_SERVER_ERROR') },
  reply: {
    params: { status: 418, headers: { 'x-said': 'so' }, body: { tea: true } },
    looks: ({ status, headers, json }) =>
      assert.deepEqual([status, headers['x-said'], json], [418, 'so', { tea: true }]),
  },
}
