// A consumer that is wrong everywhere: each marked line must fail to compile. Nothing here is ever run.

import {
  createTask,
  getBalance,
  getTaskResult,
  isTurnstileError,
  providers,
  type SolveOptions,
  solveTurnstile,
  type TaskResult,
  TurnstileError,
  waitForTask,
} from 'turnstile-solver'
import { startSandbox } from 'turnstile-solver/sandbox'

const account = { provider: 'ezcaptcha', clientKey: 'key' } as const
const page = { websiteURL: 'https://shop.example', websiteKey: 'key' }

export function calls(): unknown[] {
  return [
    // @ts-expect-error: an unknown provider
    getBalance({ provider: 'unknown', clientKey: 'key' }),
    // @ts-expect-error: a provider that could be any text
    getBalance({ provider: 'ezcaptcha' as string, clientKey: 'key' }),
    // @ts-expect-error: no provider
    getBalance({ clientKey: 'key' }),
    // @ts-expect-error: no key
    getBalance({ provider: 'ezcaptcha' }),
    // @ts-expect-error: a key that is no text
    getBalance({ provider: 'ezcaptcha', clientKey: 5 }),
    // @ts-expect-error: no options at all
    getBalance(),
    // @ts-expect-error: null is not absent
    getBalance({ ...account, timeoutMs: null }),
    // @ts-expect-error: a time as text
    getBalance({ ...account, timeoutMs: '5s' }),
    // @ts-expect-error: an unknown option
    getBalance({ ...account, timeout: 5000 }),
    // @ts-expect-error: an option of another call
    getBalance({ ...account, pollIntervalMs: 5000 }),
    // @ts-expect-error: a controller is no signal
    getBalance({ ...account, signal: new AbortController() }),
    // @ts-expect-error: no page
    createTask({ ...account, websiteKey: 'key' }),
    // @ts-expect-error: no sitekey
    solveTurnstile({ ...account, websiteURL: 'https://shop.example' }),
    // @ts-expect-error: createTask does not poll
    createTask({ ...account, ...page, onProgress: () => {} }),
    // @ts-expect-error: extraTaskFields is an object
    createTask({ ...account, ...page, extraTaskFields: 'a=b' }),
    // @ts-expect-error: a developer id is a number or text
    createTask({ ...account, ...page, developerId: true }),
    // @ts-expect-error: wire names keep their spelling
    createTask({ ...account, ...page, softId: 88 }),
    // @ts-expect-error: no task
    getTaskResult(account),
    // @ts-expect-error: a task id is text or a number
    waitForTask({ ...account, taskId: 5n }),
    // @ts-expect-error: an existing task has its page already
    waitForTask({ ...account, taskId: 'a', websiteURL: 'https://shop.example' }),
    // @ts-expect-error: a phase that there is not
    solveTurnstile({ ...account, ...page, onProgress: event => event.phase === 'done' }),
    // @ts-expect-error: a fault that there is not
    startSandbox({ faults: [{ fault: 'explosion' }] }),
  ]
}

export function narrowing(result: TaskResult, error: unknown): unknown[] {
  // @ts-expect-error: only a ready task has a solution
  const early = result.solution
  // @ts-expect-error: nor has one in process
  const processing = result.status === 'processing' ? result.solution : undefined
  // @ts-expect-error: a status that there is not
  const idle = result.status === 'idle'
  // @ts-expect-error: an unknown has no code
  const unknown = error.code
  if (!isTurnstileError(error)) return [early, processing, idle, unknown]
  // @ts-expect-error: a code that there is not
  const wrong = error.code === 'TIMED_OUT'
  // @ts-expect-error: a reason that there is not
  const reason = error.reason === 'tired'
  // @ts-expect-error: there is a task only where one was created
  const taskId: string = error.taskId
  // @ts-expect-error: an error is not changed
  error.code = 'TIMEOUT'
  // @ts-expect-error: a field that there is not
  const retry = error.retry
  return [wrong, reason, taskId, retry]
}

export function more(options: SolveOptions): unknown[] {
  // @ts-expect-error: an error has a code
  const error = new TurnstileError('late', { mayBeCharged: true })
  // @ts-expect-error: the list of providers is not changed
  providers[0].proxy = true
  // @ts-expect-error: nor are the task types of one
  providers[0].taskTypes.push('OtherTask')
  // @ts-expect-error: a promise is not a solution
  const { token } = solveTurnstile(options)
  return [error, token]
}
