// A wrong CommonJS consumer: each marked line must fail to compile. Nothing here is ever run.

import solver = require('turnstile-solver')

// @ts-expect-error: an unknown provider
const balance = solver.getBalance({ provider: 'unknown', clientKey: 'key' })
// @ts-expect-error: the functions have names, the package is none
const solved = solver({ provider: 'ezcaptcha', clientKey: 'key' })
// @ts-expect-error: the addon is not exported
const native = solver.native

export = { balance, solved, native }
