/// <reference lib="dom" />
/** One task on the page: a row with its state, timeline and token age; opened, its details and events. */

/**
 * @typedef {object} Row
 * @property {number} taskNumber
 * @property {string | number} taskId
 * @property {string} account
 * @property {string} type
 * @property {string} websiteURL
 * @property {string} websiteKey
 * @property {number} points
 * @property {number} createdAt
 * @property {number | null} readyAt
 * @property {number | null} failsAt
 * @property {string} failCode
 * @property {number} polls
 * @property {boolean} delivered
 * @property {boolean} failed
 * @property {{ starts: string, length: number } | null} token
 * @property {boolean} verified
 */
/** @typedef {{ type: string, at: number, text: string, bad: boolean }} TaskEvent */

const TASK_LIFE_MS = 300_000
/** Marks on a timeline, and events in the details, at most. */
const MAX_MARKS = 150
const MAX_EVENTS = 300

/**
 * @param {string} name
 * @param {string} [className]
 * @param {(string | Node)[]} inside
 */
export function element(name, className, ...inside) {
  const made = document.createElement(name)
  if (className) made.className = className
  made.append(...inside)
  return made
}

/** @param {number} ms */
export const seconds = ms =>
  ms < 10_000 ? `${(ms / 1000).toFixed(1)} s` : ms < 120_000 ? `${Math.round(ms / 1000)} s` : minutes(ms)

/** @param {number} ms */
const minutes = ms => `${Math.floor(ms / 60_000)} min ${Math.floor((ms % 60_000) / 1000)} s`

/** @param {number} count */
const polls = count => `${count} ${count === 1 ? 'poll' : 'polls'}`

/** @param {Row} row @param {number} now @param {number} tokenLifeMs */
function stateOf(row, now, tokenLifeMs) {
  if (row.failed || (row.failsAt !== null && now >= row.failsAt && !row.delivered)) return 'failed'
  if (row.verified) return 'verified'
  const ready = row.readyAt !== null && now >= row.readyAt
  if (row.delivered) return now >= (row.readyAt ?? 0) + tokenLifeMs ? 'token expired' : 'delivered'
  if (now >= row.createdAt + TASK_LIFE_MS) return 'expired'
  return ready ? 'ready' : 'solving'
}

/** @param {Row} first @param {number} tokenLifeMs */
export function createTask(first, tokenLifeMs) {
  let row = first
  /** @type {TaskEvent[]} */
  const events = []
  /** Whether the details are older than the task: they are drawn at most once a frame. */
  let stale = false
  const state = element('span', 'state')
  const bar = element('i', 'bar solving')
  const tokenBar = element('i', 'bar token')
  const marks = element('span', 'marks')
  const track = element('span', 'track', bar, tokenBar, marks)
  const age = element('span', 'age')
  const count = element('span', 'count')
  const number = element('span', 'number', `#${row.taskNumber}`)
  const facts = element('dl', 'facts')
  const eventList = element('ol', 'story')
  const details = /** @type {HTMLDetailsElement} */ (element('details'))
  details.append(
    element('summary', '', number, state, track, element('span', 'end', age, count)),
    element('div', 'opened', facts, eventList),
  )
  const item = element('li', '', details)
  item.dataset.task = String(row.taskNumber)

  const drawDetails = () => {
    stale = false
    const { taskId, type, websiteURL, websiteKey, account, points, token } = row
    /** @type {[string, string][]} */
    const rows = [
      ['task id', String(taskId)],
      ['type', type],
      ['page', websiteURL],
      ['sitekey', websiteKey],
      ['charged', `${points} points to ${account}`],
      ['token', token ? `${token.starts}… (${token.length} characters)` : 'not fetched yet'],
    ]
    facts.replaceChildren(
      ...rows.map(([name, value]) => element('div', '', element('dt', '', name), element('dd', '', value))),
    )
    const unseen = row.polls - events.filter(event => event.type === 'task:polled').length
    const verb = unseen === 1 ? 'is not shown here' : 'are not shown here'
    const others = unseen > 0 ? [element('li', '', `${polls(unseen)} that ${verb}`)] : []
    eventList.replaceChildren(
      ...others,
      ...events.map(({ at, text, bad }) =>
        element(
          'li',
          bad ? 'bad' : '',
          element('span', 'at', `+${seconds(Math.max(at - row.createdAt, 0))}`),
          ` ${text}`,
        ),
      ),
    )
  }
  details.addEventListener('toggle', () => details.open && drawDetails())

  return {
    item,
    createdAt: row.createdAt,

    /** @param {Row} next */
    update(next) {
      row = next
      stale = true
    },

    /** @param {TaskEvent} event */
    add(event) {
      events.push(event)
      if (events.length > MAX_EVENTS) {
        // Drop a poll first: the other events are few.
        const oldestPoll = events.findIndex(past => past.type === 'task:polled')
        events.splice(Math.max(oldestPoll, 0), 1)
      }
      stale = true
      const { type, text, bad } = event
      if (type === 'task:created' || type === 'task:ready') return
      const mark = element('i', `mark ${type.replace('task:', '')}${bad ? ' bad' : ''}`)
      mark.title = text
      mark.dataset.at = String(event.at)
      marks.append(mark)
      if (marks.childElementCount > MAX_MARKS) marks.firstElementChild?.remove()
    },

    /** The length of its timeline: until its last event, or until now. @param {number} now */
    length(now) {
      const over = row.delivered || row.failed || now >= row.createdAt + TASK_LIFE_MS
      const last = events.at(-1)?.at ?? row.readyAt ?? row.createdAt
      return Math.min(over ? last : now, row.createdAt + TASK_LIFE_MS) - row.createdAt
    },

    /**
     * @param {number} now
     * @param {number} scale milliseconds that the whole width represents
     */
    draw(now, scale) {
      if (details.open && stale) drawDetails()
      const percent = (/** @type {number} */ at) =>
        `${Math.min(Math.max(((at - row.createdAt) / scale) * 100, 0), 100)}%`
      const name = stateOf(row, now, tokenLifeMs)
      if (state.textContent !== name) {
        state.textContent = name
        item.dataset.state = name
      }
      const solvedAt = Math.min(
        row.readyAt ?? Number.POSITIVE_INFINITY,
        row.failsAt ?? Number.POSITIVE_INFINITY,
      )
      bar.style.width = percent(Math.min(solvedAt, now))
      const isReady = name !== 'failed' && row.readyAt !== null && now > row.readyAt
      tokenBar.hidden = !isReady
      if (isReady && row.readyAt !== null) {
        tokenBar.style.left = percent(row.readyAt)
        tokenBar.style.right = `calc(100% - ${percent(Math.min(now, row.readyAt + tokenLifeMs))})`
      }
      for (const mark of marks.children) {
        const drawn = /** @type {HTMLElement} */ (mark)
        drawn.style.left = percent(Number(drawn.dataset.at))
      }
      const ageMs = row.readyAt === null ? 0 : now - row.readyAt
      const hasAge = isReady && row.token && ageMs < tokenLifeMs
      if (hasAge) age.textContent = `token ${seconds(ageMs)} old`
      else if (name === 'ready') age.textContent = `not fetched for ${seconds(ageMs)}`
      else age.textContent = name === 'failed' ? row.failCode : ''
      count.textContent = `${polls(row.polls)} · ${row.points} pt`
    },
  }
}

/** @typedef {ReturnType<typeof createTask>} Task */
