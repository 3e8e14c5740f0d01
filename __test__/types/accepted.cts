// The same entry point for CommonJS. Nothing here is ever run.

import solver = require('turnstile-solver')

const account: solver.AccountOptions = {
  provider: 'custom',
  clientKey: 'key',
  baseURL: 'https://api.example',
}

async function balance(): Promise<number> {
  const { balance, raw }: solver.Balance = await solver.getBalance(account)
  return balance + Object.keys(raw).length
}

async function token(): Promise<string> {
  const page = { websiteURL: 'https://shop.example', websiteKey: 'key', taskType: 'TurnstileTask' }
  const result: solver.TaskResult = {
    status: 'ready',
    solution: await solver.solveTurnstile({ ...account, ...page }),
  }
  return result.solution.token
}

const isOurs = (error: unknown): boolean =>
  error instanceof solver.TurnstileError && solver.isTurnstileError(error)

export = { balance, token, isOurs }
