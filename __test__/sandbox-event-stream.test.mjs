/** Viewers of the dashboard that read slowly. The clock is mocked: each batch is sent when the test says so. */

import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { Writable } from 'node:stream'
import { test } from 'node:test'
import { createEventStream } from '../lib/sandbox/dashboard/event-stream.mjs'
import { createPlan } from '../lib/sandbox/faults/plan.mjs'
import { providers } from '../lib/sandbox/providers/index.mjs'
import { createStore } from '../lib/sandbox/store.mjs'
import { createClock, KEY, SITEKEY, WEBSITE } from './support/sandbox-client.mjs'

const BATCH_MS = 100
const MAX_BACKLOG = 1024 * 1024

/** @typedef {{ name: string, data: any }} Message */

/** The server's side of a viewer that reads on demand: unread bytes are buffered, as in a real response. */
class Reader extends Writable {
  /** @type {Message[]} */
  messages = []
  reads = false
  /** @type {(() => void) | undefined} */
  #taken

  constructor() {
    super({ decodeStrings: false })
  }

  writeHead() {
    return this
  }

  /** @param {string} text @param {string} _encoding @param {() => void} taken @override */
  _write(text, _encoding, taken) {
    for (const [, name, data] of text.matchAll(/^event: (\w+)\ndata: (.*)$/gm))
      this.messages.push({ name, data: JSON.parse(data) })
    this.#taken = taken
    if (this.reads) this.#read()
  }

  readOn() {
    this.reads = true
    this.#read()
  }

  #read() {
    const taken = this.#taken
    this.#taken = undefined
    taken?.()
  }
}

/** The parts of a sandbox that the event stream reads. @param {import('node:test').TestContext} t */
function setUp(t) {
  t.mock.timers.enable({ apis: ['setTimeout', 'setInterval'] })
  const { now } = createClock()
  const accounts = { [KEY]: 1e9 }
  const store = createStore({
    ...{ provider: providers.yescaptcha, accounts, price: () => 1, solveTimeMs: 1000, seed: '1', now },
  })
  const events = new EventEmitter()
  const stream = createEventStream({
    ...{ store, plan: createPlan([], '1'), baseURL: 'http://127.0.0.1:1', events, now },
    counts: () => ({
      ...{ provider: 'yescaptcha', requests: {}, tasks: store.totals, pointsCharged: 0, faults: {}, bans: 0 },
      ...{ balances: store.balances(), connections: { opened: 0, open: 0 }, redirectsFollowed: 0 },
      verifications: { success: 0, failure: 0 },
    }),
  })
  t.after(() => stream.close())
  /** @param {Reader} reader */
  const join = reader => {
    stream.join(/** @type {any} */ (reader), {})
    return reader
  }
  /** Creates a task, and sends the batch with its event. */
  const createTask = () => {
    const task = store.create(KEY, { task: { type: 'any', websiteURL: WEBSITE, websiteKey: SITEKEY } })
    assert.ok(task)
    const { taskId, taskNumber, readyAt } = task
    events.emit('*', { type: 'task:created', taskId, taskNumber, readyAt, points: 1, at: now() })
    t.mock.timers.tick(BATCH_MS)
    return taskNumber
  }
  return { join, createTask }
}

test('a viewer that does not read gets nothing more until it reads again, and then the whole state', t => {
  const { join, createTask } = setUp(t)
  const fast = join(new Reader())
  fast.readOn()
  const slow = join(new Reader())
  while (slow.writableLength <= MAX_BACKLOG) createTask()
  const backlog = slow.writableLength
  for (let more = 0; more < 20; more++) createTask()
  assert.equal(slow.writableLength, backlog, 'nothing more is buffered')

  slow.readOn()
  assert.equal(slow.writableLength, 0)
  const shown = slow.messages.at(-1)?.data.counts.tasks.created
  const created = createTask()
  assert.ok(created > shown + 20, `${created} created, ${shown} shown`)
  assert.equal(slow.messages.at(-1)?.name, 'everything')
  assert.equal(slow.messages.at(-1)?.data.counts.tasks.created, created)
  assert.equal(slow.messages.at(-1)?.data.rows.at(-1).taskNumber, created)
  createTask()
  assert.equal(slow.messages.at(-1)?.name, 'change')

  assert.deepEqual(
    fast.messages.map(({ name }) => name),
    ['everything', ...Array.from({ length: created + 1 }, () => 'change')],
    'a viewer that keeps up gets each change',
  )
})
