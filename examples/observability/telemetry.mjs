/** Spans and metrics from the events of turnstile-solver. */

import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { SpanKind, SpanStatusCode } from '@opentelemetry/api'
import { Counter, Gauge, Histogram } from 'prom-client'

const CHANNEL = 'turnstile-solver:call'

/** @typedef {import('turnstile-solver').CallEvent} CallEvent */
/** @typedef {(event: CallEvent) => void} Observer */

/**
 * One span for each call, a child of the span that is active where it is made; what happens on the way are its events.
 *
 * @param {import('@opentelemetry/api').Tracer} tracer
 * @returns {Observer}
 */
export function spans(tracer) {
  /** @type {Map<string, import('@opentelemetry/api').Span>} */
  const open = new Map()
  return event => {
    const { type, id, call, provider, taskId, polls, retries } = event
    if (type === 'start') {
      const attributes = { 'turnstile.call': call, ...(provider && { 'turnstile.provider': provider }) }
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
      const { code, reason, message, mayBeCharged } = event
      span?.setAttributes({ 'error.type': code, 'turnstile.may_be_charged': mayBeCharged })
      if (reason) span?.setAttribute('turnstile.reason', reason)
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
 * No label holds a task, a call's id or a text: each would be a series of its own.
 *
 * @param {import('prom-client').Registry} registry
 * @returns {Observer}
 */
export function metrics(registry) {
  const registers = [registry]
  const pending = new Gauge({
    name: 'turnstile_solver_pending_calls',
    help: 'Calls under way.',
    labelNames: ['call', 'provider'],
    registers,
  })
  const seconds = new Histogram({
    name: 'turnstile_solver_call_duration_seconds',
    help: 'How long calls took, by what they came to.',
    labelNames: ['call', 'provider', 'outcome'],
    buckets: [0.1, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 120, 300],
    registers,
  })
  const failures = new Counter({
    name: 'turnstile_solver_failures_total',
    help: 'Calls that failed.',
    labelNames: ['call', 'provider', 'code', 'reason'],
    registers,
  })
  const created = new Counter({
    name: 'turnstile_solver_tasks_created_total',
    help: 'Tasks that exist, and are paid for.',
    labelNames: ['provider'],
    registers,
  })
  const polls = new Counter({
    name: 'turnstile_solver_polls_total',
    help: 'Polls that were answered.',
    labelNames: ['provider', 'status'],
    registers,
  })
  const retries = new Counter({
    name: 'turnstile_solver_retries_total',
    help: 'Requests that failed in passing and went out again.',
    labelNames: ['provider', 'code'],
    registers,
  })
  /** By the calls' ids. Whose start went to others before this listened, is not counted down. @type {Map<string, string>} */
  const open = new Map()
  return event => {
    const { type, id, call, provider = 'none', elapsedMs } = event
    if (type === 'start') {
      open.set(id, provider)
      return pending.inc({ call, provider })
    }
    const atStart = open.get(id)
    if (atStart === undefined) return
    if (type === 'created') created.inc({ provider })
    else if (type === 'processing' || type === 'ready') polls.inc({ provider, status: type })
    else if (type === 'retrying') retries.inc({ provider, code: event.code })
    else {
      open.delete(id)
      pending.dec({ call, provider: atStart })
      seconds.observe({ call, provider, outcome: event.outcome }, elapsedMs / 1000)
      if (event.outcome === 'failed') {
        failures.inc({ call, provider, code: event.code, reason: event.reason ?? '' })
      }
    }
  }
}

/**
 * Listens until told to stop.
 *
 * @param {...Observer} observers
 */
export function listen(...observers) {
  const listeners = observers.map(observe => (/** @type {unknown} */ event) => {
    try {
      observe(/** @type {CallEvent} */ (event))
    } catch (error) {
      // What a subscriber throws ends the process, and telemetry is not worth that.
      console.error(error)
    }
  })
  for (const listener of listeners) subscribe(CHANNEL, listener)
  return () => {
    for (const listener of listeners) unsubscribe(CHANNEL, listener)
  }
}
