/** A sandbox in a process of its own, whose descriptors are not the client's. It says where it is, and at the end what it saw. */

import { startSandbox } from '../../lib/sandbox/index.mjs'

const sandbox = await startSandbox(JSON.parse(process.argv[2]))
process.send?.({ account: sandbox.account })
process.once('message', async () => {
  const stats = sandbox.stats()
  const tasks = sandbox.tasks().map(({ taskId, token, delivered }) => ({ taskId, token, delivered }))
  process.send?.({ stats, tasks }, () => process.disconnect())
  await sandbox.close()
})
