/**
 * `turnstile-solver/sandbox`: a mock of a task API on loopback, with its replies, statuses, limits and bans, with faults on
 * demand, and with a local `siteverify` and page. It needs no key and no network. Built-in modules of Node.js only.
 *
 * Times are milliseconds, instants are milliseconds since the epoch, money is points.
 *
 * Where the providers document nothing, the sandbox assumes:
 * - EZ-Captcha: 404, 405 and 415 for a wrong path, method and content type; a banned key is refused on every call, not only on the one
 *   that caused the ban; no limit of polls a task.
 * - YesCaptcha: HTTP 200 for everything; a task polled more than 120 times is answered like an unknown one; a ban lasts 10 minutes.
 * - The other services: how many errors cause a ban. Anti-Captcha: for how long.
 * - A failed task stays charged. Prices are invented. Error descriptions are in the sandbox's own words; the codes are the providers'.
 * - All of Cloudflare's sitekeys for testing return the dummy token, those that always fail too: the secret decides which of them pass.
 */

import type { Provider } from '../../index.js'

/** The API that is mocked. `'custom'` is a generic compatible service: integer task ids above 32 bits, any task type, always HTTP status 200. */
export type SandboxProvider = Provider | (string & {})

/** The calls for which faults can be injected: the three of a task API, and Cloudflare's siteverify. */
export type SandboxCall = 'createTask' | 'getTaskResult' | 'getBalance' | 'siteverify'

/** A call that was refused: `'reportTask'` is feedback on a token, `'other'` a path that the provider does not have. */
export type SandboxRequest = SandboxCall | 'getSoftID' | 'reportTask' | 'other'

export interface SandboxOptions {
  /** The API that is mocked. Default `'yescaptcha'`. */
  provider?: SandboxProvider
  /** The key of the account. Non-empty. Default: the first of `accounts`, else `'sandbox-key-0123456789abcdef'`. */
  clientKey?: string
  /** Points on the account of `clientKey`, from 0. Default 10 000. */
  balance?: number
  /** Several accounts: key -> points from 0. An entry for `clientKey` takes precedence over `balance`. Default: `clientKey` alone. */
  accounts?: Record<string, number>
  /**
   * Points a task, from 0; one number for all, or by task type. Default (the sandbox's own): 15, `TurnstileTaskProxylessM1` 30,
   * `'custom'` 1. Charged when the task is created, and kept if the task fails.
   */
  price?: number | Record<string, number>
  /**
   * From creation to ready: milliseconds from 0, a range, or a function of the task. `Infinity` is never ready. EZ-Captcha and
   * YesCaptcha give a task up after 120 000 ms. Default `[2000, 5000]`.
   */
  solveTimeMs?: number | readonly [min: number, max: number] | ((task: SandboxTaskFields) => number)
  /** Whole number. The same seed gives the same run: ids, tokens, solve times, chances of faults. Default 1. */
  seed?: number
  /** The clock for readiness, expiry, bans and token age. Socket timers do not use it. Default `Date.now`. */
  now?: () => number
  /** The faults to inject. Default none. {@link Sandbox.addFault} adds more. */
  faults?: readonly FaultRule[]
  /** PEM key and certificate: serve https, with HTTP/2 and HTTP/1.1 by ALPN. Default: plain http, HTTP/1.1. */
  tls?: { key: string | Buffer; cert: string | Buffer }
  /** With `tls`: offer HTTP/2. `false` offers HTTP/1.1 only. Default `true`. */
  http2?: boolean
  /** TCP port, 0 to 65535; 0 chooses a free one. Default 0. */
  port?: number
  /**
   * Loopback only: `'127.0.0.1'` or another address in 127.0.0.0/8, or `'::1'`. `'localhost'` is `'127.0.0.1'`, and is never resolved.
   * Default `'127.0.0.1'`.
   */
  host?: string
  /**
   * Further host names under which clients may address the sandbox, for example through a proxy. In lower case, without port. Other names
   * are refused, because a web page can have a name that resolves to this machine. Default none: only `host` and loopback.
   */
  allowedHosts?: readonly string[]
  /**
   * Serves a web page at {@link Sandbox.dashboardURL} that shows live what happens in the sandbox, and has controls for faults and solve
   * times. Default `false`; the command line sets it.
   */
  dashboard?: boolean
  /**
   * `'custom'`: the `status` in the reply of createTask, such as `'idle'`; with `'ready'` the task is solved at once, and the reply has the
   * solution. Default none.
   */
  createdStatus?: string
}

/** A task as the client sent it. */
export interface SandboxTaskFields {
  type: string
  websiteURL?: string
  websiteKey?: string
  [field: string]: unknown
}

/** The names of the faults; {@link faults} describes them. */
export type FaultName =
  | 'connection-reset'
  | 'connection-reset-after-processing'
  | 'stream-reset'
  | 'goaway'
  | 'close-after'
  | 'no-response'
  | 'no-response-after-processing'
  | 'latency'
  | 'slow-body'
  | 'truncated-json'
  | 'truncated-body'
  | 'empty-body'
  | 'html'
  | '408'
  | '429'
  | '502'
  | '503'
  | '500-html'
  | 'redirect'
  | 'oversized'
  | 'whitespace'
  | 'deep-json'
  | 'unexpected-json'
  | 'wrong-types'
  | 'created-without-id'
  | 'unknown-status'
  | 'ready-without-token'
  | 'ready-null-solution'
  | 'failed-task'
  | 'echo-key'
  | 'error'
  | 'reply'

/**
 * When a fault is injected, and its parameters. Every rule counts the requests that it matches; the first rule that is due wins. A reply
 * of a fault does not count toward a ban, nor as delivered (except `latency` and `close-after`).
 */
export interface FaultRule {
  /** The call that it applies to; `'*'` is every call that the fault is possible for. Default `'*'`. */
  method?: SandboxCall | '*'
  /** The fault. Required. */
  fault: FaultName
  /** The first matching request that gets the fault, from 1. Default 1. */
  nth?: number
  /** How many requests in a row get the fault, starting with `nth`, from 1; `Infinity` is allowed. Default 1, or `Infinity` with `probability`. */
  times?: number
  /** The probability with which each matching request gets the fault, 0 to 1, seeded; `times` then limits how many do. Default: always. */
  probability?: number
  /** Only for the n-th created task, from 1: its createTask, its getTaskResult. Default: any. */
  task?: number
  /** Whether the request is processed first (task created and charged, poll counted). Default: as {@link faults} says. */
  processed?: boolean
  /** Milliseconds from the request to the fault, from 0. Default 0; 1000 for `latency`. */
  delayMs?: number
  /** `429`, `503`, `error`: the Retry-After header, seconds or verbatim text. Default none. */
  retryAfter?: number | string
  /** `429`, `503`, `error`: the Retry-After header as an HTTP date, this many seconds after the current time of the real clock. Default none. */
  retryAfterDate?: number
  /** `redirect`: the target. Default: another loopback listener, whose requests are counted in `stats().redirectsFollowed`. */
  location?: string
  /** `error`, `echo-key`: the code as the provider spells it. Default an internal error, for `echo-key` a bad request. */
  errorCode?: string
  /** `error`, `echo-key`, `reply`: HTTP status. Default: the provider's rule for the code; 200 for `reply`. */
  status?: number
  /** `reply`: headers. Default `content-type: application/json`. */
  headers?: Record<string, string>
  /** `reply`: text or bytes are sent unchanged, anything else as JSON. Default empty. */
  body?: unknown
  /** `oversized`: bytes of padding, from 0. Default 2 MiB. */
  bytes?: number
  /** `deep-json`: levels of nesting, from 0. Default 100 000. */
  depth?: number
  /** `slow-body`: milliseconds between two bytes, from 0. Default 1000. */
  intervalMs?: number
  /** `echo-key`: how the key is written. Default `'plain'`. */
  encoding?: 'plain' | 'percent' | 'base64'
  /** `unknown-status`: the status sent. Default `'pondering'`. */
  taskStatus?: string
  /** `stream-reset`: HTTP/2 error code; 7 is REFUSED_STREAM. Default 2, INTERNAL_ERROR. */
  http2Code?: number
}

/** Spread it into the options of a call. */
export interface SandboxAccount {
  provider: Provider
  clientKey: string
  baseURL: string
}

export interface SandboxStats {
  provider: SandboxProvider
  /** Requests by path; unknown paths together under `other`. */
  requests: Record<string, number>
  /**
   * `delivered`: its token was sent at least once; `failed`: its failure was sent; `expired`: its five minutes passed with neither.
   */
  tasks: { created: number; delivered: number; failed: number; expired: number }
  pointsCharged: number
  /** Points left by client key. */
  balances: Record<string, number>
  /** Polls that were processed, by task id, of the tasks of the last ten minutes. */
  polls: Record<string, number>
  /** TCP connections. */
  connections: { opened: number; open: number }
  /** Faults injected, by name. */
  faults: Record<string, number>
  /** Bans imposed. */
  bans: number
  /** Verifications by siteverify and by the form of the page. */
  verifications: { success: number; failure: number }
  /** Requests to the target of a redirect. */
  redirectsFollowed: number
}

export interface SandboxTask {
  /** A UUID or an integer, as the provider documents. */
  taskId: string | number
  /** The task as it was sent. */
  task: SandboxTaskFields
  /**
   * Set if `task` has only the type, the page and the sitekey, each cut at 2048 characters. The sandbox keeps at most 64 MiB for all
   * tasks together; the oldest tasks lose their other fields first.
   */
  truncated?: true
  /** As sent, if sent. */
  appId?: unknown
  /** As sent, `softID` or `softId`, if sent. */
  softID?: unknown
  createdAt: number
  readyAt: number
  /** Polls that were processed. */
  polls: number
  delivered: boolean
  /** What the client reported, if it did. */
  accepted?: boolean
  /** Once a poll has returned it. */
  token?: string
}

/** The events by name. No event contains a client key. */
export interface SandboxEventMap {
  request: { method: string; path: string; httpVersion: string }
  'task:created': { taskId: string | number; taskNumber: number; points: number; readyAt: number }
  'task:polled': {
    taskId: string | number
    taskNumber: number
    polls: number
    state: 'processing' | 'ready' | 'failed'
  }
  'task:ready': { taskId: string | number; taskNumber: number; readyAt: number }
  'task:delivered': { taskId: string | number; taskNumber: number }
  /** The client reported whether the token was accepted. */
  'task:reported': { taskId: string | number; taskNumber: number; accepted: boolean }
  fault: { call: SandboxCall; fault: FaultName; taskNumber: number; taskId?: string | number }
  verified: {
    success: boolean
    errorCodes: string[]
    /** The task whose token was verified; 0 if it is unknown. */
    taskNumber: number
    taskId?: string | number
  }
  /** The provider refused a request: its key, its balance, its fields, or a task that does not exist. */
  refused: { call: SandboxRequest; errorCode: string }
  banned: { call: SandboxRequest; errorCode: string; until: number }
}

/** An event, with its name as `type` and the time at which it happened. */
export type SandboxEvent = {
  [Name in keyof SandboxEventMap]: { type: Name; at: number } & SandboxEventMap[Name]
}[keyof SandboxEventMap]

/** Each event is emitted under its own name and under `'*'`. */
export interface SandboxEvents extends NodeJS.EventEmitter {
  on<Name extends SandboxEvent['type']>(
    name: Name,
    listener: (event: Extract<SandboxEvent, { type: Name }>) => void,
  ): this
  on(name: '*', listener: (event: SandboxEvent) => void): this
  once<Name extends SandboxEvent['type']>(
    name: Name,
    listener: (event: Extract<SandboxEvent, { type: Name }>) => void,
  ): this
  once(name: '*', listener: (event: SandboxEvent) => void): this
  off(name: SandboxEvent['type'] | '*', listener: (event: never) => void): this
}

/** The content of the local page. */
export interface WidgetPageOptions {
  /** Default `'0x4AAAAAAASandboxSitekey'`. Cloudflare's sitekeys for testing get a token by themselves, others wait for one. */
  sitekey?: string
  /** The widget's action. Default none. */
  action?: string
  /** The widget's customer data. Default none. */
  cdata?: string
  /** `'implicit'`: a `.cf-turnstile` element; `'explicit'`: the page's script calls `turnstile.render()`. Default `'implicit'`. */
  render?: 'implicit' | 'explicit'
  /** Name of the hidden field. Default `'cf-turnstile-response'`. */
  fieldName?: string
  /** `'callback'`: the page submits its form when its callback gets a token. Default `'button'`. */
  submit?: 'button' | 'callback'
  /** `false`: sitekeys for testing wait for a token, too. Default `true`. */
  auto?: boolean
}

export interface Sandbox {
  /** Provider, key and address, to spread into the options of a call. */
  readonly account: SandboxAccount
  /** The client's default task type; for `'custom'`, pass it to the client as `taskType`. */
  readonly taskType: string
  readonly baseURL: string
  readonly port: number
  /** The secret with which siteverify accepts tokens issued by this sandbox. */
  readonly secret: string
  readonly siteverifyURL: string
  /** The address of the dashboard, with the option `dashboard`. */
  readonly dashboardURL?: string
  readonly events: SandboxEvents
  /** The address of the local page with a widget and a form. */
  pageURL(page?: WidgetPageOptions): string
  /** A plain copy of all counts. */
  stats(): SandboxStats
  /** The tasks of the last ten minutes, 500 000 at most, oldest first, as they were sent, without the key. */
  tasks(): SandboxTask[]
  /** Adds a rule after the existing ones. Throws a TypeError if it is not valid. */
  addFault(rule: FaultRule): void
  /** Removes every rule. Requests in flight are not affected. */
  clearFaults(): void
  /** Sets the solve time of the tasks that are created from now on, as the option `solveTimeMs` does. Throws a TypeError if it is not valid. */
  setSolveTime(solveTimeMs: NonNullable<SandboxOptions['solveTimeMs']>): void
  /** Closes at once, with open connections and requests without a reply. May be called again. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** Starts a sandbox. Rejects with a TypeError if an option is not valid. */
export function startSandbox(options?: SandboxOptions): Promise<Sandbox>

/** Every fault. */
export const faults: ReadonlyArray<{
  readonly name: FaultName
  readonly description: string
  /** Whether the request is processed before the fault. */
  readonly processed: boolean
  /** The calls it applies to. */
  readonly calls: readonly SandboxCall[]
}>

/** Every error code that a provider may send, older ones and those of third-party reports included. */
export const errorCodes: Readonly<Record<SandboxProvider, readonly string[]>>
