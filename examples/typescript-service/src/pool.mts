/** Many accounts as one: each within its limit, and one that is refused rests while the others go on. */

import {
  isTurnstileError,
  type Solution,
  type SolveOptions,
  solveTurnstile,
  type TaskOptions,
  type TurnstileError,
  waitForTask,
} from 'turnstile-solver'
import type { Account } from './accounts.mjs'

export type Widget = Pick<TaskOptions, 'websiteURL' | 'websiteKey' | 'action' | 'cData'>

export interface Answer {
  readonly solution: Solution
  /** The account's name. */
  readonly account: string
}

export interface PoolOptions {
  /** How long an account rests whose key, balance or plan was refused. */
  readonly accountRestMs?: number
  /** How long a banned one rests, unless the provider says. */
  readonly banRestMs?: number
  readonly now?: () => number
  /** What each solve is given besides the account and the widget. */
  readonly pace?: Pick<SolveOptions, 'timeoutMs' | 'pollIntervalMs'>
}

/** All accounts rest. */
export class NoAccountError extends Error {
  override readonly name = 'NoAccountError'
  readonly retryAfterMs: number

  constructor(retryAfterMs: number) {
    super('Every account is refused for now.')
    this.retryAfterMs = retryAfterMs
  }
}

interface Slot {
  readonly account: Account
  busy: number
  restsUntil: number
  why?: string
}

interface Waiter {
  readonly take: (slot: Slot) => void
  readonly fail: (reason: unknown) => void
}

export class Pool {
  readonly #slots: readonly Slot[]
  readonly #waiting = new Set<Waiter>()
  readonly #options: Required<PoolOptions>

  constructor(accounts: readonly Account[], options: PoolOptions = {}) {
    this.#slots = accounts.map(account => ({ account, busy: 0, restsUntil: 0 }))
    this.#options = { accountRestMs: 5 * 60_000, banRestMs: 30 * 60_000, now: Date.now, pace: {}, ...options }
  }

  /** Solves at whichever account is the least busy, and at the next where that one is refused. */
  async solve(widget: Widget, signal?: AbortSignal): Promise<Answer> {
    // It ends: each round puts an account to rest, and with none left there is no slot.
    for (;;) {
      const slot = await this.#acquire(signal)
      try {
        return { solution: await this.#solveAt(slot.account, widget, signal), account: slot.account.name }
      } catch (error) {
        if (!isTurnstileError(error) || !this.#putToRest(slot, error)) throw error
        // What may be paid for is not bought again elsewhere: the error says which task it is.
        if (error.mayBeCharged) throw error
      } finally {
        this.#release(slot)
      }
    }
  }

  /** How the accounts stand. */
  accounts() {
    return this.#slots.map(({ account: { name, provider, concurrency }, busy, ...slot }) => {
      const restsForMs = Math.max(0, slot.restsUntil - this.#options.now())
      return { name, provider, concurrency, busy, restsForMs, ...(restsForMs > 0 ? { why: slot.why } : {}) }
    })
  }

  #putToRest(slot: Slot, { reason, errorCode, retryAfterMs }: TurnstileError): boolean {
    if (reason !== 'account' && reason !== 'banned') return false
    const { accountRestMs, banRestMs, now } = this.#options
    const restMs =
      reason === 'banned' ? (retryAfterMs ?? banRestMs) : Math.max(retryAfterMs ?? 0, accountRestMs)
    slot.restsUntil = Math.max(slot.restsUntil, now() + restMs)
    slot.why = errorCode || reason
    return true
  }

  #awake(): Slot[] {
    const now = this.#options.now()
    return this.#slots.filter(({ restsUntil }) => restsUntil <= now)
  }

  #free(): Slot | undefined {
    const share = ({ busy, account }: Slot) => busy / account.concurrency
    return this.#awake()
      .filter(slot => share(slot) < 1)
      .sort((a, b) => share(a) - share(b))[0]
  }

  #acquire(signal?: AbortSignal): Promise<Slot> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const settled = () => {
        this.#waiting.delete(waiter)
        signal?.removeEventListener('abort', aborted)
      }
      const waiter: Waiter = {
        take: slot => {
          settled()
          slot.busy += 1
          resolve(slot)
        },
        fail: reason => {
          settled()
          reject(reason)
        },
      }
      const aborted = () => waiter.fail(signal?.reason)
      signal?.addEventListener('abort', aborted)
      this.#waiting.add(waiter)
      this.#hand()
    })
  }

  #release(slot: Slot): void {
    slot.busy -= 1
    this.#hand()
  }

  /** Gives what is free to those who wait, in their order; where every account rests, waiting is in vain. */
  #hand(): void {
    for (const waiter of this.#waiting) {
      const slot = this.#free()
      if (slot) waiter.take(slot)
      else if (this.#awake().length === 0) waiter.fail(this.#noAccount())
      else return
    }
  }

  #noAccount(): NoAccountError {
    const first = Math.min(...this.#slots.map(({ restsUntil }) => restsUntil))
    return new NoAccountError(Math.max(0, first - this.#options.now()))
  }

  /** A task that took too long is paid for: it is waited for once more. */
  async #solveAt(
    { provider, clientKey, baseURL }: Account,
    widget: Widget,
    signal?: AbortSignal,
  ): Promise<Solution> {
    const common = { provider, clientKey, baseURL, signal, ...this.#options.pace }
    try {
      return await solveTurnstile({ ...common, ...widget })
    } catch (error) {
      if (!isTurnstileError(error) || error.code !== 'TIMEOUT' || error.taskId === undefined) throw error
      return waitForTask({ ...common, taskId: error.taskId })
    }
  }
}
