/** The best that plain JavaScript does over HTTP/2: one session, and never more streams than the server takes. */

import http2 from 'node:http2'
import { poller } from './poller.mjs'

const STREAMS = 128

/** @type {import('../lib/clients.mjs').Connect} */
export default function connect(setting) {
  const session = http2.connect(setting.account.baseURL)
  session.unref()
  /** @type {(() => void)[]} */
  const waiting = []
  let first = 0
  let open = 0

  const next = () => {
    open--
    const start = waiting[first]
    if (!start) return
    first++
    if (first === waiting.length) {
      waiting.length = 0
      first = 0
    }
    start()
  }

  return poller(setting, (path, body, done) => {
    const start = () => {
      open++
      const stream = session.request({
        ':method': 'POST',
        ':path': path,
        'content-type': 'application/json',
        'content-length': body.length,
      })
      let text = ''
      stream.setEncoding('latin1')
      stream.on('data', chunk => {
        text += chunk
      })
      stream.on('end', () => done(null, text))
      stream.on('error', done)
      stream.on('close', next)
      stream.end(body, 'latin1')
    }
    if (open < STREAMS) start()
    else waiting.push(start)
  })
}
