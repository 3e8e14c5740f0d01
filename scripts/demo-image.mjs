// Draws docs/images/demo.svg: what the demo prints, as a terminal shows it. `--check` only tells whether the picture is still true.
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Failure, main, root } from './run.mjs'

const file = join(root, 'docs', 'images', 'demo.svg')
const ESCAPE = '\x1b'
const PIECE = new RegExp(`${ESCAPE}\\[(\\d+)m([^${ESCAPE}]*)${ESCAPE}\\[0m|([^${ESCAPE}]+)`, 'g')
const LINE = 20
const MARGIN = 24
const COLUMN = 8.43
const colours = { bold: '#ffffff', dim: '#8b98a9', green: '#5fd38d', text: '#d7dee8', ground: '#141a22' }

/** By the number in the escape code. @type {Record<string, string>} */
const styles = {
  1: `fill="${colours.bold}" font-weight="bold"`,
  2: `fill="${colours.dim}"`,
  32: `fill="${colours.green}"`,
}

/** @param {string} text */
const escaped = text => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

/** Text in pieces: styled ones end with the code that resets. @param {string} line */
function pieces(line) {
  const found = line.matchAll(PIECE)
  return [...found].map(([, style, styled, plain]) => ({ style: styles[style], text: styled ?? plain }))
}

/**
 * What stands together in a line, each at its column and as wide as its characters are many: so the columns hold in any font, and where
 * an image keeps no spaces.
 * @param {string} line
 */
function words(line) {
  let column = 0
  return pieces(line).flatMap(({ style, text }) => {
    const from = column
    column += text.length
    return [...text.matchAll(/\S+(?: \S+)*/g)].map(({ 0: word, index }) => {
      const place = `x="${at(from + index)}" textLength="${(word.length * COLUMN).toFixed(1)}"`
      return `<tspan ${[place, style].filter(Boolean).join(' ')}>${escaped(word)}</tspan>`
    })
  })
}

/** @param {number} column */
const at = column => (MARGIN + column * COLUMN).toFixed(1)

/** @param {readonly string[]} lines as the demo printed them, colours included */
function draw(lines) {
  const longest = Math.max(...lines.map(line => pieces(line).reduce((sum, { text }) => sum + text.length, 0)))
  const width = Math.ceil(longest * COLUMN + 2 * MARGIN)
  const height = lines.length * LINE + 2 * MARGIN
  const rows = lines
    .map((line, n) => ({ y: MARGIN + (n + 0.75) * LINE, content: words(line).join('') }))
    .filter(({ content }) => content !== '')
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="The demo in a terminal">
<rect width="100%" height="100%" rx="10" fill="${colours.ground}"/>
<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="14" fill="${colours.text}">
${rows.map(({ y, content }) => `<text y="${y}">${content}</text>`).join('\n')}
</g>
</svg>
`
}

/** What differs from run to run. @param {string} svg */
const steady = svg =>
  svg
    .replaceAll(/127\.0\.0\.1:\d+/g, 'PORT')
    .replaceAll(/[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}/g, 'TASK')
    .replaceAll(/0\.[\w-]{10}\.\.\.\w{6}/g, 'TOKEN')
    .replaceAll(/\d+\.\d s/g, 'TIME')
    .replaceAll(/\d+ polls?/g, 'POLLS')
    .replaceAll(/\d\d:\d\d:\d\d/g, 'CLOCK')
    .replaceAll(/(viewBox|width|textLength)="[^"]*"/g, '')

main(import.meta.url, async () => {
  const env = { ...process.env, FORCE_COLOR: '1', NO_COLOR: '', TERM: 'xterm', npm_command: 'exec' }
  const printed = execFileSync(process.execPath, [join(root, 'bin/turnstile-solver.mjs'), 'demo'], {
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const prompt = `${ESCAPE}[32m$${ESCAPE}[0m ${ESCAPE}[1mnpx turnstile-solver demo${ESCAPE}[0m`
  const svg = draw([prompt, ...printed.trimEnd().split('\n')])
  if (process.argv.includes('--check')) {
    if (steady(svg) === steady(readFileSync(file, 'utf8'))) return
    throw new Failure('docs/images/demo.svg shows another demo. To draw it: node scripts/demo-image.mjs')
  }
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, svg)
})
