/**
 * The best that plain JavaScript does over HTTP/1.1: callbacks instead of streams of promises, one agent, 128 sockets kept alive, one header
 * array and one body a task.
 */

import http from 'node:http'
import https from 'node:https'
import { poller } from './poller.mjs'

const SOCKETS = 128

/** @type {import('../lib/clients.mjs').Connect} */
export default function connect(setting) {
  const base = new URL(setting.account.baseURL)
  const { Agent, request } = base.protocol === 'https:' ? https : http
  const agent = new Agent({ keepAlive: true, maxSockets: SOCKETS, maxFreeSockets: SOCKETS, noDelay: true })
  const place = { agent, method: 'POST', host: base.hostname, port: base.port, setHost: false }

  return poller(setting, (path, body, done) => {
    const headers = [
      'host',
      base.host,
      'content-type',
      'application/json',
      'content-length',
      `${body.length}`,
    ]
    const sent = request({ ...place, path, headers }, response => {
      let text = ''
      response.setEncoding('latin1')
      response.on('data', chunk => {
        text += chunk
      })
      response.on('end', () => done(null, text))
      response.on('error', done)
    })
    sent.on('error', done)
    sent.end(body, 'latin1')
  })
}
