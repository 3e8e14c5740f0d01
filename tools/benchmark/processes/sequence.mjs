/** Solves one after the other, and their CPU time each. */

import { serveParent } from './parent.mjs'

serveParent({
  async run({ module, entry, setting, warmUp, count }) {
    const { [entry]: connect } = await import(`../clients/${module}.mjs`)
    const solve = connect(setting)
    const tokens = new Set()
    for (let i = 0; i < warmUp; i++) await solve()
    const before = process.cpuUsage()
    for (let i = 0; i < count; i++) tokens.add(await solve())
    const { user, system } = process.cpuUsage(before)
    if (tokens.size !== count) throw new Error(`${tokens.size} of ${count} tokens`)
    return (user + system) / 1000 / count
  },
})
