const before = performance.now()
require('../../../index.js')
const ms = performance.now() - before
process.stdout.write(JSON.stringify({ ms, rss: process.memoryUsage.rss() }))
