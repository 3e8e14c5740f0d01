/** Parses the arguments of a command. */

import { parseArgs } from 'node:util'
import { UsageError } from './errors.mjs'
import { SECRET_FLAGS, secretFlag } from './secrets.mjs'
import { FLAG_ALIASES, normalizeName, suggest } from './suggestions.mjs'

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
    if (!flag) throw unknownFlagError(nameAt(argv[token.index], token.rawName), flags)
    const text = textOf(flag, token)
    const value = typeof text === 'string' && flag.parse ? flag.parse(text, `--${flag.name}`) : text
    values[flag.name] = flag.multiple ? [...(values[flag.name] ?? []), value] : value
  }
  return values
}

/**
 * The whole name where `-url` was typed for `--url`, which is parsed as `-u -r -l`.
 * @param {string} argument
 * @param {string} rawName
 */
const nameAt = (argument, rawName) => (/^-[^-]./.test(argument) ? argument.split('=')[0] : rawName)

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
 * @param {string} name as typed, with its dashes
 * @param {readonly Flag[]} flags
 */
function unknownFlagError(name, flags) {
  const byOption = flags.find(({ option }) => option && normalizeName(option) === normalizeName(name))
  const names = flags.map(flag => flag.name)
  const suggestion =
    byOption?.name ??
    suggest(name, [...names, ...SECRET_FLAGS.filter(secret => secretFlag(secret, flags))], FLAG_ALIASES)
  // Only what looks like a flag is repeated, because another argument might be a secret.
  const flag = /^--?[a-z][a-z_-]{0,29}$/i.test(name) ? name : undefined
  // A misspelt flag for a secret has a secret as its value too.
  const secret = secretFlag(name, flags) ?? secretFlag(suggestion ?? '', flags)
  if (secret) return new UsageError(secret.message, { flag, next: secret.next })
  if (!flag) return new UsageError('there is an unknown flag')
  return new UsageError('is not a flag of this command', {
    flag,
    next: suggestion && names.includes(suggestion) ? `Did you mean --${suggestion}?` : undefined,
  })
}
