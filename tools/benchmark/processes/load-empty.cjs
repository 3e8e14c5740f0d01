process.stdout.write(JSON.stringify({ ms: 0, rss: process.memoryUsage.rss() }))
