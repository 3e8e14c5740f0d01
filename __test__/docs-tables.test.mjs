/** `npm run docs` writes tables from declarations: what it reads of them, and what it makes of that. */

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { declarations } from '../tools/dev/declarations.mjs'
import { undocumented, withTables } from '../tools/dev/docs-tables.mjs'

const source = `
/** Not part of a table. */
export interface LunchOptions {
  /** What to eat: \`'soup'\` | \`'stew'\`. */
  dish: string
  /**
   * How hot it is, in degrees;
   * see {@link Lunch.served}.
   *
   * @default 60, or 70 in winter
   */
  heat?: number | undefined
  /** Who pays. Default: the guest, as \`12.5\` says. Tips are not included. */
  payer?: string
  /** Default (the cook's own) 3. */
  spoons?: number
  /** Who else comes. */
  guests?: string[]
}

export interface Lunch {
  /** When it came. */
  readonly served: number
  /** Where it went. */
  eaten: {
    /** By whom. */
    by: string
    uncommented: string
  }
  method(): void
}

export interface Complaint {
  /** What is wrong. */
  code: Trouble
  /** \`TOO_HOT\`: where it burns. */
  where?: string
  /** \`TOO_COLD\`, \`TOO_HOT\`: by how much. */
  degrees?: number
  secret?: string
}

export interface BothOptions extends LunchOptions {}

export type Trouble =
  /** It is cold. */
  | 'TOO_COLD'
  /** It
   *  burns. */
  | 'TOO_HOT'
  | 'GONE'

export type Course = { at: number } & (
  /** It is on the table. */
  | { type: 'served'; by: 'cook' | 'waiter'; bowl: string }
  | { type: 'over'; end: 'eaten' }
  | ({ type: 'over'; end: 'left' } & Leftover)
)

export interface Leftover extends Readonly<Pick<Complaint, 'where' | 'degrees'>> {}
`

/** @type {Map<string, import('../tools/dev/declarations.mjs').Declaration>} */
let types
const folder = mkdtempSync(join(tmpdir(), 'turnstile-solver-tables-'))
before(() => {
  const file = join(folder, 'lunch.d.ts')
  writeFileSync(file, source)
  types = declarations([file])
})
after(() => rmSync(folder, { recursive: true }))

/** @param {string} section */
function tableOf(section) {
  const [begin, end] = [`<!-- ${section}:begin -->`, `<!-- ${section}:end -->`]
  const lines = withTables(`before\n${begin}\nold\n${end}\nafter`, types).split('\n')
  assert.deepEqual([...lines.splice(0, 2), ...lines.splice(-2)], ['before', begin, end, 'after'])
  return lines
}

describe('the table of a type', () => {
  test('the table of options has the default of a tag, of a sentence, none, or says that the option is required', () => {
    assert.deepEqual(tableOf('types:LunchOptions'), [
      '| option | meaning | default |',
      '|---|---|---|',
      "| `dish` | What to eat: `'soup'` \\| `'stew'`. | required |",
      '| `heat` | How hot it is, in degrees; see `Lunch.served`. | 60, or 70 in winter |',
      '| `payer` | Who pays. Tips are not included. | the guest, as `12.5` says |',
      '| `spoons` |  | 3 |',
      '| `guests` | Who else comes. | none |',
    ])
  })

  test('the table of an interface has its fields, and fields of fields that have a comment, but no methods', () => {
    assert.deepEqual(tableOf('types:Lunch'), [
      '| field | meaning |',
      '|---|---|',
      '| `served` | When it came. |',
      '| `eaten` | Where it went. |',
      '| `eaten.by` | By whom. |',
    ])
  })

  test('the table of a union of strings is named after the field of that type, and lists the fields that name a value', () => {
    assert.deepEqual(tableOf('types:Trouble'), [
      '| `code` | meaning | fields |',
      '|---|---|---|',
      '| `TOO_COLD` | It is cold. | `degrees` |',
      '| `TOO_HOT` | It burns. | `where`, `degrees` |',
      '| `GONE` |  |  |',
    ])
  })

  test('the table of a union of objects has a row for each value of their first field, with the fields of a named part', () => {
    assert.deepEqual(tableOf('types:Course'), [
      '| `type` | meaning | fields |',
      '|---|---|---|',
      "| `served` | It is on the table. | `by`: `'cook'` or `'waiter'`, `bowl` |",
      "| `over` |  | `end`: `'eaten'`; or `end`: `'left'`, `degrees`, `where` |",
    ])
  })
})

test('a document without markers stays as it is', () => {
  assert.equal(withTables('| a |\n|---|\n', types), '| a |\n|---|\n')
})

test('a marker that names nothing is an error', () => {
  assert.throws(() => tableOf('types:Dinner'), /No interface and no union is called Dinner\./)
  assert.throws(() => tableOf('cli:dishes'), /There is no table cli:dishes\./)
  assert.throws(
    () => withTables('<!-- types:Lunch:begin -->', types),
    /has no <!-- types:Lunch:begin --> and/,
  )
})

test('options of which no document has a table are found; what has no fields of its own needs none', () => {
  const marker = '<!-- types:LunchOptions:begin -->'
  assert.deepEqual(undocumented(['', '<!-- types:Lunch:begin -->'], types), ['LunchOptions'])
  assert.deepEqual(undocumented(['', marker], types), [])
})

test('the tables of the command line and the sandbox come from their code', () => {
  assert.match(tableOf('cli:commands').join('\n'), /^\| `npx turnstile-solver solve` \| \S/m)
  assert.match(tableOf('cli:exit-codes').join('\n'), /^\| 130 \| \S/m)
  assert.match(
    tableOf('sandbox:faults').join('\n'),
    /^\| `created-without-id` \| .+ \| yes \| `createTask` \|$/m,
  )
})
