const { solveTurnstile } = require('turnstile-solver')

solveTurnstile(JSON.parse(process.argv[2])).then(({ token }) => console.log(token))
