import { isTurnstileError, type Solution, type SolveOptions, solveTurnstile } from 'turnstile-solver'
import { type SandboxOptions, startSandbox } from 'turnstile-solver/sandbox'

const setting: SandboxOptions = { provider: 'yescaptcha', solveTimeMs: 0, balance: 15 }
const sandbox = await startSandbox(setting)
const options: SolveOptions = {
  ...sandbox.account,
  websiteURL: 'https://shop.example/login',
  websiteKey: '0x4AAAAAAAExampleSitekey',
  pollIntervalMs: 1000,
}
const solution: Solution = await solveTurnstile(options)
console.log(solution.token satisfies string)
try {
  await solveTurnstile(options)
} catch (error: unknown) {
  if (isTurnstileError(error) && error.code === 'PROVIDER_ERROR') console.log(error.errorCode)
}
await sandbox.close()
