/** Spans and metrics from the events of turnstile-solver. */

import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { SpanKind, SpanStatusCode } from '@opentelemetry/api'
import { Counter, Gauge, Histogram } from 'prom-client'

const CHANNEL = 'turnstile-solver:call'

/** @typedef {import('turnstile-solver').CallEvent} CallEvent */
/** @typedef {(event: CallEvent) => void} Observer */

/**
 * Makes one span for each call, a child of the span that is active when the call is made. The events of the call are events of the span.
 *
 * @param {import('@opentelemetry/api').Tracer} tracer
 * @returns {Observer}
 */
export function spans(tracer) {
  /** @type {Map<string, import('@opentelemetry/api').Span>} */
  const open = new Map()
  return event => {
    const { type, id, call, provider, label, taskId, polls, retries } = event
    if (type === 'start') {
      const attributes = {
        'turnstile.call': call,
        ...(provider && { 'turnstile.provider': provider }),
        ...(label && { 'turnstile.account': label }),
      }
      open.set(id, tracer.startSpan(`turnstile ${call}`, { kind: SpanKind.CLIENT, attributes }))
      return
    }
    const span = open.get(id)
    if (type !== 'settled') {
      span?.addEvent(type, { polls, retries, ...(type === 'retrying' ? retryOf(event) : {}) })
      return
    }
    open.delete(id)
    span?.setAttributes({ 'turnstile.polls': polls, 'turnstile.retries': retries })
    if (taskId) span?.setAttribute('turnstile.task_id', taskId)
    if (event.outcome === 'failed') {
      const { code, reason, message, mayBeCharged, retryAfterMs } = event
      span?.setAttributes({ 'error.type': code, 'turnstile.may_be_charged': mayBeCharged })
      if (reason) span?.setAttribute('turnstile.reason', reason)
      if (retryAfterMs) span?.setAttribute('turnstile.retry_after_ms', retryAfterMs)
      span?.setStatus({ code: SpanStatusCode.ERROR, message })
    }
    span?.end()
  }
}

/** @param {Extract<CallEvent, { type: 'retrying' }>} event */
const retryOf = ({ code, message, retryDelayMs }) => ({
  'error.type': code,
  message,
  retry_delay_ms: retryDelayMs,
})

/**
 * The label `account` is the option `label` of a call. No label contains an id or a message, because each value would be a time series of
 * its own.
 *
 * @param {import('prom-client').Registry} registry
 * @returns {Observer}
 */
export function metrics(registry) {
  const registers = [registry]
  const pending = new Gauge({
    name: 'turnstile_solver_pending_calls',
    help: 'Calls in progress.',
    labelNames: ['call', 'provider', 'account'],
    registers,
  })
  const seconds = new Histogram({
    name: 'turnstile_solver_call_duration_seconds',
    help: 'The duration of calls, by outcome.',
    labelNames: ['call', 'provider', 'account', 'outcome'],
    buckets: [0.1, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 120, 300],
    registers,
  })
  const failures = new Counter({
    name: 'turnstile_solver_failures_total',
    help: 'Calls that failed.',
    labelNames: ['call', 'provider', 'account', 'code', 'reason'],
    registers,
  })
  const created = new Counter({
    name: 'turnstile_solver_tasks_created_total',
    help: 'Tasks that were created, and are paid for.',
    labelNames: ['provider', 'account'],
    registers,
  })
  const unknownCharges = new Counter({
    name: 'turnstile_solver_unknown_charges_total',
    help: 'Calls after which a task may exist, and be charged, whose id is unknown.',
    labelNames: ['provider', 'account'],
    registers,
  })
  const pausedUntil = new Gauge({
    name: 'turnstile_solver_account_paused_until_seconds',
    help: 'The Unix time until which nothing is sent for a refused account.',
    labelNames: ['provider', 'account'],
    registers,
  })
  const polls = new Counter({
    name: 'turnstile_solver_polls_total',
    help: 'Polls that got a reply, by status.',
    labelNames: ['provider', 'account', 'status'],
    registers,
  })
  const retries = new Counter({
    name: 'turnstile_solver_retries_total',
    help: 'Requests that were repeated after a transient failure.',
    labelNames: ['provider', 'account', 'code'],
    registers,
  })
  /**
   * By the id of a call, its labels when it started. A call that is not here started before this observer was added, and is not counted.
   *
   * @type {Map<string, { provider: string, account: string }>}
   */
  const open = new Map()
  return event => {
    const { type, id, call, provider = 'none', label = '', taskId, elapsedMs } = event
    const labels = { provider, account: label }
    if (type === 'start') {
      open.set(id, labels)
      return pending.inc({ call, ...labels })
    }
    const atStart = open.get(id)
    if (atStart === undefined) return
    if (type === 'created') created.inc(labels)
    else if (type === 'processing' || type === 'ready') polls.inc({ ...labels, status: type })
    else if (type === 'retrying') retries.inc({ ...labels, code: event.code })
    else {
      open.delete(id)
      pending.dec({ call, ...atStart })
      seconds.observe({ call, ...labels, outcome: event.outcome }, elapsedMs / 1000)
      if (event.outcome === 'failed') {
        failures.inc({ call, ...labels, code: event.code, reason: event.reason ?? '' })
        if (event.mayBeCharged && !taskId) unknownCharges.inc(labels)
        if (event.retryAfterMs) pausedUntil.set(labels, (Date.now() + event.retryAfterMs) / 1000)
      }
    }
  }
}

/**
 * Passes the events of all calls to the observers. Returns a function that stops it.
 *
 * @param {...Observer} observers
 */
export function listen(...observers) {
  const listeners = observers.map(observe => (/** @type {unknown} */ event) => {
    try {
      observe(/** @type {CallEvent} */ (event))
    } catch (error) {
      // An exception in a subscriber would end the process.
      console.error(error)
    }
  })
  for (const listener of listeners) subscribe(CHANNEL, listener)
  return () => {
    for (const listener of listeners) unsubscribe(CHANNEL, listener)
  }
}
