/** `turnstile-solver/sandbox`: a mock of the providers on loopback, with faults on demand, siteverify and a page with a widget. */

// Only exports: the type checker reads index.d.mts instead of this file.
export { faults } from './faults/plan.mjs'
export { errorCodes } from './providers/index.mjs'
export { startSandbox } from './start.mjs'
