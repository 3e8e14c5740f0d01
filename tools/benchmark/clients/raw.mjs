/**
 * The bare exchange: bytes made once, written to one kept socket, and the reply looked at no further than for its end and the task's id. No
 * client of any use can be cheaper in Node.js. Plain HTTP, one solve at a time.
 */

import net from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** @type {import('../lib/clients.mjs').Connect} */
export default function connect({ account, website, pollMs }) {
  const { host, hostname, port } = new URL(account.baseURL)
  const { clientKey } = account
  const socket = net.connect({ host: hostname, port: Number(port), noDelay: true })
  socket.setEncoding('latin1')
  let text = ''
  let end = 0
  /** @type {(text: string) => void} */
  let answered
  socket.on('data', chunk => {
    text += chunk
    if (end === 0) {
      const head = text.indexOf('\r\n\r\n')
      if (head < 0) return
      end = head + 4 + Number(/content-length: (\d+)/i.exec(text)?.[1])
    }
    if (text.length >= end) answered(text)
  })

  /** @param {string} path @param {object} fields */
  const request = (path, fields) => {
    const body = JSON.stringify({ clientKey, ...fields })
    return `POST ${path} HTTP/1.1\r\nhost: ${host}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`
  }
  /** @param {string} bytes @returns {Promise<string>} */
  const exchange = bytes => {
    text = ''
    end = 0
    return new Promise(resolve => {
      answered = resolve
      socket.write(bytes, 'latin1')
    })
  }
  const create = request('/createTask', { task: { type: account.taskType, ...website } })
  const poll = request('/getTaskResult', { taskId: '00000000-0000-0000-0000-000000000000' }).split(
    '00000000-0000-0000-0000-000000000000',
  )

  return async () => {
    const created = await exchange(create)
    const at = created.indexOf('"taskId":"') + 10
    const bytes = poll[0] + created.slice(at, at + 36) + poll[1]
    if (pollMs > 0) await sleep(pollMs)
    const reply = await exchange(bytes)
    const from = reply.indexOf('"token":"') + 9
    return reply.slice(from, reply.indexOf('"', from))
  }
}
