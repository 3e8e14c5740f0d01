// A consumer of `turnstile-solver/page` that is right: all of it must compile, with the pages of both drivers. Nothing here is ever run.

import type { Page as PlaywrightPage } from 'playwright-core'
import type { Page as PuppeteerPage } from 'puppeteer-core'
import { isTurnstileError, type Solution } from 'turnstile-solver'
import {
  type DriverFrame,
  type DriverPage,
  findTurnstile,
  isTurnstilePageError,
  type PageErrorCode,
  type PageSolution,
  type PageSolveOptions,
  solveTurnstileOnPage,
  TurnstilePageError,
  type Widget,
  type WidgetChoice,
} from 'turnstile-solver/page'

/** Holds only if both are the same type, `any` included. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const holds = <T extends true>(): T | undefined => undefined

holds<
  Same<
    PageErrorCode,
    | 'WIDGET_NOT_FOUND'
    | 'WIDGET_AMBIGUOUS'
    | 'SITEKEY_UNKNOWN'
    | 'PAGE_SCRIPT_ERROR'
    | 'PAGE_CLOSED'
    | 'PAGE_NAVIGATED'
    | 'TOKEN_EXPIRED'
    | 'TOKEN_NOT_APPLIED'
  >
>()
holds<
  Same<
    keyof PageSolveOptions,
    | 'provider'
    | 'clientKey'
    | 'baseURL'
    | 'label'
    | 'timeoutMs'
    | 'requestTimeoutMs'
    | 'signal'
    | 'websiteURL'
    | 'websiteKey'
    | 'taskType'
    | 'action'
    | 'cData'
    | 'proxy'
    | 'developerId'
    | 'extraTaskFields'
    | 'extraRequestFields'
    | 'pollIntervalMs'
    | 'onProgress'
    | 'selector'
    | 'callback'
    | 'widgetTimeoutMs'
    | 'ifSolved'
  >
>()
holds<Same<ReturnType<typeof findTurnstile>, Promise<Widget[]>>>()
holds<Same<ReturnType<typeof solveTurnstileOnPage>, Promise<PageSolution>>>()

const account = { provider: 'ezcaptcha', clientKey: 'key' } as const
const choice: WidgetChoice = { selector: '#login', websiteKey: undefined }

export async function both(puppeteer: PuppeteerPage, playwright: PlaywrightPage): Promise<string[]> {
  const page: DriverPage = puppeteer
  const frame: DriverFrame = playwright.mainFrame()
  const widgets: Widget[] = [...(await findTurnstile(page)), ...(await findTurnstile(playwright))]
  const options: PageSolveOptions = {
    ...account,
    ...choice,
    action: 'login',
    callback: 'login.onToken',
    widgetTimeoutMs: 10_000,
    onProgress: ({ phase }) => console.log(phase),
  }
  const solution: PageSolution = await solveTurnstileOnPage(playwright, options)
  const plain: Solution = await solveTurnstileOnPage(puppeteer, {
    ...account,
    ifSolved: 'solve',
    callback: token => token.length,
  })
  const { widget, applied, unsupported, warnings } = solution
  const taskId: string = solution.kept ? 'kept' : solution.taskId
  const maybe: number | undefined = solution.expiresAt
  return [
    plain.token,
    widget.websiteKey ?? '',
    ...applied.fields,
    String(applied.callback),
    taskId,
    String(maybe),
    ...warnings.map(({ code, message }) => `${code}: ${message}`),
    ...unsupported,
    frame.url(),
  ].concat(widgets.map(({ selector }) => selector))
}

export function failed(error: unknown): string | undefined {
  if (isTurnstilePageError(error)) {
    const made: TurnstilePageError = error
    switch (error.code) {
      case 'WIDGET_NOT_FOUND':
      case 'WIDGET_AMBIGUOUS':
      case 'SITEKEY_UNKNOWN':
      case 'PAGE_SCRIPT_ERROR':
        return error.widgets?.map(({ selector }) => selector).join()
      case 'PAGE_CLOSED':
      case 'PAGE_NAVIGATED':
        return error.taskId
      case 'TOKEN_EXPIRED':
      case 'TOKEN_NOT_APPLIED':
        return error.solution?.token ?? made.message
    }
    return error.code satisfies never
  }
  return isTurnstileError(error) ? error.code : undefined
}

export const made = (cause: unknown): TurnstilePageError =>
  new TurnstilePageError('closed', { code: 'PAGE_CLOSED', taskId: '1', mayBeCharged: true, cause })

export const isOurs = (error: unknown): boolean => error instanceof TurnstilePageError
