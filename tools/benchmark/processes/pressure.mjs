/** As many requests as the sandbox takes: what it can do at most. */

import http from 'node:http'
import http2 from 'node:http2'
import https from 'node:https'
import { performance } from 'node:perf_hooks'
import { serveParent } from './parent.mjs'

const AT_ONCE = 64

serveParent({
  async run({ account, mode, ms }) {
    const base = new URL(account.baseURL)
    const { clientKey, taskType: type } = account
    const task = { type, websiteURL: 'https://shop.example/login', websiteKey: '0x4AAAAAAABenchSitekey' }
    const body = JSON.stringify({ clientKey, task })
    const send = mode === 'h2' ? overHttp2(base, body) : overHttp1(base, body)
    let done = 0
    const until = performance.now() + ms
    const worker = async () => {
      for (; performance.now() < until; done++) await send()
    }
    const before = performance.now()
    await Promise.all(Array.from({ length: AT_ONCE }, worker))
    return (done * 1000) / (performance.now() - before)
  },
})

/** @param {URL} base @param {string} body */
function overHttp1(base, body) {
  const { Agent, request } = base.protocol === 'https:' ? https : http
  const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE })
  const headers = ['host', base.host, 'content-type', 'application/json', 'content-length', `${body.length}`]
  const options = {
    agent,
    method: 'POST',
    host: base.hostname,
    port: base.port,
    path: '/createTask',
    headers,
    setHost: false,
  }
  return () =>
    new Promise((resolve, reject) => {
      const sent = request(options, response => response.resume().on('end', resolve))
      sent.on('error', reject)
      sent.end(body)
    })
}

/** @param {URL} base @param {string} body */
function overHttp2(base, body) {
  const session = http2.connect(base)
  const headers = { ':method': 'POST', ':path': '/createTask', 'content-type': 'application/json' }
  return () =>
    new Promise((resolve, reject) => {
      const stream = session.request(headers)
      stream.resume().on('end', resolve).on('error', reject)
      stream.end(body)
    })
}
