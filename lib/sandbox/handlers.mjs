/** What createTask, getTaskResult and getBalance do without a fault. */

import { isObject } from './providers/validation.mjs'

/**
 * @typedef {object} Caller
 * @property {string} address
 * @property {string} contentType
 */

/**
 * @param {object} parts
 * @param {import('./providers/record.mjs').ProviderRecord} parts.provider
 * @param {import('./providers/replies.mjs').Replies} parts.replies
 * @param {import('./store.mjs').Store} parts.store
 * @param {import('./bans.mjs').Bans} parts.bans
 * @param {(event: Record<string, unknown> & { type: string }) => void} parts.emit
 * @param {() => number} parts.now
 * @param {string | undefined} parts.createdStatus
 */
export function createHandlers({ provider, replies, store, bans, emit, now, createdStatus }) {
  const { code } = provider
  const types = new Map(Object.keys(provider.prices).map(type => [type.toLowerCase(), type]))

  /** The task type as the provider spells it. @param {string} type */
  const typeOf = type => (provider.typesIgnoreCase ? (types.get(type.toLowerCase()) ?? type) : type)

  /**
   * @param {string} call
   * @param {string} errorCode
   * @param {string} key
   * @param {Caller} caller
   * @param {Parameters<typeof replies.error>[1]} [detail]
   */
  const refuse = (call, errorCode, key, caller, detail) => {
    emit({ type: 'refused', call, errorCode })
    const until = bans.record(call, errorCode, key, caller.address)
    if (until) emit({ type: 'banned', call, errorCode, until })
    return replies.error(errorCode, detail)
  }

  /**
   * @param {string} call
   * @param {Record<string, string>} problems
   * @param {string} key
   * @param {Caller} caller
   */
  const refuseFields = (call, problems, key, caller) => {
    const [path, problem] = Object.entries(problems)[0]
    // EZ-Captcha lists every field in a map; the others name the first field in the description.
    const detail = provider.requestIds
      ? { errors: problems }
      : { description: `Please check the field: ${path} ${problem}` }
    return refuse(call, code.invalid, key, caller, detail)
  }

  /**
   * Checks what all calls have in common. Returns the refusal, or null.
   * @param {string} call
   * @param {any} body
   * @param {Caller} caller
   */
  const checkAccount = (call, body, caller) => {
    const key = isObject(body) && typeof body.clientKey === 'string' ? body.clientKey : ''
    // Refusals during a ban are not counted, so that they do not prolong it.
    if (bans.until(key, caller.address)) {
      emit({ type: 'refused', call, errorCode: code.banned })
      return replies.error(code.banned)
    }
    if (provider.jsonOnly && !/^application\/json\b/i.test(caller.contentType)) {
      return refuse(call, code.badContentType, key, caller)
    }
    if (!isObject(body)) {
      return refuse(call, code.badRequest, key, caller, { description: 'The body is not a JSON object' })
    }
    if (key === '') return refuseFields(call, { clientKey: 'must not be blank' }, key, caller)
    if (!store.has(key)) return refuse(call, code.badKey, key, caller)
    return null
  }

  return {
    refuse,

    /**
     * @param {any} body
     * @param {Caller} caller
     * @returns {import('./providers/replies.mjs').Reply & { created?: import('./store.mjs').Task }}
     */
    createTask(body, caller) {
      const refusal = checkAccount('createTask', body, caller)
      if (refusal) return refusal
      const key = body.clientKey
      const problems = provider.validate(body)
      if (Object.keys(problems).length > 0) return refuseFields('createTask', problems, key, caller)
      const type = typeOf(body.task.type)
      if (provider.otherPrice === null && !Object.hasOwn(provider.prices, type)) {
        return refuse('createTask', code.unsupportedType, key, caller)
      }
      const task = store.create(key, body, type)
      if (!task) return refuse('createTask', code.zeroBalance, key, caller)
      emit({
        type: 'task:created',
        taskId: task.taskId,
        taskNumber: task.taskNumber,
        points: task.price,
        readyAt: task.readyAt,
      })
      if (createdStatus === undefined) return Object.assign(replies.created(task.taskId), { created: task })
      if (createdStatus !== 'ready')
        return Object.assign(replies.created(task.taskId, { status: createdStatus }), { created: task })
      // Solved at once.
      task.readyAt = task.createdAt
      task.failsAt = Number.POSITIVE_INFINITY
      const solution = provider.solution(store.token(task))
      return Object.assign(replies.created(task.taskId, { status: 'ready', solution }), {
        created: task,
        delivers: task,
      })
    },

    /**
     * @param {any} body
     * @param {Caller} caller
     * @returns {import('./providers/replies.mjs').Reply}
     */
    getTaskResult(body, caller) {
      const call = 'getTaskResult'
      const refusal = checkAccount(call, body, caller)
      if (refusal) return refusal
      const { clientKey: key, taskId } = body
      if (taskId === undefined || taskId === null || taskId === '') {
        return refuseFields(call, { taskId: 'must not be blank' }, key, caller)
      }
      const task = store.find(taskId)
      if (!task || task.key !== key) return refuse(call, code.noTask, key, caller)
      if (task.polls >= provider.pollLimit) {
        // Where no ban is documented, the task is answered like an expired one.
        if (provider.pollLimitBanMs === undefined) return refuse(call, code.noTask, key, caller)
        emit({ type: 'banned', call, errorCode: code.banned, until: bans.ban(key, provider.pollLimitBanMs) })
        return refuse(call, code.banned, key, caller)
      }
      task.polls++
      const state = store.state(task)
      emit({ type: 'task:polled', taskId, taskNumber: task.taskNumber, polls: task.polls, state })
      if (state === 'processing') return replies.processing()
      if (state === 'failed') {
        store.fail(task)
        return replies.failed(task.failCode)
      }
      if (!task.issued)
        emit({ type: 'task:ready', taskId, taskNumber: task.taskNumber, readyAt: task.readyAt })
      const solution = provider.solution(store.token(task))
      return Object.assign(replies.ready(solution, task, now()), { delivers: task })
    },

    /**
     * @param {any} body
     * @param {Caller} caller
     * @returns {import('./providers/replies.mjs').Reply}
     */
    getBalance(body, caller) {
      return checkAccount('getBalance', body, caller) ?? replies.balance(store.balance(body.clientKey))
    },

    /**
     * @param {any} body
     * @param {Caller} caller
     * @returns {import('./providers/replies.mjs').Reply}
     */
    getSoftID(body, caller) {
      return checkAccount('getSoftID', body, caller) ?? replies.success({ ...provider.softIdReply })
    },

    /**
     * Feedback on a token.
     * @param {any} body
     * @param {Caller} caller
     * @param {string} path
     * @returns {import('./providers/replies.mjs').Reply}
     */
    reportTask(body, caller, path) {
      const call = 'reportTask'
      const refusal = checkAccount(call, body, caller)
      if (refusal) return refusal
      const { clientKey: key, taskId, result } = body
      const hasResult = path === '/feedbackTask'
      if (hasResult && typeof result?.invalid !== 'boolean')
        return refuseFields(call, { 'result.invalid': 'must be a boolean' }, key, caller)
      const task = store.find(taskId)
      if (!task || task.key !== key) return refuse(call, code.noTask, key, caller)
      const accepted = hasResult ? !result.invalid : provider.feedback?.[path] === true
      task.accepted = accepted
      emit({ type: 'task:reported', taskId: task.taskId, taskNumber: task.taskNumber, accepted })
      return replies.success({ ...provider.feedbackReply })
    },
  }
}

/** @typedef {ReturnType<typeof createHandlers>} Handlers */
