/** The error codes of the shared table, which the tests in Rust read too, by what a client should do about them. */

import { readFileSync } from 'node:fs'

/** @typedef {import('../../index.js').ProviderErrorReason} Reason */

const table = new URL('../fixtures/wire/error-codes.json', import.meta.url)
/** @type {{ code: string, reason: Reason }[]} */
const rows = JSON.parse(readFileSync(table, 'utf8'))

/** @type {Partial<Record<Reason, string[]>>} */
export const codesByReason = {}
for (const { code, reason } of rows) codesByReason[reason] = [...(codesByReason[reason] ?? []), code]

/** An error in its form, and "not yet" in what it says of a task. */
export const NOT_READY = 'CAPTCHA_NOT_READY'
