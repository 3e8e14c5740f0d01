/** The command line, read against a command's flags. */

import { parseArgs } from 'node:util'
import { UsageError } from './errors.mjs'
import { folded, nearest } from './format.mjs'
import { secretFlag } from './secrets.mjs'

/** @typedef {import('./flags.mjs').Flag} Flag */

/**
 * The value of every flag given, by the flag's name. A flag given twice has its last value.
 * @param {readonly string[]} argv
 * @param {readonly Flag[]} flags
 * @returns {Record<string, any>}
 */
export function readArguments(argv, flags) {
  const known = new Map(flags.map(flag => [flag.name, flag]))
  const { tokens } = parseArgs({
    args: [...argv],
    options: Object.fromEntries(
      flags.map(({ name, value, short }) => [
        name,
        { type: value ? 'string' : 'boolean', ...(short ? { short } : {}) },
      ]),
    ),
    strict: false,
    tokens: true,
  })
  /** @type {Record<string, any>} */
  const values = {}
  for (const token of tokens) {
    if (token.kind === 'option-terminator') continue
    if (token.kind === 'positional') throw stray(flags)
    const flag = known.get(token.name)
    if (!flag) throw unknown(token.rawName, flags)
    const text = given(flag, token)
    const value = typeof text === 'string' && flag.read ? flag.read(text, `--${flag.name}`) : text
    values[flag.name] = flag.many ? [...(values[flag.name] ?? []), value] : value
  }
  return values
}

/**
 * @param {Flag} flag
 * @param {{ value: string | undefined, inlineValue: boolean | undefined }} token
 * @returns {string | true}
 */
function given({ name, value }, token) {
  const flag = `--${name}`
  if (!value) {
    if (token.inlineValue) throw new UsageError('takes no value', { flag })
    return true
  }
  if (token.value === undefined) throw new UsageError(`needs a value: ${flag} ${value}`, { flag })
  // `--url --sitekey …`: a value was forgotten. A lone dash is standard input.
  if (!token.inlineValue && /^-./.test(token.value))
    throw new UsageError(
      `needs a value: ${flag} ${value}, or ${flag}=${value} for one that begins with a dash`,
      { flag },
    )
  return token.value
}

/** @param {readonly Flag[]} flags */
function stray(flags) {
  const example = flags.find(flag => flag.value)
  const next = example
    ? `Every value follows its flag: --${example.name} ${example.value}.`
    : 'It takes flags alone.'
  return new UsageError('there is an argument that belongs to no flag', { next })
}

/**
 * @param {string} rawName
 * @param {readonly Flag[]} flags
 */
function unknown(rawName, flags) {
  // The sandbox's own key is no secret.
  const secret = flags.some(({ name }) => name === 'key') ? undefined : secretFlag(folded(rawName))
  if (secret) return new UsageError(secret.message, { flag: rawName, next: secret.next })
  const spellings = flags.flatMap(({ name, option }) =>
    [name, ...(option ? [option] : [])].map(spelling => /** @type {const} */ ([spelling, name])),
  )
  const meant = nearest(rawName, spellings)
  return new UsageError('is no flag of this command', {
    flag: rawName,
    next: meant ? `Did you mean --${meant}?` : undefined,
  })
}
