// Signs in at a page with a Turnstile widget: see README.md.

import puppeteer from 'puppeteer-core'
import { waitForTask } from 'turnstile-solver'
import { isTurnstilePageError, solveTurnstileOnPage } from 'turnstile-solver/page'
import { startSandbox } from 'turnstile-solver/sandbox'

const { LOGIN_URL, LOGIN_NAME = 'somebody', EZCAPTCHA_API_KEY = '', SOLVER_BASE_URL } = process.env
const { CHROME_PATH, CHROME_ARGS = '' } = process.env

// Without an address of a page a sandbox is the provider, and serves a page with a widget.
const sandbox = LOGIN_URL
  ? undefined
  : await startSandbox({ provider: 'ezcaptcha', solveTimeMs: [1000, 3000] })
const url = LOGIN_URL ?? sandbox?.pageURL({ action: 'login' }) ?? ''
const account = sandbox?.account ?? {
  provider: /** @type {const} */ ('ezcaptcha'),
  clientKey: EZCAPTCHA_API_KEY,
  baseURL: SOLVER_BASE_URL,
}

const stop = new AbortController()
process.once('SIGINT', () => stop.abort())

const browser = await puppeteer.launch({
  ...(CHROME_PATH ? { executablePath: CHROME_PATH } : { channel: 'chrome' }),
  args: CHROME_ARGS.split(' ').filter(Boolean),
})
try {
  const page = await browser.newPage()
  await page.goto(url)
  await page.type('#username', LOGIN_NAME)

  const {
    widget,
    kept,
    taskId,
    elapsedMs = 0,
  } = await solveTurnstileOnPage(page, {
    ...account,
    signal: stop.signal,
    onProgress: ({ phase, polls }) => console.error(`${phase}, ${polls} polls`),
  })
  console.log(
    kept
      ? `${widget.selector} had a token already`
      : `${widget.selector} solved in ${(elapsedMs / 1000).toFixed(1)} s, task ${taskId}`,
  )

  await Promise.all([page.waitForNavigation(), page.click('#submit')])
  console.log(`${await page.title()}: ${await page.$eval('h1', heading => heading.textContent)}`)
} catch (error) {
  process.exitCode = 1
  const { message, taskId } = /** @type {Error & { taskId?: string }} */ (error)
  console.error(message)
  // If the page is gone, the token that was paid for can still be fetched.
  if (isTurnstilePageError(error) && taskId) {
    const { token } = error.solution ?? (await waitForTask({ ...account, taskId }))
    console.error(`The token of task ${taskId} was fetched, ${token.length} characters.`)
  }
} finally {
  await browser.close()
  await sandbox?.close()
}
