/** Small texts for people: durations, counts, commands to copy. */

const SAFE_ARGUMENT = /^[\w@%+=:,./-]+$/
// Control characters of a reply could move the cursor or rename the window.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g

/** @param {number} ms */
export const seconds = ms => `${(ms / 1000).toFixed(1)} s`

/**
 * @param {number} count
 * @param {string} noun
 */
export const counted = (count, noun) => `${count} ${noun}${count === 1 ? '' : 's'}`

/** @param {number} time milliseconds since the epoch */
export const clock = time => new Date(time).toLocaleTimeString('en-GB')

/** Text from outside that a terminal may show. @param {string} text */
export const printable = text => text.replace(CONTROLS, '?')

/**
 * `a`, `a or b`, `a, b or c`.
 * @param {readonly string[]} names
 */
export const oneOf = names =>
  names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`

/**
 * The program as whoever called it would call it again.
 * @param {NodeJS.ProcessEnv} [env]
 */
export const programName = (env = process.env) =>
  env.npm_command ? 'npx turnstile-solver' : 'turnstile-solver'

/**
 * An argument as a shell takes it.
 * @param {string} argument
 * @param {NodeJS.Platform} [platform]
 */
export function quote(argument, platform = process.platform) {
  const text = printable(argument)
  if (SAFE_ARGUMENT.test(text)) return text
  return platform === 'win32' ? `"${text.replaceAll('"', '""')}"` : `'${text.replaceAll("'", `'\\''`)}'`
}

/**
 * A command to copy.
 * @param {readonly string[]} args
 */
export const commandLine = args => [programName(), ...args.map(argument => quote(argument))].join(' ')

/**
 * @param {string} text
 * @param {number} width
 * @returns {string[]}
 */
export function wrap(text, width) {
  /** @type {string[]} */
  const lines = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= width)
      lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}

/**
 * A command to copy, broken before its flags in the way that a shell puts together again. Windows' shells know none.
 * @param {string} text
 * @param {number} width
 * @param {NodeJS.Platform} [platform]
 * @returns {string[]}
 */
export function wrapCommand(text, width, platform = process.platform) {
  if (platform === 'win32' || text.length <= width) return [text]
  /** @type {string[]} */
  const lines = []
  // Neither the blanks inside of quotes nor a comment can be broken.
  for (const part of text.split(/ (?=--\w|\| )(?=(?:[^']*'[^']*')*[^']*$)/)) {
    const last = lines.at(-1)
    // Two for the backslash.
    if (last !== undefined && last.length + 1 + part.length + 2 <= width)
      lines[lines.length - 1] = `${last} ${part}`
    else lines.push(last === undefined ? part : `  ${part}`)
  }
  return lines.map((line, n) => (n < lines.length - 1 ? `${line} \\` : line))
}

/**
 * How many slips of the keyboard lie between two words, neighbours swapped included.
 * @param {string} a
 * @param {string} b
 */
function distance(a, b) {
  /** @type {number[][]} */
  const rows = [Array.from({ length: b.length + 1 }, (_, j) => j)]
  for (let i = 1; i <= a.length; i++) {
    rows[i] = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1]
      let least = Math.min(rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + (same ? 0 : 1))
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        least = Math.min(least, rows[i - 2][j - 2] + 1)
      rows[i][j] = least
    }
  }
  return rows[a.length][b.length]
}

/** @param {string} name */
export const folded = name => name.toLowerCase().replaceAll(/[^a-z0-9]/g, '')

/**
 * The name meant by a misspelt one, if one is near enough.
 * @template T
 * @param {string} given
 * @param {readonly (readonly [spelling: string, meant: T])[]} known
 * @returns {T | undefined}
 */
export function nearest(given, known) {
  const text = folded(given)
  let best = {
    slips: Math.max(2, Math.floor(text.length / 3)) + 1,
    meant: /** @type {T | undefined} */ (undefined),
  }
  for (const [spelling, meant] of known) {
    const word = folded(spelling)
    const begins = text.length >= 3 && (word.startsWith(text) || text.startsWith(word))
    const slips = begins ? Math.min(1, distance(text, word)) : distance(text, word)
    if (slips < best.slips) best = { slips, meant }
  }
  return best.meant
}
