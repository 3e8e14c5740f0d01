/** startSandbox: makes the public object (index.d.mts) of an app (app.mjs). */

import { EventEmitter } from 'node:events'
import { createApp } from './app.mjs'
import { demandSolveTime, parseOptions } from './options.mjs'
import { SANDBOX_SECRET } from './widget/siteverify.mjs'
import { widgetPath } from './widget/widget.mjs'

/**
 * @param {import('./index.d.mts').SandboxOptions} [given]
 * @returns {Promise<import('./index.d.mts').Sandbox>}
 */
export async function startSandbox(given) {
  const options = parseOptions(given)
  const { provider, clientKey, now } = options
  const events = new EventEmitter()
  // Usually there is no listener, and this is called for every request.
  const app = await createApp(
    options,
    event => {
      for (const name of [event.type, '*'])
        if (events.listenerCount(name) > 0) events.emit(name, { ...event, at: now() })
    },
    events,
  )
  const { baseURL, siteverifyURL, store, plan, listener, provider: record } = app
  // The type has the providers of the package.
  const account = {
    provider: /** @type {import('../../index.js').Provider} */ (provider),
    clientKey,
    baseURL,
  }
  /** @type {Promise<void> | undefined} */
  let closing
  const close = () => {
    closing ??= app.close()
    return closing
  }

  return {
    account,
    taskType: record.taskType,
    baseURL,
    port: listener.port,
    secret: SANDBOX_SECRET,
    siteverifyURL,
    ...(app.dashboardURL === undefined ? {} : { dashboardURL: app.dashboardURL }),
    events: /** @type {import('./index.d.mts').SandboxEvents} */ (/** @type {unknown} */ (events)),
    pageURL: page => `${baseURL}${widgetPath(page)}`,
    stats: app.stats,
    tasks: () =>
      store.list().map(task => ({
        taskId: task.taskId,
        ...store.fields(task),
        createdAt: task.createdAt,
        readyAt: task.readyAt,
        polls: task.polls,
        delivered: task.delivered,
        ...(task.accepted === undefined ? {} : { accepted: task.accepted }),
        ...(task.issued ? { token: store.token(task) } : {}),
      })),
    addFault: rule => plan.add(rule),
    clearFaults: () => plan.clear(),
    setSolveTime(solveTimeMs) {
      demandSolveTime(solveTimeMs)
      store.setSolveTime(solveTimeMs)
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}
