'use strict'

// The public entry. What it exports is in lib/, its types in index.d.ts.

const {
  createTask,
  getBalance,
  getTaskResult,
  providers,
  solveTurnstile,
  waitForTask,
} = require('./lib/client.js')
const { isTurnstileError, TurnstileError } = require('./lib/errors.js')

module.exports = {
  solveTurnstile,
  createTask,
  getTaskResult,
  waitForTask,
  getBalance,
  providers,
  TurnstileError,
  isTurnstileError,
}
