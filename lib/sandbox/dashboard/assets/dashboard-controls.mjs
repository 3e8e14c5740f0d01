/// <reference lib="dom" />
/** The controls of the page: solve time and faults. Errors are shown beside them. */

import { element, seconds } from './dashboard-task.mjs'

/** @typedef {{ name: string, group: string, description: string, processed: boolean, calls: string[], explanation: string }} Fault */
/** @typedef {{ id: number, fault: string, method: string, nth: number, times: number | null, probability?: number, task?: number, delayMs?: number, errorCode?: string, retryAfter?: string, hits: number, over: boolean }} Rule */
/** @typedef {number | 'never' | 'function' | [number, number]} SolveTime */

/** @template {HTMLElement} T @param {string} id */
const find = id => /** @type {T} */ (document.getElementById(id))

const fault = /** @type {HTMLSelectElement} */ (find('fault'))
const on = /** @type {HTMLSelectElement} */ (find('on'))
const often = /** @type {HTMLSelectElement} */ (find('often'))
const amount = /** @type {HTMLInputElement} */ (find('amount'))
const code = /** @type {HTMLSelectElement} */ (find('code'))
const retry = /** @type {HTMLInputElement} */ (find('retry'))
const from = /** @type {HTMLInputElement} */ (find('time-from'))
const to = /** @type {HTMLInputElement} */ (find('time-to'))

/** @param {Record<string, unknown>} command */
async function send(command) {
  const problem = find(command.do === 'solveTime' ? 'time-problem' : 'fault-problem')
  try {
    const response = await fetch('/sandbox/controls', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(command),
    })
    const { error } = await response.json()
    problem.textContent = error ? `Error: ${error}.` : ''
  } catch {
    problem.textContent = 'Error: the sandbox does not reply.'
  }
}

/** @param {SolveTime} time */
function timeText(time) {
  if (time === 'never') return 'never ready'
  if (time === 'function') return 'set by a function'
  const [min, max] = Array.isArray(time) ? time : [time, time]
  if (min < max) return `${seconds(min)} to ${seconds(max)}`
  return max === 0 ? 'immediately' : seconds(max)
}

/** @param {SolveTime} time @param {string} preset */
const isPreset = (time, preset) =>
  String(Array.isArray(time) ? (time[0] === time[1] ? time[0] : time.join('-')) : time) === preset

/** @param {Rule} rule */
function ruleText({ method: call, nth, times, probability, task, delayMs, errorCode, retryAfter }) {
  const parts = [call === '*' ? 'any call' : call]
  if (probability !== undefined) parts.push(`${+(probability * 100).toFixed(1)} % of requests`)
  else if (times === null) parts.push('every time')
  else parts.push(times === 1 ? 'once' : `${times} times`)
  if (nth > 1) parts.push(`from request ${nth} on`)
  if (task) parts.push(`task ${task}`)
  if (errorCode) parts.push(errorCode)
  if (retryAfter !== undefined) parts.push(`Retry-After ${retryAfter}`)
  if (delayMs) parts.push(`after ${seconds(delayMs)}`)
  return parts.join(', ')
}

/** @param {{ faults: Fault[], errorCodes: string[] }} table */
function fillControls({ faults, errorCodes }) {
  const option = (/** @type {string} */ value, text = value) => new Option(text, value)
  for (const title of new Set(faults.map(({ group }) => group))) {
    const list = /** @type {HTMLOptGroupElement} */ (element('optgroup'))
    list.label = title
    list.append(...faults.filter(({ group }) => group === title).map(({ name }) => option(name)))
    fault.append(list)
  }
  code.replaceChildren(...errorCodes.map(value => option(value)))
  const explain = () => {
    const chosen = faults.find(({ name }) => name === fault.value)
    if (!chosen) return
    find('explanation').textContent = chosen.explanation
    const effect = chosen.processed ? 'The request is processed.' : 'The request is not processed.'
    find('effect').textContent = `Effect: ${chosen.description}. ${effect}`
    const kept = on.value
    on.replaceChildren(
      ...(chosen.calls.length > 1 ? [option('*', 'any call')] : []),
      ...chosen.calls.map(value => option(value)),
    )
    if (chosen.calls.includes(kept)) on.value = kept
    find('code-label').hidden = chosen.name !== 'error'
    find('retry-label').hidden = !['429', '503', 'error'].includes(chosen.name)
  }
  fault.addEventListener('change', explain)
  explain()
}

/** @returns {Record<string, unknown>} */
function chosenRule() {
  const number = Number(amount.value)
  return {
    fault: fault.value,
    method: on.value,
    ...(often.value === 'times' ? { times: number } : {}),
    ...(often.value === 'always' ? { times: 'always' } : {}),
    ...(often.value === 'probability' ? { probability: number / 100 } : {}),
    ...(fault.value === 'error' ? { errorCode: code.value } : {}),
    ...(find('retry-label').hidden || retry.value === '' ? {} : { retryAfter: Number(retry.value) }),
  }
}

/** Adds the listeners of the controls. */
export async function createControls() {
  often.addEventListener('change', () => {
    const percent = often.value === 'probability'
    find('amount-label').hidden = !percent && often.value !== 'times'
    find('amount-name').textContent = percent ? 'percent' : 'times'
    amount.max = percent ? '100' : ''
    amount.value = percent ? '10' : '3'
  })
  find('add').addEventListener('submit', event => {
    event.preventDefault()
    send({ do: 'addFault', rule: chosenRule() })
  })
  find('clear').addEventListener('click', () => {
    send({ do: 'clearFaults' })
    fault.focus()
  })
  find('time').addEventListener('submit', event => {
    event.preventDefault()
    send({ do: 'solveTime', solveTimeMs: [Number(from.value), Number(to.value)] })
  })
  find('presets').addEventListener('click', ({ target }) => {
    const text = target instanceof HTMLElement ? target.dataset.time : undefined
    if (text === undefined) return
    const [min, max = min] = text.split('-')
    if (text === 'never') return send({ do: 'solveTime', solveTimeMs: text })
    from.value = min
    to.value = max
    send({ do: 'solveTime', solveTimeMs: [Number(min), Number(max)] })
  })
  fillControls(await (await fetch('/sandbox/faults.json')).json())
}

/** @type {Map<number, { item: HTMLElement, hits: HTMLElement }>} */
const shown = new Map()

/** @param {Rule} rule */
function ruleItem(rule) {
  const hits = element('span', 'hits')
  const off = /** @type {HTMLButtonElement} */ (element('button', 'off', 'Remove'))
  off.type = 'button'
  off.setAttribute('aria-label', `Remove ${rule.fault}`)
  off.addEventListener('click', () => {
    send({ do: 'removeFault', id: rule.id })
    fault.focus()
  })
  const what = element('span', 'what', element('strong', '', rule.fault), ` ${ruleText(rule)}`)
  const item = element('li', '', what, hits, off)
  return { item, hits }
}

/**
 * Shows the current settings. Existing elements are kept, so that the focus is not lost.
 * @param {Rule[]} rules
 * @param {SolveTime} solveTime
 */
export function showControls(rules, solveTime) {
  find('time-now').textContent = timeText(solveTime)
  for (const button of find('presets').querySelectorAll('button'))
    button.setAttribute('aria-pressed', String(isPreset(solveTime, button.dataset.time ?? '')))
  for (const [id, { item }] of shown) {
    if (rules.some(rule => rule.id === id)) continue
    item.remove()
    shown.delete(id)
  }
  for (const rule of rules) {
    let known = shown.get(rule.id)
    if (!known) {
      known = ruleItem(rule)
      shown.set(rule.id, known)
      find('rules').append(known.item)
    }
    known.hits.textContent = `${rule.hits} hit${rule.hits === 1 ? '' : 's'}${rule.over ? ', finished' : ''}`
    known.item.classList.toggle('over', rule.over)
  }
  find('clear').hidden = rules.length === 0
  find('no-rules').hidden = rules.length > 0
}
