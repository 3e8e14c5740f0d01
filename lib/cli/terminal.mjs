/**
 * The two streams. Results go to standard output, everything else to standard error. On a terminal, standard error also has
 * a progress line, which is redrawn in place.
 */

import { OutputClosedError } from './errors.mjs'
import { escapeText } from './escape.mjs'

/** @typedef {'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan'} Style */
/** One line of text, in pieces that may have a style. @typedef {string | ReadonlyArray<string | readonly [text: string, style: Style]>} Line */
/** Renders the progress line. @typedef {(columns: number, tick: number) => Line} Frame */

const TICK_MS = 100
const CLEAR_LINE = '\r\x1b[K'
const HIDE_CURSOR = '\x1b[?25l'
const SHOW_CURSOR = '\x1b[?25h'

/** @type {Record<Style, number>} */
const STYLES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 }

/**
 * The text of a line. Invisible characters are escaped here, so that no text can control the terminal.
 * @param {Line} line
 * @param {boolean} colour
 */
export function render(line, colour) {
  if (typeof line === 'string') return escapeText(line)
  return line
    .map(piece => {
      if (typeof piece === 'string') return escapeText(piece)
      const [text, style] = piece
      return colour ? `\x1b[${STYLES[style]}m${escapeText(text)}\x1b[0m` : escapeText(text)
    })
    .join('')
}

/**
 * Whether a stream has colours, by the rules of Node.js.
 * @param {NodeJS.ProcessEnv} env
 * @param {boolean} isTTY
 */
export function wantsColour(env, isTTY) {
  if (env.FORCE_COLOR !== undefined) return ['', '1', '2', '3', 'true'].includes(env.FORCE_COLOR)
  return isTTY && !env.NO_COLOR && !env.NODE_DISABLE_COLORS && env.TERM !== 'dumb'
}

/**
 * @param {object} process
 * @param {NodeJS.WriteStream} process.stdout
 * @param {NodeJS.WriteStream} process.stderr
 * @param {NodeJS.ProcessEnv} process.env
 * @param {NodeJS.Platform} process.platform
 */
export function createTerminal({ stdout, stderr, env, platform }) {
  const dumb = env.TERM === 'dumb'
  const colour = {
    stdout: wantsColour(env, Boolean(stdout.isTTY)),
    stderr: wantsColour(env, Boolean(stderr.isTTY)),
  }
  const interactive = Boolean(stderr.isTTY) && !dumb
  // The consoles of older Windows and of Linux lack most symbols.
  const unicode = platform === 'win32' ? Boolean(env.WT_SESSION || env.TERM_PROGRAM) : env.TERM !== 'linux'
  /** @type {Frame | undefined} */
  let frame
  /** @type {NodeJS.Timeout | undefined} */
  let timer
  let tick = 0

  // Without a listener, a closed pipe would end the process, and a token would be lost with a progress line.
  stdout.on('error', () => {})
  stderr.on('error', () => {})

  /** One column stays free, because some terminals wrap a full line, which cannot be redrawn in place. */
  const columns = () => (stderr.columns || 80) - 1

  const draw = () => {
    if (frame) stderr.write(`${CLEAR_LINE}${render(frame(columns(), tick), colour.stderr)}`)
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
    /** Whether standard error has a progress line. */
    interactive,
    /** Whether symbols outside of ASCII can be shown. */
    unicode,
    isTTY: Boolean(stdout.isTTY),
    /** The width for texts on standard output. */
    width: Math.min(stdout.columns || 80, 100),
    /** The width for texts on standard error; the lines of a log are not wrapped. */
    get logWidth() {
      return interactive ? columns() : Number.POSITIVE_INFINITY
    },

    /** Writes a line to standard error, above the progress line. @param {Line} line */
    log(line = '') {
      const text = `${render(line, colour.stderr)}\n`
      stderr.write(timer ? `${CLEAR_LINE}${text}` : text)
      draw()
    },

    /** Shows a progress line, where there can be one. @param {Frame} next */
    showLine(next) {
      if (!interactive) return
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

    hideLine() {
      if (!timer) return
      restore()
      clearInterval(timer)
      timer = frame = undefined
      process.off('exit', restore)
      process.off('SIGTSTP', suspend)
      process.off('SIGCONT', resume)
    },

    /**
     * Writes lines to standard output, above the progress line. Resolves when they are written.
     * @param {Line[]} lines
     * @returns {Promise<void>}
     */
    print(...lines) {
      return this.write(lines.map(line => `${render(line, colour.stdout)}\n`).join(''))
    },

    /**
     * Writes text to standard output as it is. Resolves when it is written.
     * @param {string} text
     * @returns {Promise<void>}
     */
    write(text) {
      if (timer) stderr.write(CLEAR_LINE)
      return new Promise((resolve, reject) => {
        stdout.write(text, error => (error ? reject(new OutputClosedError()) : resolve()))
        draw()
      })
    },
  }
}

/** @typedef {ReturnType<typeof createTerminal>} Terminal */
