/** What a shell can complete, read from the tables of the commands and their flags. */

import { commands, programFlags } from '../command-table.mjs'

/** @typedef {import('../flags.mjs').Flag} Flag */
/** @typedef {{ name: string, summary: string, flags: readonly Flag[], operands: readonly string[] }} Branch */
/** @typedef {{ flags: readonly Flag[], branches: readonly Branch[] }} Tree */

/** @returns {Promise<Tree>} */
export async function completionTree() {
  const branches = await Promise.all(
    Object.entries(commands).map(async ([name, { summary, load }]) => {
      const { groups, operand } = (await load()).command
      return { name, summary, flags: groups.flatMap(group => group.flags), operands: operand?.choices ?? [] }
    }),
  )
  const help = { name: 'help', summary: 'tell about a command', flags: [], operands: Object.keys(commands) }
  return { flags: programFlags, branches: [...branches, help] }
}

/**
 * What follows a flag: nothing, one of some words, a path, or text that nobody can guess.
 * @param {Flag} flag
 * @returns {'nothing' | 'choice' | 'path' | 'text'}
 */
export function valueKind({ value, choices }) {
  if (value === undefined) return 'nothing'
  if (choices) return 'choice'
  return value === 'PATH' ? 'path' : 'text'
}

/** Both spellings. @param {Flag} flag */
export const spellings = ({ name, short }) => [`--${name}`, ...(short ? [`-${short}`] : [])]

/** In single quotes, where nothing is special. @param {string} text @param {string} apostrophe */
export const quoted = (text, apostrophe) => `'${text.replaceAll("'", apostrophe)}'`
