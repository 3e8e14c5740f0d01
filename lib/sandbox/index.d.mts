/**
 * `turnstile-solver/sandbox`: a stand-in for a task API on loopback, with its shapes, statuses, limits and bans, with faults on
 * demand, and with a local `siteverify` and page. No key, no network, no points. Node built-ins only.
 *
 * Times are milliseconds, instants are milliseconds since the epoch, money is points.
 *
 * Where the providers say nothing, the sandbox chose:
 * - EZ-Captcha: 404, 405 and 415 for a wrong path, method and content type; a banned key is refused on every call, not only on the one
 *   that earned the ban; no limit of polls a task.
 * - YesCaptcha: HTTP 200 for everything; a task polled more than 120 times is answered like an unknown one; a ban lasts 10 minutes.
 * - A failed task stays charged. Prices are made up. Error descriptions are worded here; the codes are the providers'.
 * - All of Cloudflare's test sitekeys yield the dummy token, those that always fail too: which of them pass is decided by the secret.
 */

/** Whose API is played. `'custom'` is a plain relative: integer task ids above 32 bits, any task type, status 200 always. */
export type SandboxProvider = 'ezcaptcha' | 'yescaptcha' | 'custom'

/** The three calls of a task API, and Cloudflare's siteverify. */
export type SandboxCall = 'createTask' | 'getTaskResult' | 'getBalance' | 'siteverify'

export interface SandboxOptions {
  /** Whose API is played. Default `'yescaptcha'`. */
  provider?: SandboxProvider
  /** The key of the account. Non-empty. Default: the first of `accounts`, else `'sandbox-key-0123456789abcdef'`. */
  clientKey?: string
  /** Points on the account of `clientKey`, from 0. Default 10 000. */
  balance?: number
  /** Several accounts: key -> points from 0. An entry for `clientKey` goes before `balance`. Default: `clientKey` alone. */
  accounts?: Record<string, number>
  /**
   * Points a task, from 0; one number for all, or by task type. Default (the sandbox's own): 15, `TurnstileTaskProxylessM1` 30,
   * `'custom'` 1. Charged when the task is created, and kept if the task fails.
   */
  price?: number | Record<string, number>
  /**
   * From creation to ready: milliseconds from 0, a range, or a function of the task. `Infinity` never gets ready. Both providers give a
   * task up after 120 000 ms. Default `[2000, 5000]`.
   */
  solveTimeMs?: number | readonly [min: number, max: number] | ((task: SandboxTaskFields) => number)
  /** Whole number. The same seed gives the same run: ids, tokens, solve times, chances of faults. Default 1. */
  seed?: number
  /** The clock behind readiness, expiry, bans and token age; not behind socket timers. Default `Date.now`. */
  now?: () => number
  /** What goes wrong, and when. Default none. More with {@link Sandbox.addFault}. */
  faults?: readonly FaultRule[]
  /** PEM key and certificate: serve https, with HTTP/2 and HTTP/1.1 by ALPN. Default: plain http, HTTP/1.1. */
  tls?: { key: string | Buffer; cert: string | Buffer }
  /** With `tls`: offer HTTP/2. `false` offers HTTP/1.1 alone. Default `true`. */
  http2?: boolean
  /** TCP port, 0 to 65535; 0 takes a free one. Default 0. */
  port?: number
  /** Loopback only: `'127.0.0.1'` and its kin, `'::1'` or `'localhost'`. Default `'127.0.0.1'`. */
  host?: string
  /**
   * Serves a web page at {@link Sandbox.dashboardURL} that shows live what is done to the sandbox, and on which a person can switch faults and
   * solve times. It costs nothing while nobody looks. Default `false`; the command line sets it.
   */
  dashboard?: boolean
}

/** A task as the client sent it. */
export interface SandboxTaskFields {
  type: string
  websiteURL?: string
  websiteKey?: string
  [field: string]: unknown
}

/** Every fault by name; what each does is in {@link faults}. */
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
 * When a fault strikes, and its parameters. Every rule counts the requests it matches; the first rule that is due wins. A reply made by
 * a fault leaves the vendor's own ledger alone: it neither counts toward a ban nor as delivered (`latency` and `close-after` do deliver).
 */
export interface FaultRule {
  /** The call it waits for; `'*'` is every call the fault applies to. Default `'*'`. */
  method?: SandboxCall | '*'
  /** What happens. Required. */
  fault: FaultName
  /** The first matching request it strikes, from 1. Default 1. */
  nth?: number
  /** How many in a row it strikes from `nth` on, from 1; `Infinity` is allowed. Default 1, or `Infinity` with `probability`. */
  times?: number
  /** Strikes each matching request with this chance, 0 to 1, seeded; then `times` caps the strikes. Default: always. */
  probability?: number
  /** Only for the n-th created task, from 1: its createTask, its getTaskResult. Default: any. */
  task?: number
  /** Whether the request is acted on (task created and charged, poll counted) first. Default: as {@link faults} says. */
  processed?: boolean
  /** Milliseconds from the request to the effect, from 0. Default 0; 1000 for `latency`. */
  delayMs?: number
  /** `429`, `503`, `error`: the Retry-After header, seconds or verbatim text. Default none. */
  retryAfter?: number | string
  /** `429`, `503`, `error`: the Retry-After header as an HTTP date so many seconds from now (the real clock's). Default none. */
  retryAfterDate?: number
  /** `redirect`: where to. Default: another loopback listener, whose visitors are counted in `stats().redirectsFollowed`. */
  location?: string
  /** `error`, `echo-key`: the code as the vendor spells it. Default an internal error, for `echo-key` a bad request. */
  errorCode?: string
  /** `error`, `echo-key`, `reply`: HTTP status. Default: the vendor's rule for the code; 200 for `reply`. */
  status?: number
  /** `reply`: headers. Default `content-type: application/json`. */
  headers?: Record<string, string>
  /** `reply`: text or bytes as they are, anything else as JSON. Default empty. */
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

/** Spread it into the client's options. */
export interface SandboxAccount {
  provider: SandboxProvider
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
  /** Polls acted on, by task id, of the tasks of the last ten minutes. */
  polls: Record<string, number>
  /** TCP connections. */
  connections: { opened: number; open: number }
  /** Strikes by name. */
  faults: Record<string, number>
  /** Bans imposed. */
  bans: number
  /** Answers of siteverify and of the page's form. */
  verifications: { success: number; failure: number }
  /** Requests that came to the target of a redirect. */
  redirectsFollowed: number
}

export interface SandboxTask {
  /** A UUID; an integer for `'custom'`. */
  taskId: string | number
  /** The task as it was sent. */
  task: SandboxTaskFields
  /** As sent, if sent. */
  appId?: unknown
  /** As sent, `softID` or `softId`, if sent. */
  softID?: unknown
  createdAt: number
  readyAt: number
  /** Polls acted on. */
  polls: number
  delivered: boolean
  /** Once a poll has seen it. */
  token?: string
}

/** What happens, as it happens, by the name of the event. No event carries a client key. */
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
  fault: { call: SandboxCall; fault: FaultName; taskNumber: number; taskId?: string | number }
  verified: {
    success: boolean
    errorCodes: string[]
    /** Of the task whose token it was; 0 if the sandbox knows none. */
    taskNumber: number
    taskId?: string | number
  }
  banned: { call: SandboxCall; errorCode: string; until: number }
}

/** An event, with its name as `type` and the time at which it happened. */
export type SandboxEvent = {
  [Name in keyof SandboxEventMap]: { type: Name; at: number } & SandboxEventMap[Name]
}[keyof SandboxEventMap]

/** Each event comes under its own name, and every event under `'*'`. */
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

/** What the local page shows. */
export interface WidgetPageOptions {
  /** Default `'0x4AAAAAAASandboxSitekey'`. Cloudflare's test sitekeys answer by themselves, any other waits for a token. */
  sitekey?: string
  /** The widget's action. Default none. */
  action?: string
  /** The widget's customer data. Default none. */
  cdata?: string
  /** `'implicit'`: a `.cf-turnstile` element; `'explicit'`: `turnstile.render()` by the page's script. Default `'implicit'`. */
  render?: 'implicit' | 'explicit'
  /** Name of the hidden field. Default `'cf-turnstile-response'`. */
  fieldName?: string
  /** `'callback'`: the page submits its form by itself when its callback gets a token. Default `'button'`. */
  submit?: 'button' | 'callback'
  /** `false`: not even a test sitekey answers by itself. Default `true`. */
  auto?: boolean
}

export interface Sandbox {
  /** Provider, key and address, to spread into the client's options. */
  readonly account: SandboxAccount
  /** The default task type of a client; with `'custom'` a client has no default. */
  readonly taskType: string
  readonly baseURL: string
  readonly port: number
  /** The secret with which siteverify accepts tokens issued by this sandbox. */
  readonly secret: string
  readonly siteverifyURL: string
  /** The address of the live page, with the option `dashboard`. */
  readonly dashboardURL?: string
  readonly events: SandboxEvents
  /** The address of the local page with a widget and a form. */
  pageURL(page?: WidgetPageOptions): string
  /** A plain copy of all that was counted. */
  stats(): SandboxStats
  /** The tasks of the last ten minutes, oldest first, as they were sent; without the key. */
  tasks(): SandboxTask[]
  /** One more rule, behind those there are. Throws a TypeError if it makes no sense. */
  addFault(rule: FaultRule): void
  /** Forgets every rule. An exchange already in trouble stays in trouble. */
  clearFaults(): void
  /** Solve times of the tasks that are created from now on, as the option takes them. Throws a TypeError if they make no sense. */
  setSolveTime(solveTimeMs: NonNullable<SandboxOptions['solveTimeMs']>): void
  /** Ends at once, open connections and hanging exchanges included. May be called again. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** Starts a sandbox. Rejects with a TypeError on an option that makes no sense. */
export function startSandbox(options?: SandboxOptions): Promise<Sandbox>

/** Every fault, for tables and loops. */
export const faults: ReadonlyArray<{
  readonly name: FaultName
  readonly description: string
  /** Whether the request is processed before it goes wrong. */
  readonly processed: boolean
  /** The calls it applies to. */
  readonly calls: readonly SandboxCall[]
}>

/** Every error code a provider may send, older and third-party sightings included. */
export const errorCodes: Readonly<Record<SandboxProvider, readonly string[]>>
