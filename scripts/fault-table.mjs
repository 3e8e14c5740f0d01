// What happens when: every fault on every call, from the table that the tests hold the client to. `--write` renews the
// README's section, otherwise it is printed.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { columns, rows } from '../__test__/support/matrix.mjs'
import { Failure, main, root } from './run.mjs'
import { withSection } from './section.mjs'

/** @typedef {import('../__test__/support/matrix.mjs').Cell} Cell */
/** @typedef {import('../__test__/support/matrix.mjs').Row} Row */

/** @param {Cell | null} cell @param {{ code: (text: string) => string }} style */
function outcome(cell, { code }) {
  if (!cell) return ''
  const { word, seen } = cell
  const what = code(seen ? `${seen.code}${seen.code === 'HTTP_ERROR' ? ` ${seen.status}` : ''}` : '')
  switch (word) {
    case 'fine':
    case 'waits':
      return 'as usual'
    case 'again':
      return 'sent again'
    case 'paid?':
      return `${what} and ${code('mayBeCharged')}`
    case 'kept':
      return `${what} and ${code('taskId')}`
    case 'free':
      return what
  }
}

/** Every row and every call, for a terminal. */
export function text() {
  const plain = { code: (/** @type {string} */ text) => text }
  const lines = [
    ['', ...columns.map(({ title }) => title)],
    ...rows.map(({ name, cells }) => [name, ...cells.map(cell => outcome(cell, plain) || '-')]),
  ]
  const widths = lines[0].map((_, i) => Math.max(...lines.map(line => line[i].length)))
  return lines
    .map(line =>
      line
        .map((cell, i) => cell.padEnd(widths[i]))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** The same by groups, for the README: what is polled is polled alike by all three calls. */
export function markdown() {
  const style = { code: (/** @type {string} */ text) => `\`${text}\`` }
  const lines = [...new Set(rows.map(({ group }) => group))].map(group => {
    const members = rows.filter(row => row.group === group)
    const cells = [0, 2, 5].map(index => merged(members, index, style))
    return `| ${[group, ...cells].join(' | ')} |`
  })
  return [
    'The tests hold the client to every line of this table, and the table is printed from theirs.',
    '',
    '- *Sent again*: with back-off, until it works. What never works ends as a `TIMEOUT` whose `cause` is the last failure.',
    '- Everything else ends the call at once, with that error.',
    '- *and `taskId`*: the task is paid for, so `mayBeCharged` is `true`, and its token can still be fetched.',
    '- *and `mayBeCharged`*: a task may have been created and charged, but nobody told its id. Elsewhere no money is gone.',
    '',
    '| what goes wrong | in `createTask` | in a poll, `getTaskResult` | in `getBalance` |',
    '|---|---|---|---|',
    ...lines,
  ].join('\n')
}

/**
 * @param {Row[]} members
 * @param {number} index
 * @param {Parameters<typeof outcome>[1]} style
 */
function merged(members, index, style) {
  const texts = members.map(({ cells }) => outcome(cells[index], style).replace(/ \d{3}(?=`)/, ''))
  const told = [...new Set(texts.filter(text => text !== ''))]
  if (told.length > 1)
    throw new Failure(`The README cannot say this in one line: ${members[0].group}: ${told}`)
  return told[0] ?? ''
}

main(import.meta.url, async () => {
  if (!process.argv.includes('--write')) return console.log(text())
  const path = join(root, 'README.md')
  writeFileSync(path, withSection(readFileSync(path, 'utf8'), 'faults', markdown()))
})
