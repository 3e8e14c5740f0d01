// Gets one token, and buys it once however often it is killed: see README.md.

import { open, readFile, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { createTask, isTurnstileError, waitForTask } from 'turnstile-solver'

const { TASK_FILE = 'task.json', EZCAPTCHA_API_KEY = '', SOLVER_BASE_URL } = process.env
const { PAGE_URL = 'https://shop.example/login', SITEKEY = '0x4AAAAAAAExampleSitekey' } = process.env

const account = /** @type {const} */ ({
  provider: 'ezcaptcha',
  clientKey: EZCAPTCHA_API_KEY,
  baseURL: SOLVER_BASE_URL,
})

/** @typedef {{ buyingSince?: string, taskId?: string }} Note */

/** Whole or not at all: a crash in the middle leaves the note that was there before. @param {Note} note */
async function remember(note) {
  const file = await open(`${TASK_FILE}.next`, 'w')
  try {
    await file.writeFile(JSON.stringify(note))
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(`${TASK_FILE}.next`, TASK_FILE)
  // That the new name survives a power cut is the folder's to keep; Windows opens no folder for that.
  if (process.platform === 'win32') return
  const folder = await open(dirname(TASK_FILE))
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

/** @returns {Promise<Note | undefined>} */
async function remembered() {
  try {
    return JSON.parse(await readFile(TASK_FILE, 'utf8'))
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'ENOENT') return undefined
    throw error
  }
}

const forget = () => rm(TASK_FILE, { force: true })

async function task() {
  const before = await remembered()
  if (before?.taskId) {
    console.error(`Resuming task ${before.taskId}`)
    return before.taskId
  }
  if (before?.buyingSince) {
    console.error(`Killed while buying at ${before.buyingSince}: a task may be charged whose id never came.`)
  }
  await remember({ buyingSince: new Date().toISOString() })
  try {
    const { taskId } = await createTask({ ...account, websiteURL: PAGE_URL, websiteKey: SITEKEY })
    await remember({ taskId })
    console.error(`Bought task ${taskId}`)
    return taskId
  } catch (error) {
    if (isTurnstileError(error) && !error.mayBeCharged) await forget()
    throw error
  }
}

try {
  const { token } = await waitForTask({ ...account, taskId: await task() })
  // First it is used and then forgotten: killed between the two, the next run fetches it again for nothing.
  console.log(token)
  await forget()
} catch (error) {
  if (!isTurnstileError(error)) throw error
  process.exitCode = 1
  console.error(error.message)
  // Of anything else that befalls a task that exists, the next run may still get its token.
  if (error.reason === 'unsolvable' || error.reason === 'expired') await forget()
}
