/** `turnstile-solver/page`: from a widget in a page of Puppeteer or Playwright to its token in the form, in one call. */

// Nothing but exports: the type checker reads index.d.mts in this file's place.
export { isTurnstilePageError, TurnstilePageError } from './errors.mjs'
export { findTurnstile } from './find.mjs'
export { solveTurnstileOnPage } from './solve.mjs'
