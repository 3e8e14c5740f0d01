/** Where the key and the proxy come from: the environment, a file, standard input; never an argument. */

import { readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { addAbortSignal, Writable } from 'node:stream'
import { Interrupted, UsageError } from './errors.mjs'
import { oneOf } from './format.mjs'
import { providerNames } from './library.mjs'

/** @param {string} provider */
export const secretVariable = provider => `${provider.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_')}_API_KEY`

export const secretVariables = () => providerNames().map(secretVariable)

export const PROXY_VARIABLE = 'TURNSTILE_PROXY'

const LARGEST_SECRET = 64 * 1024

/** @typedef {import('./interrupts.mjs').Interrupts} Interrupts */
/** @typedef {{ value: string, source: string }} Secret `source` is where it came from, as the user knows it */

/**
 * The key of an account. An unknown provider has none: to say what is wrong with its name is the library's.
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
    next: `Set ${variable}, or give --key-file PATH (- reads standard input).`,
  })
}

/**
 * @param {Record<string, any>} values
 * @param {Interrupts} interrupts
 */
export function readProxy(values, interrupts) {
  if (values['proxy-file'] === '-' && values['key-file'] === '-')
    throw new UsageError('standard input is read for the key already', { flag: '--proxy-file' })
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
    return process.stdin.isTTY ? await ask(noun, interrupts) : await readStandardInput(noun, flag, interrupts)
  } catch (error) {
    if (interrupts.signal.aborted) throw new Interrupted()
    if (error instanceof UsageError) throw error
    // The path is not repeated: it may be the secret itself, given where its file is meant.
    const { code } = /** @type {NodeJS.ErrnoException} */ (error)
    const what = code === 'ENOENT' ? 'there is no such file' : `cannot be read (${code ?? 'unknown reason'})`
    throw new UsageError(what, {
      flag,
      next: `It takes the path of a file that holds the ${noun}, not the ${noun}.`,
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
    if (size > LARGEST_SECRET) throw new UsageError(`standard input is too long for a ${noun}`, { flag })
  }
  return Buffer.concat(chunks).toString()
}

/**
 * Asks for one line that the terminal does not show.
 * @param {'key' | 'proxy'} noun
 * @param {Interrupts} interrupts
 * @returns {Promise<string>}
 */
function ask(noun, interrupts) {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
  const reader = createInterface({ input: process.stdin, output: nowhere, terminal: true, historySize: 0 })
  process.stderr.write(`The ${noun} (it is not shown): `)
  return new Promise((resolve, reject) => {
    reader.once('line', resolve)
    // In raw mode Ctrl-C is a key and no signal.
    reader.once('SIGINT', () => interrupts.interrupt('SIGINT'))
    interrupts.signal.addEventListener('abort', () => reader.close(), { once: true })
    reader.once('close', () => resolve(''))
    reader.once('error', reject)
  }).then(line => {
    reader.close()
    process.stderr.write('\n')
    if (interrupts.signal.aborted) throw new Interrupted()
    return /** @type {string} */ (line)
  })
}

const SECRET_FLAGS = /^(client|api)?(key|secret)$|^proxy(url)?$/

/**
 * Why a flag that would carry a secret is refused; undefined for any other flag.
 * @param {string} name folded
 * @returns {{ message: string, next: string } | undefined}
 */
export function secretFlag(name) {
  if (!SECRET_FLAGS.test(name)) return undefined
  const message = "is refused: arguments show in process lists and in the shell's history"
  const next = name.startsWith('proxy')
    ? `Put the proxy into ${PROXY_VARIABLE}, or give --proxy-file PATH (- reads standard input).`
    : `Put the key into ${oneOf(secretVariables())}, or give --key-file PATH (- reads standard input).`
  return { message, next }
}
