/** A sandbox in its own process, whose descriptors are not the client's. It sends its account, and at the end its tasks. */

import { startSandbox } from '../../lib/sandbox/index.mjs'

const sandbox = await startSandbox(JSON.parse(process.argv[2]))
process.send?.({ account: sandbox.account })
process.once('message', async () => {
  const stats = sandbox.stats()
  const tasks = sandbox.tasks().map(({ taskId, token, delivered }) => ({ taskId, token, delivered }))
  process.send?.({ stats, tasks }, () => process.disconnect())
  await sandbox.close()
})
