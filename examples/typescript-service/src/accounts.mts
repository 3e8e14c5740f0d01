/** The accounts as a file names them, checked once. */

import { readFileSync } from 'node:fs'
import type { Provider } from 'turnstile-solver'

export interface Account {
  /** For people, in logs and answers: the key is in neither. */
  readonly name: string
  readonly provider: Provider
  readonly clientKey: string
  readonly baseURL?: string
  /** How many of its tasks may be under way at once. */
  readonly concurrency: number
}

const providers = ['ezcaptcha', 'yescaptcha'] as const satisfies readonly Provider[]

export function readAccounts(path: string): Account[] {
  const given = parsed(readFileSync(path, 'utf8'), path)
  if (!Array.isArray(given) || given.length === 0)
    throw new TypeError(`${path}: a list of accounts is wanted`)
  const accounts = given.map((entry: unknown, at) => accountOf(entry, `${path}, account ${at + 1}`))
  const names = new Set(accounts.map(({ name }) => name))
  if (names.size < accounts.length) throw new TypeError(`${path}: two accounts have the same name`)
  return accounts
}

function parsed(text: string, path: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // The parser's own error quotes what stands around the mistake, and that may be a key.
    throw new TypeError(`${path}: this is no JSON`)
  }
}

function accountOf(given: unknown, where: string): Account {
  if (typeof given !== 'object' || given === null) throw new TypeError(`${where}: an object is wanted`)
  const { name, provider, clientKey, baseURL, concurrency = 10 } = given as Record<string, unknown>
  const known = providers.find(known => known === provider)
  if (!known) throw new TypeError(`${where}: provider must be one of ${providers.join(', ')}`)
  if (typeof name !== 'string' || name === '') throw new TypeError(`${where}: name is missing`)
  if (typeof clientKey !== 'string' || clientKey === '') throw new TypeError(`${where}: clientKey is missing`)
  if (typeof concurrency !== 'number' || !Number.isInteger(concurrency) || concurrency < 1) {
    throw new TypeError(`${where}: concurrency must be a whole number from 1`)
  }
  if (baseURL !== undefined && typeof baseURL !== 'string')
    throw new TypeError(`${where}: baseURL must be a text`)
  return { name, provider: known, clientKey, concurrency, ...(baseURL === undefined ? {} : { baseURL }) }
}
