/** Reads the bodies of requests, within limits of size. */

import { contain, replyUnread } from './reply.mjs'

/** @typedef {import('./server.mjs').Request} Request */
/** @typedef {import('./server.mjs').Response} Response */

const MAX_BODY = 1024 * 1024
/** Of all bodies that are being read at a time. */
const MAX_READING = 64 * 1024 * 1024

/** Reads bodies for one sandbox. Together, they are limited, too. */
export function createBodyReader() {
  let reading = 0

  /**
   * Reads the whole body. `done` is not called if the client disconnects, nor if the body is too large: then the reply is sent.
   * @param {Request} req
   * @param {Response} res
   * @param {(body: Buffer) => unknown} done
   */
  return (req, res, done) => {
    req.on('error', () => {})
    const tooLarge = () => replyUnread(req, res, 413, 'The body is larger than 1 MiB')
    if (Number(req.headers['content-length']) > MAX_BODY) return tooLarge()
    if (/^100-continue$/i.test(req.headers.expect ?? '')) res.writeContinue()
    /** @type {Buffer} */
    let body = Buffer.alloc(0)
    let size = 0
    const stop = () => {
      reading -= size
      req.off('data', onData)
      req.off('end', onEnd)
      req.off('close', stop)
    }
    /** @param {Buffer} chunk */
    const onData = chunk => {
      const before = size
      size += chunk.length
      reading += chunk.length
      if (size > MAX_BODY || reading > MAX_READING) {
        stop()
        if (size > MAX_BODY) return tooLarge()
        return replyUnread(req, res, 503, 'Too many bodies are being read')
      }
      if (before === 0) {
        body = chunk
        return
      }
      // One buffer that doubles: a list of very small chunks would take a hundred times their bytes.
      if (body.length < size) {
        const larger = Buffer.allocUnsafe(Math.max(size, Math.min(2 * body.length, MAX_BODY)))
        body.copy(larger, 0, 0, before)
        body = larger
      }
      chunk.copy(body, before)
    }
    const onEnd = () => {
      stop()
      contain(res, () => done(body.subarray(0, size)))
    }
    req.on('data', onData)
    req.on('end', onEnd)
    req.on('close', stop)
  }
}

/** @typedef {ReturnType<typeof createBodyReader>} BodyReader */
