// Parses the arguments of `npm test`: suites, test files, and filters of Rust tests.
import { relative, resolve } from 'node:path'
import { UserError } from './run.mjs'

/** The suites with a folder of their own under `__test__`. All other test files belong to the suite `javascript`. */
const folders = ['types', 'queue-workers', 'browser', 'foreign']

/**
 * @param {string} file a test file's path from the root
 * @returns {string}
 */
export function suiteOf(file) {
  return folders.find(folder => file.startsWith(`__test__/${folder}/`)) ?? 'javascript'
}

/**
 * A suite's name selects the whole suite, a path selects one test file. A word after `rust` that is neither is a filter of `cargo test`, and
 * so are the words after it, up to the next suite or path.
 *
 * @param {string[]} words what follows `npm test --`
 * @param {{ root: string, suites: string[], optional?: string[], files: string[] }} known `optional` suites run only if they are named
 * @returns {Map<string, string[]>} by suite, the files or filters to run; none for the whole suite
 */
export function planTests(words, { root, suites, optional = [], files }) {
  /** @type {Map<string, { whole: boolean, only: Set<string> }>} */
  const plan = new Map()
  /** @param {string} suite */
  const entry = suite => {
    const found = plan.get(suite) ?? { whole: false, only: new Set() }
    plan.set(suite, found)
    return found
  }
  let afterRust = false
  for (const word of words.length > 0 ? words : suites.filter(suite => !optional.includes(suite))) {
    if (suites.includes(word)) {
      entry(word).whole = true
      afterRust = word === 'rust'
    } else if (isPath(word)) {
      const file = testFile(word, root, files)
      entry(suiteOf(file)).only.add(file)
      afterRust = false
    } else if (afterRust && !word.startsWith('-')) {
      entry('rust').whole = false
      entry('rust').only.add(word)
    } else {
      throw new UserError(unknown(word, suites))
    }
  }
  return new Map([...plan].map(([suite, { whole, only }]) => [suite, whole ? [] : [...only]]))
}

const isPath = (/** @type {string} */ word) => /[\\/]|\.[cm]?[jt]s$/.test(word)

/**
 * @param {string} path from the root, or absolute
 * @param {string} root
 * @param {string[]} files
 */
function testFile(path, root, files) {
  const file = relative(root, resolve(root, path)).replaceAll('\\', '/')
  if (files.includes(file)) return file
  const same = files.filter(known => known.endsWith(`/${file}`))
  const hint = same.length > 0 ? ` Did you mean ${same.join(' or ')}?` : ''
  throw new UserError(`No such test file: ${path}.${hint}`)
}

/**
 * @param {string} word
 * @param {string[]} suites
 */
function unknown(word, suites) {
  if (word.startsWith('-')) {
    return `Unknown option: ${word}. For options of the test runners call them directly: cargo test, node --test.`
  }
  return [
    `Neither a suite nor a test file: ${word}.`,
    `Suites: ${suites.join(', ')}. A test file is a path: __test__/errors.test.mjs.`,
    `A filter of Rust tests follows "rust": npm test -- rust ${word}`,
  ].join('\n')
}
