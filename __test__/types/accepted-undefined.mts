// A consumer that hands on what it may not have itself. Nothing here is ever run.

import { type Progress, type Solution, solveTurnstile } from 'turnstile-solver'

interface Mine {
  key: string
  region?: string | undefined
  action?: string | undefined
  limitMs?: number | undefined
  signal?: AbortSignal | undefined
  log?: ((event: Progress) => void) | undefined
}

export function solve({ key, region, action, limitMs, signal, log }: Mine): Promise<Solution> {
  return solveTurnstile({
    provider: 'ezcaptcha',
    clientKey: key,
    baseURL: region,
    websiteURL: 'https://shop.example',
    websiteKey: 'key',
    taskType: undefined,
    action,
    cData: undefined,
    proxy: undefined,
    extraTaskFields: undefined,
    extraRequestFields: undefined,
    developerId: undefined,
    timeoutMs: limitMs,
    pollIntervalMs: undefined,
    requestTimeoutMs: limitMs,
    signal,
    onProgress: log,
  })
}
