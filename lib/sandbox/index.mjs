/** `turnstile-solver/sandbox`: both providers on loopback, faults on demand, siteverify, a page with a widget. */

// Nothing but exports: the type checker reads index.d.mts in this file's place.
export { CODES as errorCodes } from './codes.mjs'
export { faults } from './faults/plan.mjs'
export { startSandbox } from './start.mjs'
