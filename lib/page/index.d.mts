/**
 * `turnstile-solver/page`: finds the Turnstile widget in a page of Puppeteer or Playwright, solves it, and applies the token to the page.
 * It depends on neither driver: it calls the methods that both have.
 *
 * It reads the page, sets the value of the widget's response fields, and calls the page's callback. It changes nothing else: no script is
 * injected, nothing is intercepted or hooked, no fingerprint is changed.
 *
 * Times are milliseconds, instants are milliseconds since the epoch.
 */

import type { Solution, SolveOptions, TurnstileErrorFields, TurnstileErrorInit } from '../../index.js'

/** The methods of a page that are called: a `Page` of Puppeteer or Playwright has them. */
export interface DriverPage {
  url(): string
  isClosed(): boolean
  mainFrame(): DriverFrame
  frames(): DriverFrame[]
  on(event: never, listener: never): unknown
  off(event: never, listener: never): unknown
}

/** The methods of a frame that are called, of either driver. */
export interface DriverFrame {
  url(): string
  parentFrame(): DriverFrame | null
  evaluate(pageFunction: never, value?: never): Promise<unknown>
  evaluateHandle(pageFunction: never, value?: never): Promise<unknown>
  frameElement(): Promise<unknown>
}

/** A widget as the page shows it. */
export interface Widget {
  /** The address of the widget's frame, without credentials and fragment. */
  websiteURL: string
  /** Its sitekey. Absent if the page does not show it: see the option `websiteKey`. */
  websiteKey?: string
  /** Its `data-action`. The action of a widget that a script renders cannot be read: see the option `action`. */
  action?: string
  /** Its `data-cdata`. That of a widget that a script renders cannot be read: see the option `cData`. */
  cData?: string
  /** Its `data-callback`, if the page has a function of that name. One that a script passes to `turnstile.render()` cannot be read: see the option `callback`. */
  callback?: string
  /** The names of its response fields. Empty until it is rendered, or if it is rendered without any. */
  fields: string[]
  /** Whether a response field holds a token already. */
  hasToken: boolean
  /** Its id, as `turnstile.render()` returned it. Absent until it is rendered. */
  widgetId?: string
  /** A CSS selector of its container, in its own document or shadow root. */
  selector: string
  /** Whether it is inside an open shadow root. */
  inShadowRoot: boolean
}

/** Selects one of several widgets. Without it, the page must have only one. */
export interface WidgetChoice {
  /** A CSS selector of the widget's container, or of something around it or in it: a form, the frame, the response field. */
  selector?: string | undefined
  /** Its sitekey. If the page does not show the widget's sitekey, this one is used. */
  websiteKey?: string | undefined
}

/**
 * The options of `solveTurnstile`, and those about the page. Values found on the page are defaults; options override them.
 */
export interface PageSolveOptions extends Omit<SolveOptions, 'websiteURL' | 'websiteKey'>, WidgetChoice {
  /** The address that is sent to the provider. Default: that of the widget's frame. */
  websiteURL?: string | undefined
  /**
   * The function that is called with the token after the fields are set: the name of a global function of the page, or a path to one,
   * such as `'login.onToken'`; or a function that is run in the page. Such a function can use only what the page has, and must not be
   * native or bound.
   * Default: what the widget's `data-callback` names.
   */
  callback?: string | ((token: string) => unknown) | undefined
  /**
   * What happens if the widget already got a token by itself, as with Cloudflare's sitekeys for testing: `'keep'` returns that token
   * and buys nothing; `'solve'` buys another. A token that this module applied before, or that has expired, is not kept.
   * Default `'keep'`.
   */
  ifSolved?: 'keep' | 'solve' | undefined
  /**
   * How long to wait for the widget to appear and to be rendered, in milliseconds: a whole number from 0 to 300 000. This time
   * is not part of `timeoutMs`, which limits only the solve. Default 30 000.
   */
  widgetTimeoutMs?: number | undefined
}

/** The result of `solveTurnstileOnPage`: `kept` tells the two kinds apart. */
export type PageSolution = BoughtSolution | KeptSolution

/** A solution, and how it was applied. */
export interface BoughtSolution extends Solution {
  /** The widget as it was found. */
  widget: Widget
  /** Where the token was applied. */
  applied: {
    /** The names of the response fields that hold it. */
    fields: string[]
    /** Whether a callback was called with it. */
    callback: boolean
  }
  /** What the widget has and the provider does not support. A site that verifies it will refuse the token. */
  unsupported: ('action' | 'cData')[]
  /** What may keep the page from reacting to the token. */
  warnings: PageWarning[]
  /** Whether the widget's own token was kept. Then nothing was bought, and only the fields of this table are set. */
  kept: false
}

/** The token that the widget had already: see the option `ifSolved`. Nothing was bought, and nothing was changed in the page. */
export interface KeptSolution
  extends Pick<BoughtSolution, 'token' | 'widget' | 'applied' | 'unsupported' | 'warnings'>,
    Partial<Record<Exclude<keyof Solution, 'token'>, undefined>> {
  kept: true
}

/** Something that may keep a page from reacting to the token. */
export interface PageWarning {
  /**
   * The kind of warning: branch on this field, not on `message`. `'CALLBACK_UNREACHABLE'`: a script rendered the widget, and no callback
   * was called, because the script's callback is private and the option `callback` is not set.
   */
  code: PageWarningCode
  /** The same in words. */
  message: string
}

/** The kinds of a `PageWarning`. */
export type PageWarningCode = 'CALLBACK_UNREACHABLE'

/** What kind of failure a `TurnstilePageError` is. */
export type PageErrorCode =
  /** There is no widget, or none that fits the options, within `widgetTimeoutMs`. Nothing was bought. */
  | 'WIDGET_NOT_FOUND'
  /** There are several: choose with `selector` or `websiteKey`. Nothing was bought. */
  | 'WIDGET_AMBIGUOUS'
  /** The page does not show the sitekey of its widget: set `websiteKey`. Nothing was bought. */
  | 'SITEKEY_UNKNOWN'
  /** A script of the page broke the code that this module runs there; see `cause`. Nothing was bought. */
  | 'PAGE_SCRIPT_ERROR'
  /** The page was closed, or it crashed. */
  | 'PAGE_CLOSED'
  /** The document that held the widget is gone: its page or frame navigated, or the frame was removed. */
  | 'PAGE_NAVIGATED'
  /** The page did not take the token before `expiresAt`. */
  | 'TOKEN_EXPIRED'
  /** The page has neither a response field nor a callback for the token, or a script of the page broke the code that applies it. */
  | 'TOKEN_NOT_APPLIED'

/**
 * A failure of the page. At run time it is a `TurnstileError` too. All other failures are the `TurnstileError` of `solveTurnstile`; a wrong
 * option of this module is an `INVALID_OPTIONS` too.
 */
export declare class TurnstilePageError extends Error {
  /** For tests of your own code. `mayBeCharged` is `false` by default. */
  constructor(message: string, fields: TurnstileErrorInit<TurnstilePageErrorFields>)
}
export interface TurnstilePageError extends Readonly<TurnstilePageErrorFields> {}

/** The fields of a `TurnstilePageError` besides its message, stack and `cause`. */
export interface TurnstilePageErrorFields extends Omit<TurnstileErrorFields, 'code'> {
  /** The kind of failure: branch on this field, not on the message. */
  code: PageErrorCode
  /** The widgets that were found. */
  widgets?: Widget[]
  /** The solution, if it had arrived: paid for, and good until its `expiresAt`. */
  solution?: Solution
}

/** Whether a value is a `TurnstilePageError`, also one of another realm or of another copy of the package. */
export declare function isTurnstilePageError(value: unknown): value is TurnstilePageError

/**
 * The Turnstile widgets that the page shows at this moment: implicit and explicitly rendered ones, in the page, in the frames whose
 * documents it can read, and in open shadow roots.
 */
export declare function findTurnstile(page: DriverPage): Promise<Widget[]>

/**
 * Waits for the widget, solves it, sets the response fields to the token, and calls the page's callback.
 *
 * If the page is closed or navigates meanwhile, the solve is aborted; the error has the `taskId` of the task that was bought.
 *
 * @throws {TurnstileError | TurnstilePageError} always as a rejection, never synchronously
 */
export declare function solveTurnstileOnPage(
  page: DriverPage,
  options: PageSolveOptions & { ifSolved: 'solve' },
): Promise<BoughtSolution>
export declare function solveTurnstileOnPage(
  page: DriverPage,
  options: PageSolveOptions,
): Promise<PageSolution>
