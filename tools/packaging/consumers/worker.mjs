import { parentPort, workerData } from 'node:worker_threads'
import { solveTurnstile } from 'turnstile-solver'

const { token } = await solveTurnstile(workerData)
parentPort?.postMessage(token)
