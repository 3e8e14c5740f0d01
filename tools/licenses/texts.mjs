// The licence texts of a crate, from its own files.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root, UserError } from '../dev/run.mjs'
import { label } from './crates.mjs'

/** @typedef {import('./crates.mjs').Crate} Crate */
/** @typedef {{ source: string, text: string }} Text the file that it comes from, and its text */

const licenceFile = /^(licen[cs]e|copying|copyright|notice|unlicense)/i
const sourceFile = /\.(rs|c|h|inl|S|asm|pl)$/
const skipped = /^(tests?|benches|examples|fuzz|target|build\.rs)$/
/** Only at the head of a file: the notice of somebody whose code was copied. */
const headBytes = 4096
const copyrightLine = /\bCopyright .*\d{4}/i

/**
 * The licences that deny.toml allows, in the order of preference.
 *
 * @returns {string[]}
 */
export function allowedLicences(deny = readFileSync(join(root, '.cargo', 'deny.toml'), 'utf8')) {
  const [, list = ''] = deny.match(/^allow = \[([^\]]*)\]/m) ?? []
  return [...list.matchAll(/"(.+?)"/g)].map(([, id]) => id)
}

/**
 * The licences under which a crate is taken: of alternatives, the first allowed one.
 *
 * @param {Pick<Crate, 'name' | 'version' | 'licence'>} crate
 * @param {string[]} allowed
 * @returns {string[]}
 */
export function takenLicences(crate, allowed) {
  const rank = (/** @type {string[]} */ ids) => Math.max(...ids.map(id => allowed.indexOf(id)))
  const alternatives = crate.licence
    .split(' OR ')
    .map(alternative => alternative.split(' AND '))
    .filter(ids => ids.every(id => allowed.includes(id)))
    .sort((a, b) => rank(a) - rank(b))
  if (alternatives.length === 0) {
    throw new UserError(`${label(crate)}: no licence of "${crate.licence}" is allowed by .cargo/deny.toml.`)
  }
  return alternatives[0]
}

/**
 * Every text that has to go with the crate: those of the licences taken, of code that it contains from others, and notices in the heads of
 * its sources with another copyright line.
 *
 * @param {Crate} crate
 * @param {string[]} taken
 * @param {Crate[]} [all] the linked crates
 * @returns {Text[]}
 */
export function textsOf(crate, taken, all = [crate]) {
  const files = filesUnder(crate.folder)
  let texts = licenceTexts(crate, taken)
  // Crates of one repository often ship the licence in one of them only.
  const siblings = all.filter(
    other => other.repository === crate.repository && other.licence === crate.licence && crate.repository,
  )
  for (const sibling of texts.length > 0 ? [] : siblings) {
    if (texts.length > 0) break
    texts = licenceTexts(sibling, taken).map(({ source, text }) => ({
      source: `${source} of ${label(sibling)}`,
      text,
    }))
  }
  if (texts.length === 0) texts.push(standardText(crate, taken))
  return [...texts, ...notices(crate, files, texts.map(({ text }) => text).join('\n'))]
}

/** @param {Crate} crate @param {string[]} taken */
function licenceTexts(crate, taken) {
  const licences = filesUnder(crate.folder).filter(path => licenceFile.test(baseOf(path)))
  return licences.filter(path => needed(path, licences, taken)).map(path => read(crate, path))
}

/**
 * Notices in sources whose copyright lines are in none of the licence files: one for each wording, with all its copyright lines.
 *
 * @param {Crate} crate
 * @param {string[]} files
 * @param {string} known
 * @returns {Text[]}
 */
function notices(crate, files, known) {
  /** @type {Map<string, { lines: Set<string>, paths: string[] }>} by the text without copyright lines */
  const found = new Map()
  for (const path of files.filter(path => sourceFile.test(path))) {
    const notice = noticeIn(readHead(crate, path))
    const lines = (notice ?? '').split('\n').filter(line => copyrightLine.test(line))
    if (!notice || lines.every(line => known.includes(line.trim()))) continue
    const body = notice
      .split('\n')
      .filter(line => !copyrightLine.test(line))
      .join('\n')
      .trim()
    const entry = found.get(body) ?? { lines: new Set(), paths: [] }
    for (const line of lines) entry.lines.add(line.trim())
    found.set(body, { ...entry, paths: [...entry.paths, path] })
  }
  return [...found].map(
    ([
      body,
      {
        lines,
        paths: [first, ...others],
      },
    ]) => ({
      source: others.length > 0 ? `${first} and ${others.length} more` : first,
      text: `${[...lines].join('\n')}\n\n${body}`,
    }),
  )
}

/**
 * Whether a licence file belongs to a licence taken. Files that name no licence, and files in folders, are always kept.
 *
 * @param {string} path
 * @param {string[]} all
 * @param {string[]} taken
 */
function needed(path, all, taken) {
  if (path.includes('/')) return true
  const kinds = { MIT: /mit/i, 'Apache-2.0': /apache/i, ISC: /isc/i, Unlicense: /^unlicense/i }
  const kind = Object.entries(kinds).find(([, pattern]) => pattern.test(baseOf(path)))
  if (kind) return taken.includes(kind[0])
  // A crate with one file for each licence may have another one that lists the choices.
  const hasOwn = taken.every(id =>
    all.some(other => kinds[/** @type {'MIT' | 'ISC'} */ (id)]?.test(baseOf(other))),
  )
  return !hasOwn || /third|notice|copyright/i.test(baseOf(path))
}

/**
 * The standard text with the authors of a crate that has no licence file.
 *
 * @param {Crate} crate
 * @param {string[]} taken
 * @returns {Text}
 */
function standardText(crate, taken) {
  if (taken.join() !== 'MIT' || crate.authors.length === 0) {
    throw new UserError(
      `${label(crate)} has no licence file, and there is no standard text for ${taken.join(' AND ')}.`,
    )
  }
  const own = readFileSync(join(root, 'LICENSE'), 'utf8')
  return {
    source: '',
    text: own.replace(/^Copyright .*$/m, `Copyright (c) ${crate.authors.join(', ')}`).trim(),
  }
}

/** The first comment of a source, if it has the text of a licence. @param {string} source */
export function noticeIn(source) {
  const [comment = ''] = source.match(/^\s*(?:\/\*[\s\S]*?\*\/|(?:\/\/(?![!/])[^\n]*\n)+)/) ?? []
  const text = comment
    .split('\n')
    .map(line => line.replace(/^\s*(\/\*+|\*+\/|\*|\/\/+[!/]?)?\s?/, '').trimEnd())
    .map(line => line.replace(/\s*\*\/$/, ''))
    .join('\n')
    .trim()
  return /Permission (is hereby granted|to use, copy)|Redistribution and use/.test(text) ? text : undefined
}

/** @param {string} folder @returns {string[]} paths of files, from the folder */
function filesUnder(folder, within = '') {
  return readdirSync(join(folder, within), { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap(entry => {
      if (skipped.test(entry.name)) return []
      const path = within ? `${within}/${entry.name}` : entry.name
      return entry.isDirectory() ? filesUnder(folder, path) : [path]
    })
}

/** @param {string} path */
const baseOf = path => path.slice(path.lastIndexOf('/') + 1)

/** @param {Crate} crate @param {string} path @returns {Text} */
function read(crate, path) {
  const text = readFileSync(join(crate.folder, path), 'utf8')
  return { source: path, text: text.replaceAll(/[ \t\r]+$/gm, '').replaceAll(/^\n+|\n+$/g, '') }
}

/** @param {Crate} crate @param {string} path */
const readHead = (crate, path) => readFileSync(join(crate.folder, path), 'utf8').slice(0, headBytes)
