/** Limits of the library that the command line mentions. */

export const MAX_TIMEOUT_MS = 300_000
