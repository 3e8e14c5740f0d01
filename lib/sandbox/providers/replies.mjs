/** Builds the replies of a provider from its record. */

import { describe } from './descriptions.mjs'

const NO_ERROR = { errorCode: '', errorDescription: '' }
const NULL_ERROR = { errorCode: null, errorDescription: null }

/**
 * One reply: an HTTP status and a JSON body. `delivers` is the task whose token it carries.
 * @typedef {{ status: number, body: Record<string, any>, delivers?: import('../store.mjs').Task }} Reply
 */

/**
 * The replies of one provider, with `null` and `''` where the provider's own samples have them.
 * @param {import('./record.mjs').ProviderRecord} provider
 * @param {() => string} nextRequestId
 */
export function createReplies(provider, nextRequestId) {
  /**
   * @param {number} status
   * @param {Record<string, any>} body
   * @returns {Reply}
   */
  const reply = (status, body) => {
    if (provider.requestIds) body.requestId = nextRequestId()
    return { status, body }
  }
  const { createdFields = NO_ERROR, pendingFields = NULL_ERROR } = provider

  return {
    /** @param {string | number} taskId @param {Record<string, unknown>} [more] */
    created: (taskId, more) => reply(200, { errorId: 0, ...createdFields, taskId, ...more }),
    processing: () => reply(200, { errorId: 0, ...pendingFields, status: 'processing' }),
    /** @param {unknown} solution @param {import('../store.mjs').Task} task @param {number} now */
    ready: (solution, task, now) =>
      reply(200, {
        ...{ errorId: 0, ...pendingFields, solution, status: 'ready' },
        ...provider.readyFields?.(task, now),
      }),
    /** @param {Record<string, unknown>} fields */
    success: fields => reply(200, { errorId: 0, ...fields }),
    /** @param {number} balance */
    balance: balance => reply(200, { errorId: 0, balance, ...provider.balanceFields }),
    /**
     * A task that failed. The request itself succeeded, so the status is 200.
     * @param {string} code
     */
    failed: code => reply(200, { ...envelope(provider, code), ...provider.failedFields }),
    /**
     * @param {string} code
     * @param {{ description?: string, errors?: Record<string, string>, status?: number }} [detail]
     */
    error: (code, { description, errors, status } = {}) => {
      const body = { ...envelope(provider, code, description), ...provider.errorFields }
      if (errors) body.errors = errors
      return reply(status ?? provider.statuses[code] ?? provider.errorStatus, body)
    },
  }
}

/**
 * @param {import('./record.mjs').ProviderRecord} provider
 * @param {string} code
 * @param {string} [description]
 * @returns {Record<string, any>}
 */
function envelope(provider, code, description) {
  return {
    errorId: provider.errorId(code),
    errorCode: code,
    errorDescription: description ?? describe(code),
  }
}

/** @typedef {ReturnType<typeof createReplies>} Replies */
