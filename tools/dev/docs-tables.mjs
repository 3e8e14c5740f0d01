// `npm run docs`: writes the tables that repeat the code into the documents, between their markers: `<!-- types:Solution:begin -->` gets the
// table of the type `Solution`.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { providers } from '../../index.js'
import { commands } from '../../lib/cli/command-table.mjs'
import { exitCodeTable } from '../../lib/cli/exit-codes.mjs'
import { faults } from '../../lib/sandbox/index.mjs'
import { declarations } from './declarations.mjs'
import { main, root, UserError } from './run.mjs'
import { withSection } from './section.mjs'

/** @typedef {import('./declarations.mjs').Declaration} Declaration */
/** @typedef {import('./declarations.mjs').Field} Field */
/** @typedef {import('./declarations.mjs').Member} Member */

const typeFiles = ['index.d.ts', 'lib/page/index.d.mts', 'lib/sandbox/index.d.mts']
const marker = /<!-- ((\w+):([\w-]+)):begin -->/g

/** @type {Record<string, () => string>} */
const others = {
  'cli:commands': () =>
    table(
      ['command', 'what it does'],
      Object.entries(commands).map(([name, { summary }]) => [`\`npx turnstile-solver ${name}\``, summary]),
    ),
  'cli:exit-codes': () => table(['exit code', 'meaning'], exitCodeTable),
  'providers:list': () =>
    table(
      ['provider', 'host', 'task types', 'optional fields'],
      providers.map(({ name, baseURL, taskTypes, ...takes }) => [
        `\`${name}\``,
        baseURL ? `\`${new URL(baseURL).host}\`` : 'that of `baseURL`',
        list(taskTypes) || 'any',
        list(Object.entries(takes).flatMap(([field, taken]) => (taken ? [field] : []))) || 'none documented',
      ]),
    ),
  'sandbox:faults': () =>
    table(
      ['fault', 'what happens', 'request processed', 'calls'],
      faults.map(({ name, description, processed, calls }) => [
        `\`${name}\``,
        description,
        processed ? 'yes' : 'no',
        calls.length < 4 ? calls.map(call => `\`${call}\``).join(', ') : 'all',
      ]),
    ),
}

/** The tables of a document, renewed. @param {string} document @param {Map<string, Declaration>} types */
export function withTables(document, types) {
  let renewed = document
  for (const [, section, kind, name] of document.matchAll(marker)) {
    const made = kind === 'types' ? typeTable(name, types) : others[section]?.()
    if (made === undefined) throw new UserError(`There is no table ${section}.`)
    renewed = withSection(renewed, section, made)
  }
  return renewed
}

/** Options of which no document has a table. @param {string[]} documents @param {Map<string, Declaration>} types */
export function undocumented(documents, types) {
  const shown = documents.flatMap(document => [...document.matchAll(marker)].map(([, section]) => section))
  return [...types]
    .filter(
      ([name, declaration]) =>
        name.endsWith('Options') && 'fields' in declaration && declaration.fields.length > 0,
    )
    .map(([name]) => name)
    .filter(name => !shown.includes(`types:${name}`))
}

/** @param {string} name @param {Map<string, Declaration>} types */
function typeTable(name, types) {
  const declaration = types.get(name)
  if (!declaration) throw new UserError(`No interface and no union is called ${name}.`)
  if ('fields' in declaration) {
    return /(Options|Choice|Rule)$/.test(name)
      ? optionTable(declaration.fields)
      : fieldTable(declaration.fields)
  }
  const { key, members } = declaration
  return key === undefined ? valueTable(name, members, types) : objectTable(key, members)
}

/** @param {Field[]} fields */
const fieldTable = fields =>
  table(
    ['field', 'meaning'],
    fields.map(({ name, text }) => [`\`${name}\``, text]),
  )

/** @param {Field[]} fields */
const optionTable = fields =>
  table(
    ['option', 'meaning', 'default'],
    fields.map(({ name, text, byDefault, optional }) => [
      `\`${name}\``,
      text,
      optional ? (byDefault ?? 'none') : 'required',
    ]),
  )

/**
 * The values of a field, and which other fields come with each: their text begins with the values that they come with.
 *
 * @param {string} name @param {Member[]} members @param {Map<string, Declaration>} types
 */
function valueTable(name, members, types) {
  const fields = [...types.values()].flatMap(declaration =>
    'fields' in declaration ? declaration.fields : [],
  )
  const field = fields.find(({ type }) => type === name)?.name ?? 'value'
  const rows = members.map(({ value, text }) => {
    const along = fields.filter(field => valuesBefore(field.text).includes(value))
    return [`\`${value}\``, text, along.map(({ name }) => `\`${name}\``).join(', ')]
  })
  const has = rows.some(([, , along]) => along !== '')
  return table(
    [`\`${field}\``, 'meaning', ...(has ? ['fields'] : [])],
    has ? rows : rows.map(row => row.slice(0, 2)),
  )
}

/** `A`, `B`: what is said of both. @param {string} text */
const valuesBefore = text =>
  (/^(?:`\w+`(?:, )?)+(?=:)/.exec(text)?.[0] ?? '').split(', ').map(value => value.replaceAll('`', ''))

/** Objects that one field tells apart. @param {string} key @param {Member[]} members */
function objectTable(key, members) {
  /** @type {Map<string, { text: string, fields: string[] }>} */
  const rows = new Map()
  for (const { value, text, fields } of members) {
    const row = rows.get(value) ?? { text: '', fields: [] }
    rows.set(value, { text: row.text || text, fields: [...row.fields, withValues(fields)] })
  }
  return table(
    [`\`${key}\``, 'meaning', 'fields'],
    [...rows].map(([value, { text, fields }]) => [`\`${value}\``, text, fields.join('; or ')]),
  )
}

/** @param {Member['fields']} fields */
const withValues = fields =>
  fields
    .map(({ name, values }) => {
      const shown = values.map(value => `\`'${value}'\``).join(' or ')
      return `\`${name}\`${shown && `: ${shown}`}`
    })
    .join(', ')

/** @param {readonly string[]} names */
const list = names => names.map(name => `\`${name}\``).join(', ')

/** @param {string[]} head @param {readonly (readonly string[])[]} rows */
function table(head, rows) {
  const line = (/** @type {readonly string[]} */ cells) =>
    `| ${cells.map(cell => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(head), `|${'---|'.repeat(head.length)}`, ...rows.map(line)].join('\n')
}

main(import.meta.url, async () => {
  const types = declarations(typeFiles.map(file => join(root, file)))
  const names = readdirSync(join(root, 'docs')).filter(name => name.endsWith('.md'))
  const documents = ['README.md', ...names.map(name => `docs/${name}`)].map(path => ({
    path,
    text: readFileSync(join(root, path), 'utf8'),
  }))
  for (const { path, text } of documents) {
    const renewed = withTables(text, types)
    if (renewed === text) continue
    writeFileSync(join(root, path), renewed)
    console.log(`${path} has new tables.`)
  }
  const missing = undocumented(
    documents.map(({ text }) => text),
    types,
  )
  if (missing.length > 0) throw new UserError(`No document has a table of ${missing.join(', ')}.`)
})
