/** Parses the arguments of a command. */

import { parseArgs } from 'node:util'
import { UsageError } from './errors.mjs'
import { secretFlag } from './secrets.mjs'
import { closest, normalizeName } from './suggestions.mjs'

/** @typedef {import('./flags.mjs').Flag} Flag */

/**
 * The values by flag. If a flag is given twice, the last value counts.
 * @param {readonly string[]} argv
 * @param {readonly Flag[]} flags
 * @returns {Record<string, any>}
 */
export function parseArguments(argv, flags) {
  const known = new Map(flags.map(flag => [flag.name, flag]))
  const { tokens } = parseArgs({
    args: [...argv],
    options: Object.fromEntries(
      flags.map(({ name, placeholder, short }) => [
        name,
        { type: placeholder ? 'string' : 'boolean', ...(short ? { short } : {}) },
      ]),
    ),
    strict: false,
    tokens: true,
  })
  /** @type {Record<string, any>} */
  const values = {}
  for (const token of tokens) {
    if (token.kind === 'option-terminator') continue
    if (token.kind === 'positional') throw positionalError(flags)
    const flag = known.get(token.name)
    if (!flag) throw unknownFlagError(token.rawName, flags)
    const text = textOf(flag, token)
    const value = typeof text === 'string' && flag.parse ? flag.parse(text, `--${flag.name}`) : text
    values[flag.name] = flag.multiple ? [...(values[flag.name] ?? []), value] : value
  }
  return values
}

/**
 * @param {Flag} flag
 * @param {{ value: string | undefined, inlineValue: boolean | undefined }} token
 * @returns {string | true}
 */
function textOf({ name, placeholder }, token) {
  const flag = `--${name}`
  if (!placeholder) {
    if (token.inlineValue) throw new UsageError('takes no value', { flag })
    return true
  }
  if (token.value === undefined) throw new UsageError(`needs a value: ${flag} ${placeholder}`, { flag })
  // In `--url --sitekey …` a value is missing. A single dash is standard input.
  if (!token.inlineValue && /^-./.test(token.value))
    throw new UsageError(
      `needs a value: ${flag} ${placeholder}, or ${flag}=${placeholder} for a value that begins with a dash`,
      { flag },
    )
  return token.value
}

/** @param {readonly Flag[]} flags */
function positionalError(flags) {
  const example = flags.find(flag => flag.placeholder)
  const next = example
    ? `Every value follows its flag: --${example.name} ${example.placeholder}.`
    : 'This command takes only flags.'
  return new UsageError('there is an argument without a flag', { next })
}

/**
 * @param {string} rawName
 * @param {readonly Flag[]} flags
 */
function unknownFlagError(rawName, flags) {
  // The sandbox has --key, because its keys are no secrets.
  const secret = flags.some(({ name }) => name === 'key') ? undefined : secretFlag(normalizeName(rawName))
  if (secret) return new UsageError(secret.message, { flag: rawName, next: secret.next })
  // Only what looks like a flag is repeated, because another argument might be a secret.
  if (!/^--?[a-z][a-z_-]{0,29}$/i.test(rawName)) return new UsageError('there is an unknown flag')
  const spellings = flags.flatMap(({ name, option }) =>
    [name, ...(option ? [option] : [])].map(spelling => /** @type {const} */ ([spelling, name])),
  )
  const suggestion = closest(rawName, spellings)
  return new UsageError('is not a flag of this command', {
    flag: rawName,
    next: suggestion ? `Did you mean --${suggestion}?` : undefined,
  })
}
