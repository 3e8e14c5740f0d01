// Gets one token. If it is killed while it waits, the next run resumes the same task: see README.md.

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

/** @typedef {{ creatingSince?: string, taskId?: string }} State */

/** Replaces the file atomically: after a crash it has either the old or the new state. @param {State} state */
async function save(state) {
  const file = await open(`${TASK_FILE}.next`, 'w')
  try {
    await file.writeFile(JSON.stringify(state))
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(`${TASK_FILE}.next`, TASK_FILE)
  // The rename survives a power cut once the folder is synced. Windows cannot open a folder for that.
  if (process.platform === 'win32') return
  const folder = await open(dirname(TASK_FILE))
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

/** @returns {Promise<State | undefined>} */
async function load() {
  try {
    return JSON.parse(await readFile(TASK_FILE, 'utf8'))
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'ENOENT') return undefined
    throw error
  }
}

const remove = () => rm(TASK_FILE, { force: true })

async function findOrCreateTask() {
  const state = await load()
  if (state?.taskId) {
    console.error(`Resuming task ${state.taskId}`)
    return state.taskId
  }
  if (state?.creatingSince) {
    console.error(
      `Killed while creating a task at ${state.creatingSince}: it may be charged, and its id is unknown.`,
    )
  }
  await save({ creatingSince: new Date().toISOString() })
  try {
    const { taskId } = await createTask({ ...account, websiteURL: PAGE_URL, websiteKey: SITEKEY })
    await save({ taskId })
    console.error(`Created task ${taskId}`)
    return taskId
  } catch (error) {
    if (isTurnstileError(error) && !error.mayBeCharged) await remove()
    throw error
  }
}

try {
  const { token } = await waitForTask({ ...account, taskId: await findOrCreateTask() })
  // The file is removed after the token was used: killed between the two, the next run fetches the token again, without cost.
  console.log(token)
  await remove()
} catch (error) {
  if (!isTurnstileError(error)) throw error
  process.exitCode = 1
  console.error(error.message)
  // After any other failure the next run may still get the token of this task.
  if (error.reason === 'unsolvable' || error.reason === 'expired') await remove()
}
