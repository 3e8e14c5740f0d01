/** `POST /tokens` with a widget returns a token; `GET /accounts` returns the status of each account. */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { isTurnstileError } from 'turnstile-solver'
import { type Access, createAccessCheck } from './access.mjs'
import { NoAccountError, type Pool, UnsupportedWidgetError, type Widget } from './pool.mjs'

const MAX_BODY_SIZE = 64 * 1024
const required = ['websiteURL', 'websiteKey'] as const
const optional = ['action', 'cData'] as const
const fields: readonly string[] = [...required, ...optional]

class BadRequest extends Error {
  readonly status: number

  constructor(message: string, status = 400) {
    super(message)
    this.status = status
  }
}

interface Reply {
  readonly status: number
  readonly body: Record<string, unknown>
  readonly headers?: Record<string, string>
}

export function createService(pool: Pool, access: Access): Server {
  const refusalOf = createAccessCheck(access)
  return createServer((request, response) => {
    const gone = new AbortController()
    // If the client disconnects, polling its task stops.
    response.once('close', () => {
      if (!response.writableEnded) gone.abort()
    })
    const refusal = refusalOf(request)
    if (refusal) {
      const { status, error } = refusal
      // The body is not read.
      const headers = { connection: 'close', ...(status === 401 ? { 'www-authenticate': 'Bearer' } : {}) }
      return send(response, { status, body: { error }, headers })
    }
    handle(pool, request, gone.signal)
      .catch(errorReply)
      .then(reply => send(response, reply))
  })
}

async function handle(pool: Pool, request: IncomingMessage, signal: AbortSignal): Promise<Reply> {
  const route = `${request.method} ${request.url}`
  if (route === 'GET /accounts') return { status: 200, body: { accounts: pool.accounts() } }
  if (route !== 'POST /tokens')
    return { status: 404, body: { error: 'The routes are POST /tokens and GET /accounts.' } }
  // A form of a web page cannot send this content type.
  if (!/^application\/json\s*(;|$)/i.test(request.headers['content-type'] ?? ''))
    throw new BadRequest('The content type must be application/json.', 415)
  const widget = parseWidget(await readBody(request))
  const { solution, account } = await pool.solve(widget, signal)
  const { token, expiresAt, taskId } = solution
  return { status: 200, body: { token, expiresAt, taskId, account } }
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > MAX_BODY_SIZE) throw new BadRequest('The body is too long.')
    chunks.push(chunk)
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString())
  } catch {
    throw new BadRequest('The body must be JSON.')
  }
}

function parseWidget(body: unknown): Widget {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new BadRequest('The body must be an object.')
  for (const [name, value] of Object.entries(body)) {
    if (!fields.includes(name))
      throw new BadRequest(`${name} is unknown: the fields are ${fields.join(', ')}.`)
    if (typeof value !== 'string') throw new BadRequest(`${name} must be a string.`)
  }
  for (const name of required) if (!Object.hasOwn(body, name)) throw new BadRequest(`${name} is missing.`)
  return body as Widget
}

function errorReply(error: unknown): Reply {
  if (error instanceof BadRequest) return { status: error.status, body: { error: error.message } }
  if (error instanceof UnsupportedWidgetError) return { status: 400, body: { error: error.message } }
  if (error instanceof NoAccountError) {
    const headers = { 'retry-after': String(Math.ceil(error.retryAfterMs / 1000)) }
    return { status: 503, body: { error: error.message }, headers }
  }
  if (!isTurnstileError(error)) {
    console.error(error)
    return { status: 500, body: { error: 'internal error' } }
  }
  const { code, reason, errorCode, option, taskId, mayBeCharged, message } = error
  const body = { error: message, code, reason, errorCode, option, taskId, mayBeCharged }
  switch (code) {
    case 'INVALID_OPTIONS':
      // Any other option comes from the configuration of the service.
      return { status: fields.includes(option ?? '') ? 400 : 500, body }
    case 'TIMEOUT':
      return { status: 504, body }
    default:
      return { status: 502, body }
  }
}

function send(response: ServerResponse, { status, body, headers }: Reply): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
}
