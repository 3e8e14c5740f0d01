// A consumer of `turnstile-solver/page` that is wrong everywhere: each marked line must fail to compile. Nothing here is ever run.

import type { Page } from 'puppeteer-core'
import {
  findTurnstile,
  isTurnstilePageError,
  solveTurnstileOnPage,
  TurnstilePageError,
} from 'turnstile-solver/page'

const account = { provider: 'ezcaptcha', clientKey: 'key' } as const

export async function calls(page: Page): Promise<unknown[]> {
  const solution = await solveTurnstileOnPage(page, account)
  const { applied, widget, unsupported, warnings } = solution
  return [
    // @ts-expect-error: no options
    solveTurnstileOnPage(page),
    // @ts-expect-error: no key
    solveTurnstileOnPage(page, { provider: 'ezcaptcha' }),
    // @ts-expect-error: no page
    solveTurnstileOnPage(account),
    // @ts-expect-error: a frame is no page
    findTurnstile(page.mainFrame()),
    // @ts-expect-error: an option that there is not
    solveTurnstileOnPage(page, { ...account, sitekey: 'key' }),
    // @ts-expect-error: a time as text
    solveTurnstileOnPage(page, { ...account, widgetTimeoutMs: '5s' }),
    // @ts-expect-error: a callback takes the token
    solveTurnstileOnPage(page, { ...account, callback: (token: number) => token }),
    // @ts-expect-error: there is a sitekey only if the page has one
    widget.websiteKey.length,
    // @ts-expect-error: how many is not which
    applied.fields.toFixed(),
    // @ts-expect-error: a token that was kept has no task
    solution.taskId.length,
    // @ts-expect-error: no such choice
    solveTurnstileOnPage(page, { ...account, ifSolved: 'buy' }),
    // @ts-expect-error: no such warning
    warnings[0]?.code === 'SITEKEY_UNKNOWN',
    // @ts-expect-error: a sitekey is never unsupported
    unsupported.includes('websiteKey'),
  ]
}

export function failed(error: unknown): unknown[] {
  // @ts-expect-error: a code of the client
  const made = new TurnstilePageError('late', { code: 'TIMEOUT' })
  if (!isTurnstilePageError(error)) return [made]
  // @ts-expect-error: a code of the client
  const late = error.code === 'TIMEOUT'
  // @ts-expect-error: there is a solution only once it has arrived
  const token: string = error.solution.token
  return [late, token]
}
