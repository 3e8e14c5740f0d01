/** Reads the key and the proxy from the environment, a file or standard input; never from an argument. */

import { readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { addAbortSignal, Writable } from 'node:stream'
import { InterruptedError, UsageError } from './errors.mjs'
import { oneOf } from './format.mjs'
import { providerNames } from './library.mjs'
import { normalizeName } from './suggestions.mjs'

/** @param {string} provider */
export const secretVariable = provider => `${provider.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_')}_API_KEY`

export const secretVariables = () => providerNames().map(secretVariable)

export const PROXY_VARIABLE = 'TURNSTILE_PROXY'

const MAX_SECRET_BYTES = 64 * 1024

/** @typedef {import('./interrupts.mjs').Interrupts} Interrupts */
/** @typedef {{ value: string, source: string }} Secret `source` is the variable or the flag that it came from */

/**
 * The key of an account; undefined if the provider is unknown, which the library reports.
 * @param {Record<string, any>} values
 * @param {Interrupts} interrupts
 * @returns {Promise<Secret | undefined>}
 */
export async function readKey(values, interrupts) {
  const { provider } = values
  if (!providerNames().includes(provider)) return undefined
  const variable = secretVariable(provider)
  const key = await readSecret('key', values['key-file'], variable, interrupts)
  if (key) return key
  throw new UsageError(`no key for ${provider}`, {
    next: `Set ${variable}, or use --key-file PATH (- reads standard input).`,
  })
}

/**
 * @param {Record<string, any>} values
 * @param {Interrupts} interrupts
 */
export function readProxy(values, interrupts) {
  if (values['proxy-file'] === '-' && values['key-file'] === '-')
    throw new UsageError('standard input is already used for the key', { flag: '--proxy-file' })
  return readSecret('proxy', values['proxy-file'], PROXY_VARIABLE, interrupts)
}

/**
 * @param {'key' | 'proxy'} noun
 * @param {string | undefined} path
 * @param {string} variable
 * @param {Interrupts} interrupts
 * @returns {Promise<Secret | undefined>}
 */
async function readSecret(noun, path, variable, interrupts) {
  if (path === undefined) {
    const value = process.env[variable]
    return value ? { value, source: variable } : undefined
  }
  const source = `--${noun}-file`
  const value = (await readText(noun, path, source, interrupts)).replace(/[\r\n]+$/, '')
  if (value === '') throw new UsageError('is empty', { flag: source })
  return { value, source }
}

/**
 * @param {'key' | 'proxy'} noun
 * @param {string} path
 * @param {string} flag
 * @param {Interrupts} interrupts
 */
async function readText(noun, path, flag, interrupts) {
  try {
    if (path !== '-') return await readFile(path, { encoding: 'utf8', signal: interrupts.signal })
    return process.stdin.isTTY
      ? await prompt(noun, interrupts)
      : await readStandardInput(noun, flag, interrupts)
  } catch (error) {
    if (interrupts.signal.aborted) throw new InterruptedError()
    if (error instanceof UsageError) throw error
    // The message does not contain the path, because users may have given the secret itself.
    const { code } = /** @type {NodeJS.ErrnoException} */ (error)
    const problem =
      code === 'ENOENT' ? 'there is no such file' : `cannot be read (${code ?? 'unknown reason'})`
    throw new UsageError(problem, {
      flag,
      next: `The value is the path of a file with the ${noun}, not the ${noun} itself.`,
    })
  }
}

/**
 * @param {'key' | 'proxy'} noun
 * @param {string} flag
 * @param {Interrupts} interrupts
 */
async function readStandardInput(noun, flag, { signal }) {
  const chunks = []
  let size = 0
  for await (const chunk of addAbortSignal(signal, process.stdin)) {
    chunks.push(chunk)
    size += chunk.length
    if (size > MAX_SECRET_BYTES) throw new UsageError(`standard input is too long for a ${noun}`, { flag })
  }
  return Buffer.concat(chunks).toString()
}

/**
 * Reads one line from the terminal without echo.
 * @param {'key' | 'proxy'} noun
 * @param {Interrupts} interrupts
 * @returns {Promise<string>}
 */
function prompt(noun, interrupts) {
  const discard = new Writable({ write: (_chunk, _encoding, done) => done() })
  const reader = createInterface({ input: process.stdin, output: discard, terminal: true, historySize: 0 })
  process.stderr.write(`The ${noun} (not shown): `)
  return new Promise((resolve, reject) => {
    reader.once('line', resolve)
    // In raw mode Ctrl-C is a key, not a signal.
    reader.once('SIGINT', () => interrupts.interrupt('SIGINT'))
    interrupts.signal.addEventListener('abort', () => reader.close(), { once: true })
    reader.once('close', () => resolve(''))
    reader.once('error', reject)
  }).then(line => {
    reader.close()
    process.stderr.write('\n')
    if (interrupts.signal.aborted) throw new InterruptedError()
    return /** @type {string} */ (line)
  })
}

/** Flags that do not exist, because their value would be a secret. */
export const SECRET_FLAGS = ['api-key', 'client-key', 'proxy']
const KEY_FLAGS = /^(x|my)?(client|api|account|access|auth|user)*(key|secret|token|password)$/
const PROXY_FLAGS = /^(task|http|https)?proxy(url|server|address)?$/

/**
 * Why a flag whose value would be a secret is refused; undefined for any other flag, and where the command has no such secret.
 * @param {string} flag
 * @param {readonly { name: string }[]} flags of the command
 * @returns {{ message: string, next: string } | undefined}
 */
export function secretFlag(flag, flags) {
  const name = normalizeName(flag)
  const message = "is refused: arguments are visible in process lists and in the shell's history"
  /** @param {string} file */
  const has = file => flags.some(known => known.name === file)
  if (has('key-file') && KEY_FLAGS.test(name))
    return {
      message,
      next: `Set ${oneOf(secretVariables())}, or use --key-file PATH (- reads standard input).`,
    }
  if (has('proxy-file') && PROXY_FLAGS.test(name))
    return {
      message,
      next: `Set ${PROXY_VARIABLE}, or use --proxy-file PATH (- reads standard input).`,
    }
  return undefined
}
