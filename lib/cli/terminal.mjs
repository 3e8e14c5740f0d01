/**
 * The two streams. Standard output carries results alone; everything else goes to standard error, where a terminal also gets
 * one live line that is redrawn in place.
 */

import { OutputClosed } from './errors.mjs'

/** @typedef {'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan'} Style */
/** A text of one line, in pieces that may have a style. @typedef {string | ReadonlyArray<string | readonly [text: string, style: Style]>} Line */
/** Draws the live line for a width and a moment. @typedef {(columns: number, tick: number) => Line} Frame */

const TICK_MS = 100
const CLEAR_LINE = '\r\x1b[K'
const HIDE_CURSOR = '\x1b[?25l'
const SHOW_CURSOR = '\x1b[?25h'

/** @type {Record<Style, number>} */
const STYLES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 }

/** @param {Line} line @param {boolean} colour */
export function paint(line, colour) {
  if (typeof line === 'string') return line
  return line
    .map(piece => {
      if (typeof piece === 'string') return piece
      const [text, style] = piece
      return colour ? `\x1b[${STYLES[style]}m${text}\x1b[0m` : text
    })
    .join('')
}

/**
 * Whether there are colours, for a stream that is a terminal or none: as Node.js decides it for itself.
 * @param {NodeJS.ProcessEnv} env
 * @param {boolean} isTTY
 */
export function wantsColour(env, isTTY) {
  if (env.FORCE_COLOR !== undefined) return ['', '1', '2', '3', 'true'].includes(env.FORCE_COLOR)
  return isTTY && !env.NO_COLOR && !env.NODE_DISABLE_COLORS && env.TERM !== 'dumb'
}

/**
 * @param {object} world
 * @param {NodeJS.WriteStream} world.stdout
 * @param {NodeJS.WriteStream} world.stderr
 * @param {NodeJS.ProcessEnv} world.env
 * @param {NodeJS.Platform} world.platform
 */
export function createTerminal({ stdout, stderr, env, platform }) {
  const dumb = env.TERM === 'dumb'
  const colour = {
    stdout: wantsColour(env, Boolean(stdout.isTTY)),
    stderr: wantsColour(env, Boolean(stderr.isTTY)),
  }
  const live = Boolean(stderr.isTTY) && !dumb
  // The console of older Windows and the bare Linux one lack most signs.
  const signs = platform === 'win32' ? Boolean(env.WT_SESSION || env.TERM_PROGRAM) : env.TERM !== 'linux'
  /** @type {Frame | undefined} */
  let frame
  /** @type {NodeJS.Timeout | undefined} */
  let timer
  let tick = 0

  // Without a listener a reader that left would end the process; a lost progress line must not lose a token.
  stdout.on('error', () => {})
  stderr.on('error', () => {})

  /** One column stays free: some terminals wrap a line that fills them, and it could not be redrawn in place. */
  const columns = () => (stderr.columns || 80) - 1

  const draw = () => {
    if (frame) stderr.write(`${CLEAR_LINE}${paint(frame(columns(), tick), colour.stderr)}`)
  }
  const restore = () => {
    if (timer) stderr.write(`${CLEAR_LINE}${SHOW_CURSOR}`)
  }
  const suspend = () => {
    restore()
    process.kill(process.pid, 'SIGSTOP')
  }
  const resume = () => {
    stderr.write(HIDE_CURSOR)
    draw()
  }

  return {
    /** Whether standard error shows a live line. */
    live,
    signs,
    isTTY: Boolean(stdout.isTTY),
    /** The width for texts on standard output. */
    width: Math.min(stdout.columns || 80, 100),
    /** The width for texts on standard error: lines of a log are left whole. */
    get sayWidth() {
      return live ? columns() : Number.POSITIVE_INFINITY
    },

    /** @param {Line} line to standard error, above the live line */
    say(line = '') {
      const text = `${paint(line, colour.stderr)}\n`
      stderr.write(timer ? `${CLEAR_LINE}${text}` : text)
      draw()
    },

    /** @param {Frame} next what the live line shows from now on; nothing happens where there is none */
    show(next) {
      if (!live) return
      frame = next
      if (!timer) {
        timer = setInterval(() => {
          tick++
          draw()
        }, TICK_MS)
        process.once('exit', restore)
        process.on('SIGTSTP', suspend)
        process.on('SIGCONT', resume)
        stderr.write(HIDE_CURSOR)
      }
      draw()
    },

    hide() {
      if (!timer) return
      restore()
      clearInterval(timer)
      timer = frame = undefined
      process.off('exit', restore)
      process.off('SIGTSTP', suspend)
      process.off('SIGCONT', resume)
    },

    /**
     * To standard output, above the live line. Resolves when it is written.
     * @param {Line[]} lines
     * @returns {Promise<void>}
     */
    print(...lines) {
      if (timer) stderr.write(CLEAR_LINE)
      const text = lines.map(line => `${paint(line, colour.stdout)}\n`).join('')
      return new Promise((resolve, reject) => {
        stdout.write(text, error => (error ? reject(new OutputClosed()) : resolve()))
        draw()
      })
    },
  }
}

/** @typedef {ReturnType<typeof createTerminal>} Terminal */

/**
 * The one JSON document of `--json`: laid out for a person, on one line for a program.
 * @param {Terminal} terminal
 * @param {unknown} document
 */
export const printJson = (terminal, document) =>
  terminal.print(JSON.stringify(document, null, terminal.isTTY ? 2 : undefined))
