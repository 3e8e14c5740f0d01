// A consumer that is right: all of it must compile, as an ES module. Nothing here is ever run.

import {
  type AccountOptions,
  type Balance,
  type CallEvent,
  type CreateTaskOptions,
  createTask,
  type GetTaskResultOptions,
  getBalance,
  getTaskResult,
  isTurnstileError,
  type Progress,
  type Provider,
  type ProviderErrorReason,
  type ProviderInfo,
  providers,
  type Solution,
  type SolveOptions,
  solveTurnstile,
  type Task,
  type TaskResult,
  TurnstileError,
  type TurnstileErrorCode,
  type TurnstileErrorFields,
  type WaitForTaskOptions,
  waitForTask,
} from 'turnstile-solver'
import {
  errorCodes,
  type FaultRule,
  faults,
  type Sandbox,
  type SandboxOptions,
  startSandbox,
} from 'turnstile-solver/sandbox'

/** Holds only if both are the same type, `any` included. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const holds = <T extends true>(): T | undefined => undefined

holds<'ezcaptcha' | 'yescaptcha' | 'custom' extends Provider ? true : false>()
holds<string extends Provider ? false : true>()
holds<
  Same<
    TurnstileErrorCode,
    | 'INVALID_OPTIONS'
    | 'CONNECTION_FAILED'
    | 'HTTP_ERROR'
    | 'INVALID_RESPONSE'
    | 'PROVIDER_ERROR'
    | 'TIMEOUT'
    | 'ABORT_ERR'
  >
>()
holds<
  Same<
    ProviderErrorReason,
    'account' | 'banned' | 'busy' | 'request' | 'unsolvable' | 'expired' | 'proxy' | 'unknown'
  >
>()
/** What is for some providers only: which of the accounts take it. */
export const takesAction = (accounts: AccountOptions[]): AccountOptions[] =>
  accounts.filter(account => providers.find(({ name }) => name === account.provider)?.action)
export const known: readonly Readonly<ProviderInfo>[] = providers
export const defaults = known.map(({ taskTypes: [first] }): string | undefined => first)
holds<Same<ProviderInfo['name'], Provider>>()

holds<Same<Progress['phase'], 'created' | 'processing' | 'retrying' | 'ready'>>()

// Which option belongs to which call, and no more.
type AccountKeys =
  | 'provider'
  | 'clientKey'
  | 'baseURL'
  | 'label'
  | 'timeoutMs'
  | 'requestTimeoutMs'
  | 'signal'
type TaskKeys =
  | 'websiteURL'
  | 'websiteKey'
  | 'taskType'
  | 'action'
  | 'cData'
  | 'proxy'
  | 'developerId'
  | 'extraTaskFields'
  | 'extraRequestFields'
type PollingKeys = 'pollIntervalMs' | 'onProgress'
holds<Same<keyof AccountOptions, AccountKeys>>()
holds<Same<keyof CreateTaskOptions, AccountKeys | TaskKeys>>()
holds<Same<keyof SolveOptions, AccountKeys | TaskKeys | PollingKeys>>()
holds<Same<keyof GetTaskResultOptions, AccountKeys | 'taskId'>>()
holds<Same<keyof WaitForTaskOptions, AccountKeys | PollingKeys | 'taskId'>>()

// What each result holds.
holds<
  Same<
    keyof Solution,
    | 'token'
    | 'userAgent'
    | 'headers'
    | 'provider'
    | 'label'
    | 'taskId'
    | 'createdAt'
    | 'readyAt'
    | 'expiresAt'
    | 'elapsedMs'
    | 'polls'
    | 'retries'
    | 'raw'
  >
>()
holds<Same<keyof Task, 'taskId' | 'provider' | 'createdAt'>>()
holds<Same<keyof Balance, 'balance' | 'raw'>>()
holds<Same<TaskResult['status'], 'processing' | 'ready'>>()

// What each call takes and gives.
holds<Same<ReturnType<typeof solveTurnstile>, Promise<Solution>>>()
holds<Same<ReturnType<typeof createTask>, Promise<Task>>>()
holds<Same<ReturnType<typeof getTaskResult>, Promise<TaskResult>>>()
holds<Same<ReturnType<typeof waitForTask>, Promise<Solution>>>()
holds<Same<ReturnType<typeof getBalance>, Promise<Balance>>>()
holds<Same<Parameters<typeof getBalance>, [options: AccountOptions]>>()

const controller = new AbortController()
const account: AccountOptions = { provider: 'yescaptcha', clientKey: 'key', signal: controller.signal }
const page = { websiteURL: 'https://shop.example', websiteKey: 'key' }

export async function everything(): Promise<string> {
  const lines: string[] = []
  const solution = await solveTurnstile({
    ...account,
    ...page,
    provider: 'ezcaptcha',
    baseURL: 'https://api.example',
    taskType: 'CloudFlareTurnstileTask',
    action: 'login',
    cData: 'session',
    proxy: 'http://user:pass@proxy.example:8080',
    extraTaskFields: { cookies: 'a=b', nested: { list: [1, 'two', null] } },
    extraRequestFields: { languagePool: 'en' },
    developerId: 77,
    timeoutMs: 120_000,
    pollIntervalMs: 3000,
    requestTimeoutMs: 15_000,
    onProgress: ({ phase, taskId, polls, retries, elapsedMs, retryDelayMs, code, message }) => {
      lines.push(
        `${phase} ${taskId ?? ''} ${polls + retries + elapsedMs + (retryDelayMs ?? 0)} ${code} ${message}`,
      )
    },
  })
  const agent: string | undefined = solution.userAgent
  const headers: Record<string, string> | undefined = solution.headers
  const created: number | undefined = solution.createdAt
  const rest: number =
    solution.readyAt + solution.expiresAt + solution.elapsedMs + solution.polls + solution.retries
  const raw: unknown = solution.raw.anything

  const task: Task = await createTask({ ...account, ...page, developerId: 'b3f3c0de' })
  const result: TaskResult = await getTaskResult({ ...account, taskId: task.taskId })
  // Narrowed by its status alone.
  const token: string = result.status === 'ready' ? result.solution.token : result.status
  const waited: Solution = await waitForTask({ ...account, taskId: 12, onProgress: async () => {} })
  const { balance, raw: reply }: Balance = await getBalance(account)
  return [
    agent,
    headers,
    created,
    rest,
    raw,
    token,
    waited.token,
    balance + 1,
    reply.softBalance,
    ...lines,
  ].join()
}

export async function failing(): Promise<string | number | boolean | undefined> {
  try {
    return (await getBalance(account)).balance
  } catch (error) {
    if (!isTurnstileError(error)) throw error
    holds<Same<typeof error.provider, Provider | undefined>>()
    const all: Error & Readonly<TurnstileErrorFields> = error
    switch (error.code) {
      case 'INVALID_OPTIONS':
        return error.option
      case 'PROVIDER_ERROR':
        holds<Same<typeof error.reason, ProviderErrorReason>>()
        holds<Same<typeof error.errorCode, string>>()
        return error.reason === 'busy'
          ? error.errorId
          : `${error.requestId} ${error.fieldErrors?.['task.type']}`
      case 'HTTP_ERROR':
      case 'INVALID_RESPONSE':
        return error.status
      case 'TIMEOUT':
        return error.elapsedMs + error.polls
      case 'ABORT_ERR':
      case 'CONNECTION_FAILED':
        return error.mayBeCharged && `${error.taskId} ${error.provider} ${String(error.cause)} ${all.stack}`
    }
    // Every code was handled.
    return error satisfies never
  }
}

export function made(): TurnstileError {
  const fields: TurnstileErrorFields = { code: 'TIMEOUT', mayBeCharged: true }
  const cause = new TurnstileError('reset', { code: 'CONNECTION_FAILED' })
  return new TurnstileError('late', { ...fields, cause })
}

export async function sandboxed(): Promise<Solution> {
  const options: SandboxOptions = { provider: 'ezcaptcha', solveTimeMs: [10, 20], seed: 1 }
  await using sandbox: Sandbox = await startSandbox(options)
  const rule: FaultRule = { method: 'getTaskResult', nth: 1, times: 2, fault: 'connection-reset' }
  sandbox.addFault(rule)
  const created: number = sandbox.stats().tasks.created
  sandbox.pageURL({ sitekey: '1x00000000000000000000AA', action: 'login' })
  const taskType: string = `${faults[0]?.name} ${faults[0]?.processed} ${errorCodes.ezcaptcha[0]} ${created}`
  return solveTurnstile({ ...sandbox.account, ...page, taskType })
}

/** An event of the channel `turnstile-solver:call`: narrowed by its type, then by its outcome. */
export const describeEvent = (event: CallEvent): string | number | undefined => {
  holds<Same<typeof event.id, string>>()
  holds<Same<typeof event.provider, Provider | undefined>>()
  switch (event.type) {
    case 'processing':
    case 'ready':
      holds<Same<typeof event.type, 'processing' | 'ready'>>()
      return event.type
    case 'retrying':
      return event.retryDelayMs
    case 'settled':
      if (event.outcome === 'succeeded') return event.polls
      holds<Same<typeof event.code, TurnstileErrorCode>>()
      holds<Same<typeof event.reason, ProviderErrorReason | undefined>>()
      return event.message
    default:
      holds<Same<typeof event.type, 'start' | 'created'>>()
      return event.taskId
  }
}
