/** Reads and checks the file of accounts. */

import { readFileSync } from 'node:fs'
import { type Provider, providers } from 'turnstile-solver'

export interface Account {
  /** Shown in logs and replies, which never contain the key. */
  readonly name: string
  readonly provider: Provider
  readonly clientKey: string
  readonly baseURL?: string
  /** Required if the provider has no default. */
  readonly taskType?: string
  /** The largest number of tasks in progress at the same time. */
  readonly concurrency: number
}

export function readAccounts(path: string): Account[] {
  const entries = parseJSON(readFileSync(path, 'utf8'), path)
  if (!Array.isArray(entries) || entries.length === 0)
    throw new TypeError(`${path}: must be a list of accounts`)
  const accounts = entries.map((entry: unknown, index) =>
    parseAccount(entry, `${path}, account ${index + 1}`),
  )
  const names = new Set(accounts.map(({ name }) => name))
  if (names.size < accounts.length) throw new TypeError(`${path}: two accounts have the same name`)
  return accounts
}

function parseJSON(text: string, path: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // The error of JSON.parse quotes the text around the mistake, which may be a key.
    throw new TypeError(`${path}: not valid JSON`)
  }
}

function parseAccount(entry: unknown, where: string): Account {
  if (typeof entry !== 'object' || entry === null) throw new TypeError(`${where}: must be an object`)
  const { name, provider, clientKey, baseURL, taskType, concurrency = 10 } = entry as Record<string, unknown>
  const info = providers.find(known => known.name === provider)
  if (!info) {
    throw new TypeError(`${where}: provider must be one of ${providers.map(({ name }) => name).join(', ')}`)
  }
  // The name is the label of the calls.
  if (typeof name !== 'string' || !/^[\x20-\x7e]{1,64}$/.test(name))
    throw new TypeError(`${where}: name must be 1 to 64 printable ASCII characters`)
  if (typeof clientKey !== 'string' || clientKey === '') throw new TypeError(`${where}: clientKey is missing`)
  if (typeof concurrency !== 'number' || !Number.isInteger(concurrency) || concurrency < 1) {
    throw new TypeError(`${where}: concurrency must be a positive integer`)
  }
  if (baseURL === undefined ? !info.baseURL : typeof baseURL !== 'string')
    throw new TypeError(`${where}: baseURL must be a string`)
  if (taskType === undefined ? info.taskTypes.length === 0 : typeof taskType !== 'string')
    throw new TypeError(`${where}: taskType must be a string`)
  return {
    name,
    provider: info.name,
    clientKey,
    concurrency,
    ...(typeof baseURL === 'string' && { baseURL }),
    ...(typeof taskType === 'string' && { taskType }),
  }
}
