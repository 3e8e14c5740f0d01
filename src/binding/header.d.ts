/** The providers that are known by name, and `'custom'` for any other service with the same protocol. */
export type Provider = __PROVIDERS__

/** All providers, and which options each takes. Frozen. */
export declare const providers: readonly Readonly<ProviderInfo>[]

/** What kind of failure a `TurnstileError` is. */
export type TurnstileErrorCode =
  /** An option is missing, unknown or wrong; nothing was sent. */
  | 'INVALID_OPTIONS'
  /** No complete HTTP reply: name resolution, connect, TLS, reset, truncated body, one exchange over its time limit. */
  | 'CONNECTION_FAILED'
  /** A reply with another status than 2xx that is not one of the task API. */
  | 'HTTP_ERROR'
  /** A reply that violates the protocol: not JSON, too large, an unknown status, no token, no task id. */
  | 'INVALID_RESPONSE'
  /** The provider refused or the task failed: see `errorCode` and `reason`. */
  | 'PROVIDER_ERROR'
  /** `timeoutMs` passed. */
  | 'TIMEOUT'
  /** The signal was aborted. */
  | 'ABORT_ERR'

/** What can be done about a `PROVIDER_ERROR`. */
export type ProviderErrorReason =
  /** The key, the balance or the plan. Repeating it counts toward a ban. */
  | 'account'
  /** The key or the address is banned for some time: stop sending. */
  | 'banned'
  /** Overloaded or throttled; nothing was created or charged. */
  | 'busy'
  /** The task is refused as it is: correct it. */
  | 'request'
  /** The task failed. A new one may be charged again. */
  | 'unsolvable'
  /** The task is unknown or no longer kept. */
  | 'expired'
  /** The provider could not use the task's proxy. */
  | 'proxy'
  /** A code that is not known. */
  | 'unknown'

/** The options of `createTask`. */
export interface CreateTaskOptions extends AccountOptions, TaskOptions {}

/** The options of `solveTurnstile`. */
export interface SolveOptions extends AccountOptions, TaskOptions, PollingOptions {}

/** The options of `getTaskResult`. */
export interface GetTaskResultOptions extends AccountOptions, TaskIdOptions {}

/** The options of `waitForTask`. */
export interface WaitForTaskOptions extends AccountOptions, TaskIdOptions, PollingOptions {}

/**
 * Every failure of every call. Branch on `code`; `cause` is the error that led to it, and the stack shows the caller's line.
 * With `ABORT_ERR` its `name` is `'AbortError'` and its `cause` the signal's reason.
 */
export declare class TurnstileError extends Error {
  /** For tests of your own code. `mayBeCharged` is `false` by default. */
  constructor(message: string, fields: TurnstileErrorInit<TurnstileErrorFields>)
}
export interface TurnstileError extends Readonly<TurnstileErrorFields> {}

/** The fields of an error that is constructed, and its `cause`. */
export type TurnstileErrorInit<Fields extends { mayBeCharged: boolean }> = Omit<Fields, 'mayBeCharged'> & {
  mayBeCharged?: boolean | undefined
  cause?: unknown
}

/** A failure, narrowed by its `code`: with each code the fields that it always has. */
export type AnyTurnstileError = TurnstileError &
  Readonly<
    | { code: 'INVALID_OPTIONS'; option: string }
    | { code: 'CONNECTION_FAILED' | 'ABORT_ERR'; provider: Provider }
    | { code: 'HTTP_ERROR' | 'INVALID_RESPONSE'; provider: Provider; status: number }
    | ({ code: 'PROVIDER_ERROR'; provider: Provider; status: number; reason: ProviderErrorReason } & {
        errorId: number
        errorCode: string
        errorDescription: string
      })
    | { code: 'TIMEOUT'; provider: Provider; elapsedMs: number; polls: number }
  >

/** Whether a value is a `TurnstileError`, also one of another realm or of another copy of the package. */
export declare function isTurnstileError(value: unknown): value is AnyTurnstileError

/**
 * What is published on the channel `turnstile-solver:call` of `node:diagnostics_channel`: for every call a `start` and a
 * `settled`, and between them its progress, by the words of `Progress.phase`. Frozen. It holds neither key nor token.
 */
export type CallEvent = CallEventFields &
  (
    | { type: 'start' }
    /** The task exists, and is paid for. */
    | { type: 'created' }
    /** A poll found the task not ready yet. */
    | { type: 'processing' }
    /** A request failed temporarily and will be sent again. */
    | { type: 'retrying'; code: TurnstileErrorCode; message: string; retryDelayMs: number }
    /** The token is available. */
    | { type: 'ready' }
    /** The call has ended; its promise settles next. */
    | { type: 'settled'; outcome: 'succeeded' }
    | ({ type: 'settled'; outcome: 'failed' } & CallEventError)
  )

/** The fields of every event. */
export interface CallEventFields {
  /** Identifies the call among those of all threads and copies of the package. */
  readonly id: string
  /** The function called. */
  readonly call: 'solveTurnstile' | 'createTask' | 'getTaskResult' | 'waitForTask' | 'getBalance'
  /** The `provider` option. Absent only where that option was wrong. */
  readonly provider?: Provider
  /** The `label` option. */
  readonly label?: string
  /** The provider's id of the task; absent until it is known. */
  readonly taskId?: string
  /** How many polls were sent so far. */
  readonly polls: number
  /** How many requests were repeated so far. */
  readonly retries: number
  /** How long the call has taken so far, in milliseconds. */
  readonly elapsedMs: number
}

/** The fields of the call's `TurnstileError` that an event carries. None holds a secret. */
export interface CallEventError
  extends Readonly<
    Pick<TurnstileErrorFields, 'code' | 'reason' | 'errorCode' | 'retryAfterMs' | 'mayBeCharged'>
  > {
  /** The error's message. */
  readonly message: string
}
