/** What a client observes of each fault, as its description says. */

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
 * What a client observes of a fault. `leaves`: the client has to disconnect, as the exchange does not end by itself.
 * @type {Record<string, { check?: (answer: Answer) => void, leaves?: boolean, params?: Partial<FaultRule> }>}
 */
export const observable = {
  'connection-reset': { check: isReset },
  'connection-reset-after-processing': { check: isReset },
  'stream-reset': { check: isReset },
  goaway: { check: isReset },
  'close-after': { check: isWhole },
  'no-response': { leaves: true },
  'no-response-after-processing': { leaves: true },
  latency: { check: isWhole, params: { delayMs: 5 } },
  'slow-body': { leaves: true },
  'truncated-json': {
    check: ({ status, headers, text, json, error }) => {
      assert.deepEqual([status, error, json], [200, undefined, undefined])
      assert.equal(Number(headers['content-length']), text.length)
      assert.match(text, /^\{"errorId"/)
    },
  },
  'truncated-body': {
    check: ({ status, headers, text, error }) => {
      assert.deepEqual([status, error?.code], [200, 'ECONNRESET'])
      assert.ok(text.length > 0 && text.length < Number(headers['content-length']))
    },
  },
  'empty-body': { check: ({ status, text }) => assert.deepEqual([status, text], [200, '']) },
  html: { check: isPage(200) },
  408: { check: isPage(408) },
  429: { check: isPage(429) },
  502: { check: isPage(502) },
  503: { check: isPage(503) },
  '500-html': { check: isPage(500) },
  redirect: {
    check: ({ status, headers }) => {
      assert.equal(status, 307)
      assert.match(
        headers.location ?? '',
        /^http:\/\/127\.0\.0\.1:\d+\/(createTask|getTaskResult|getBalance)$/,
      )
    },
  },
  oversized: {
    check: ({ status, text, json }) => {
      assert.deepEqual([status, json.errorId], [200, 0])
      assert.ok(text.length > 1 << 20)
    },
  },
  whitespace: { leaves: true },
  'deep-json': {
    check: ({ status, text }) => {
      assert.equal(status, 200)
      assert.ok(text.includes('['.repeat(100_000) + ']'.repeat(100_000)))
    },
  },
  'unexpected-json': { check: ({ status, text }) => assert.deepEqual([status, text], [200, '{}']) },
  'wrong-types': {
    check: ({ json }) => {
      assert.notEqual(typeof json.errorId, 'number')
      for (const name of ['taskId', 'status']) assert.notEqual(typeof (json[name] ?? 7), 'string')
    },
  },
  'created-without-id': {
    check: ({ json }) => assert.deepEqual(json, { errorId: 0, errorCode: '', errorDescription: '' }),
  },
  'unknown-status': { check: ({ json }) => assert.deepEqual([json.errorId, json.status], [0, 'pondering']) },
  'ready-without-token': {
    check: ({ json }) => {
      assert.deepEqual([json.errorId, json.status], [0, 'ready'])
      assert.deepEqual(Object.keys(json.solution), ['userAgent'])
    },
  },
  'ready-null-solution': {
    check: ({ json }) => assert.deepEqual([json.status, json.solution], ['ready', null]),
  },
  'failed-task': {
    check: ({ json }) =>
      assert.ok(json.errorCode === 'ERROR_CAPTCHA_UNSOLVABLE' || json.taskId !== undefined),
  },
  'echo-key': {
    check: ({ json }) => {
      assert.notEqual(json.errorId, 0)
      assert.ok(json.errorDescription.includes(KEY))
    },
  },
  error: { check: ({ json }) => assert.equal(json.errorCode, 'ERROR_INTERNAL_SERVER_ERROR') },
  reply: {
    params: { status: 418, headers: { 'x-test': 'yes' }, body: { tea: true } },
    check: ({ status, headers, json }) =>
      assert.deepEqual([status, headers['x-test'], json], [418, 'yes', { tea: true }]),
  },
}
