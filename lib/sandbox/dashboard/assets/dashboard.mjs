/// <reference lib="dom" />
/** The dashboard: listens to the sandbox's events and shows them. What a client sent is shown as text. */

import { createControls, showControls } from './dashboard-controls.mjs'
import { createTask, element } from './dashboard-task.mjs'

/** @typedef {import('./dashboard-task.mjs').Row} Row */
/** @typedef {Record<string, any> & { type: string, at: number, taskNumber?: number }} StreamEvent */

const MAX_ROWS = 100
const MAX_LINES = 80
const SCALES = [5, 10, 20, 30, 60, 120, 300].map(seconds => seconds * 1000)

/** @param {string} id */
const find = id => /** @type {HTMLElement} */ (document.getElementById(id))

/** @type {Map<number, import('./dashboard-task.mjs').Task>} */
const tasks = new Map()
/** The number of the newest task that had a row. Rows that were removed are not added again. */
let newest = 0
/** Faults on createTask, which come before the row of the task. @type {Map<number, StreamEvent[]>} */
const early = new Map()
let tokenLifeMs = 300_000
/** The sandbox's clock minus this one. */
let clockOffset = 0
const clock = () => Date.now() + clockOffset

/** @param {StreamEvent} event */
function textOf(event) {
  switch (event.type) {
    case 'task:created':
      return `created, ${event.points} points charged`
    case 'task:polled':
      return `poll ${event.polls}: ${event.state}`
    case 'task:ready':
      return 'token issued'
    case 'task:delivered':
      return 'token delivered'
    case 'fault':
      return `fault ${event.fault} on ${event.call}`
    case 'verified':
      return event.success ? 'token verified' : `token refused: ${event.errorCodes.join(', ')}`
    case 'refused':
      return `${event.call} refused: ${event.errorCode}`
    case 'task:reported':
      return event.accepted ? 'token reported as accepted' : 'token reported as rejected'
    case 'banned':
      return `banned after ${event.errorCode} on ${event.call}`
    default:
      return event.type
  }
}

/** @param {StreamEvent} event */
const isBad = event =>
  ['fault', 'banned', 'refused'].includes(event.type) || event.success === false || event.state === 'failed'

/** @param {StreamEvent} event */
const taskEvent = event => ({ type: event.type, at: event.at, text: textOf(event), bad: isBad(event) })

/** @param {Row} row */
function show(row) {
  const known = tasks.get(row.taskNumber)
  if (known) return known.update(row)
  if (row.taskNumber <= newest) return
  newest = row.taskNumber
  const task = createTask(row, tokenLifeMs)
  tasks.set(row.taskNumber, task)
  find('rows').prepend(task.item)
  for (const event of early.get(row.taskNumber) ?? []) task.add(taskEvent(event))
  for (const taskNumber of early.keys()) if (taskNumber <= newest) early.delete(taskNumber)
  if (tasks.size <= MAX_ROWS) return
  const [oldest, removed] = tasks.entries().next().value ?? []
  removed?.item.remove()
  if (oldest) tasks.delete(oldest)
}

/** @param {StreamEvent} event */
function showEvent(event) {
  const task = event.taskNumber ? tasks.get(event.taskNumber) : undefined
  if (task) task.add(taskEvent(event))
  else if (event.type === 'fault' && event.taskNumber && event.taskNumber > newest)
    early.set(event.taskNumber, [...(early.get(event.taskNumber) ?? []), event].slice(-MAX_LINES))
  // Polls of tasks that are not ready would hide the other events.
  if (event.type === 'task:ready' || (event.type === 'task:polled' && event.state === 'processing')) return
  const time = new Date(event.at).toLocaleTimeString([], { hour12: false })
  const label = event.taskNumber ? `#${event.taskNumber} ` : ''
  find('log').prepend(
    element('li', isBad(event) ? 'bad' : '', element('time', '', time), ` ${label}${textOf(event)}`),
  )
  while (find('log').childElementCount > MAX_LINES) find('log').lastElementChild?.remove()
}

const count = new Intl.NumberFormat('en').format

/** @param {any} state */
function showState({ now, counts, accounts, rules, solveTimeMs }) {
  clockOffset = now - Date.now()
  const { tasks: sums, requests, verifications, faults } = counts
  /** @param {string} id @param {string} text */
  const set = (id, text) => {
    if (find(id).textContent !== text) find(id).textContent = text
  }
  const requested = Object.values(requests).reduce((sum, some) => sum + Number(some), 0)
  const hits = Object.values(faults).reduce((sum, some) => sum + Number(some), 0)
  const mostFrequent = Object.entries(faults).sort(([, a], [, b]) => Number(b) - Number(a))[0]
  const polls = requests['/getTaskResult'] ?? 0
  set('created', count(sums.created))
  set('created-more', `${count(sums.failed)} failed, ${count(sums.expired)} expired`)
  set('delivered', count(sums.delivered))
  set('delivered-more', sums.created ? `${Math.round((sums.delivered / sums.created) * 100)} % of them` : '')
  set('polls', count(polls))
  set('polls-more', `of ${count(requested)} requests`)
  set('points', count(counts.pointsCharged))
  const [{ key, points }] = accounts
  set('points-more', `${count(points)} left on ${key}${accounts.length > 1 ? ' and others' : ''}`)
  set('verified', count(verifications.success))
  set('verified-more', `${count(verifications.failure)} refused`)
  set('hits', count(hits))
  find('hits').classList.toggle('bad', hits > 0)
  set(
    'hits-more',
    mostFrequent ? `most: ${mostFrequent[0]}` : counts.bans ? `${count(counts.bans)} bans` : 'none',
  )
  showControls(rules, solveTimeMs)
}

function draw() {
  const now = clock()
  let longest = 0
  for (const task of tasks.values()) longest = Math.max(longest, task.length(now))
  const scale = SCALES.find(some => longest <= some * 0.97) ?? SCALES[SCALES.length - 1]
  for (const [index, tick] of [...find('ticks').children].entries())
    tick.textContent = `${(scale / 1000 / 4) * index} s`
  for (const task of tasks.values()) task.draw(now, scale)
  find('empty').hidden = tasks.size > 0
  find('axis').hidden = tasks.size === 0
}

/** @param {'live' | 'waiting' | 'lost'} link @param {string} text */
function showConnection(link, text) {
  find('link').dataset.link = link
  find('link').textContent = text
}

/**
 * Whether another sandbox now runs on this port. With the same seed, its task ids are the same, but not their times.
 * @param {{ rows: Row[], counts: { tasks: { created: number } } }} all
 */
const isOtherSandbox = ({ rows, counts }) =>
  [...tasks.keys()].some(taskNumber => taskNumber > counts.tasks.created) ||
  rows.some(row => (tasks.get(row.taskNumber)?.createdAt ?? row.createdAt) !== row.createdAt)

function listen() {
  const source = new EventSource('/sandbox/events')
  source.addEventListener('everything', ({ data }) => {
    const all = JSON.parse(data)
    tokenLifeMs = all.tokenLifeMs
    if (isOtherSandbox(all)) {
      newest = 0
      tasks.clear()
      early.clear()
      find('rows').replaceChildren()
      find('log').replaceChildren()
    }
    find('provider').textContent = all.counts.provider
    find('base-url').textContent = all.baseURL
    find('empty-options').textContent = `provider: '${all.counts.provider}', baseURL: '${all.baseURL}'`
    document.title = `Sandbox · ${all.counts.provider}`
    for (const row of all.rows) show(row)
    showState(all)
    draw()
    showConnection('live', 'live')
  })
  source.addEventListener('change', ({ data }) => {
    const change = JSON.parse(data)
    for (const row of change.rows) show(row)
    for (const event of change.events) showEvent(event)
    showState(change)
    draw()
  })
  source.addEventListener('error', () => {
    showConnection(
      'lost',
      source.readyState === EventSource.CLOSED ? 'closed: reload the page' : 'lost, reconnecting',
    )
  })
}

createControls()
listen()
// Ages change without an event; a page in the background need not show them.
setInterval(() => document.visibilityState === 'visible' && draw(), 250)
