/** Several accounts as one: each within its limit. A refused account is paused, and the others are used meanwhile. */

import {
  isTurnstileError,
  providers,
  type Solution,
  type SolveOptions,
  solveTurnstile,
  type TaskOptions,
  type TurnstileError,
  waitForTask,
} from 'turnstile-solver'
import type { Account } from './accounts.mjs'

/** The fields of a widget that not every provider takes. */
const optionalFields = ['action', 'cData'] as const

export type Widget = Pick<TaskOptions, 'websiteURL' | 'websiteKey' | (typeof optionalFields)[number]>

export interface PoolSolution {
  readonly solution: Solution
  /** The account's name. */
  readonly account: string
}

export interface PoolOptions {
  /** How long an account is paused after its key, balance or plan was refused. Default: 5 minutes. */
  readonly accountPauseMs?: number
  /** How long a banned account is paused, unless the provider says. Default: 30 minutes. */
  readonly banPauseMs?: number
  readonly now?: () => number
  /** Options of every solve, besides the account and the widget. */
  readonly solveOptions?: Pick<SolveOptions, 'timeoutMs' | 'pollIntervalMs'>
}

/** No account has a provider that takes all fields of the widget. Waiting does not help. */
export class UnsupportedWidgetError extends Error {
  override readonly name = 'UnsupportedWidgetError'
  /** The fields that not every provider takes. */
  readonly fields: readonly string[]

  constructor(fields: readonly string[]) {
    super(`No account has a provider that takes ${fields.join(' and ')}.`)
    this.fields = fields
  }
}

/** All accounts that take the widget are paused. */
export class NoAccountError extends Error {
  override readonly name = 'NoAccountError'
  readonly retryAfterMs: number

  constructor(retryAfterMs: number) {
    super('All accounts are paused.')
    this.retryAfterMs = retryAfterMs
  }
}

interface Slot {
  readonly account: Account
  busy: number
  pausedUntil: number
  pauseReason?: string
}

interface Waiter {
  /** The slots of the accounts that take the widget. */
  readonly slots: readonly Slot[]
  readonly resolve: (slot: Slot) => void
  readonly reject: (reason: unknown) => void
}

export class Pool {
  readonly #slots: readonly Slot[]
  readonly #waiting = new Set<Waiter>()
  readonly #options: Required<PoolOptions>

  constructor(accounts: readonly Account[], options: PoolOptions = {}) {
    this.#slots = accounts.map(account => ({ account, busy: 0, pausedUntil: 0 }))
    this.#options = {
      accountPauseMs: 5 * 60_000,
      banPauseMs: 30 * 60_000,
      now: Date.now,
      solveOptions: {},
      ...options,
    }
  }

  /** Solves with the least busy account, and with the next one if that account is refused. */
  async solve(widget: Widget, signal?: AbortSignal): Promise<PoolSolution> {
    const slots = this.#slotsFor(widget)
    // This loop ends: each round pauses an account, and #acquire rejects once all are paused.
    for (;;) {
      const slot = await this.#acquire(slots, signal)
      try {
        return { solution: await this.#solveWith(slot.account, widget, signal), account: slot.account.name }
      } catch (error) {
        if (!isTurnstileError(error) || !this.#pauseIfRefused(slot, error)) throw error
        // If something may have been charged, no other account is used: the error has the id of the task, if it is known.
        if (error.mayBeCharged) throw error
      } finally {
        this.#release(slot)
      }
    }
  }

  /** The slots of the accounts whose provider takes all fields of the widget. */
  #slotsFor(widget: Widget): Slot[] {
    const fields = optionalFields.filter(field => widget[field] !== undefined)
    const slots = this.#slots.filter(({ account }) => {
      const info = providers.find(({ name }) => name === account.provider)
      return fields.every(field => info?.[field])
    })
    if (slots.length === 0 && fields.length > 0) throw new UnsupportedWidgetError(fields)
    return slots
  }

  /** The status of each account. */
  accounts() {
    return this.#slots.map(({ account: { name, provider, concurrency }, busy, ...slot }) => {
      const pausedForMs = Math.max(0, slot.pausedUntil - this.#options.now())
      const paused = pausedForMs > 0 ? { pauseReason: slot.pauseReason } : {}
      return { name, provider, concurrency, busy, pausedForMs, ...paused }
    })
  }

  #pauseIfRefused(slot: Slot, { reason, errorCode, retryAfterMs }: TurnstileError): boolean {
    if (reason !== 'account' && reason !== 'banned') return false
    const { accountPauseMs, banPauseMs, now } = this.#options
    const pauseMs =
      reason === 'banned' ? (retryAfterMs ?? banPauseMs) : Math.max(retryAfterMs ?? 0, accountPauseMs)
    slot.pausedUntil = Math.max(slot.pausedUntil, now() + pauseMs)
    slot.pauseReason = errorCode || reason
    return true
  }

  #notPaused(slots: readonly Slot[]): Slot[] {
    const now = this.#options.now()
    return slots.filter(({ pausedUntil }) => pausedUntil <= now)
  }

  #leastBusy(slots: readonly Slot[]): Slot | undefined {
    const share = ({ busy, account }: Slot) => busy / account.concurrency
    return slots.filter(slot => share(slot) < 1).sort((a, b) => share(a) - share(b))[0]
  }

  #acquire(slots: readonly Slot[], signal?: AbortSignal): Promise<Slot> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const dequeue = () => {
        this.#waiting.delete(waiter)
        signal?.removeEventListener('abort', onAbort)
      }
      const waiter: Waiter = {
        slots,
        resolve: slot => {
          dequeue()
          slot.busy += 1
          resolve(slot)
        },
        reject: reason => {
          dequeue()
          reject(reason)
        },
      }
      const onAbort = () => waiter.reject(signal?.reason)
      signal?.addEventListener('abort', onAbort)
      this.#waiting.add(waiter)
      this.#assign()
    })
  }

  #release(slot: Slot): void {
    slot.busy -= 1
    this.#assign()
  }

  /** Gives free slots to the waiting solves, in their order. Rejects those whose accounts are all paused. */
  #assign(): void {
    for (const waiter of this.#waiting) {
      const usable = this.#notPaused(waiter.slots)
      const slot = this.#leastBusy(usable)
      if (slot) waiter.resolve(slot)
      else if (usable.length === 0) waiter.reject(this.#noAccount(waiter.slots))
    }
  }

  #noAccount(slots: readonly Slot[]): NoAccountError {
    const first = Math.min(...slots.map(({ pausedUntil }) => pausedUntil))
    return new NoAccountError(Math.max(0, first - this.#options.now()))
  }

  /** A task that took too long is paid for, so this waits for it once more. */
  async #solveWith(
    { name, provider, clientKey, baseURL, taskType }: Account,
    widget: Widget,
    signal?: AbortSignal,
  ): Promise<Solution> {
    const common = { provider, clientKey, baseURL, label: name, signal, ...this.#options.solveOptions }
    try {
      return await solveTurnstile({ ...common, ...widget, taskType })
    } catch (error) {
      if (!isTurnstileError(error) || error.code !== 'TIMEOUT' || error.taskId === undefined) throw error
      return waitForTask({ ...common, taskId: error.taskId })
    }
  }
}
