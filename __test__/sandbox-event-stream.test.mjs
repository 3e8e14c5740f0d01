/** Those who look on and do not keep up. Time stands still: each batch is told when the test says so. */

import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { Writable } from 'node:stream'
import { test } from 'node:test'
import { createEventStream } from '../lib/sandbox/dashboard/event-stream.mjs'
import { createPlan } from '../lib/sandbox/faults/plan.mjs'
import { providers } from '../lib/sandbox/providers.mjs'
import { createStore } from '../lib/sandbox/store.mjs'
import { createClock, KEY, SITEKEY, WEBSITE } from './support/sandbox-client.mjs'

const BATCH_MS = 100
const MAX_BACKLOG = 1024 * 1024

/** @typedef {{ name: string, data: any }} Message */

/** The server's end of a watcher who reads when told to: what is not read piles up in it, as in a real response. */
class Reader extends Writable {
  /** @type {Message[]} */
  told = []
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
      this.told.push({ name, data: JSON.parse(data) })
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

/** What a sandbox has that can be looked on. @param {import('node:test').TestContext} t */
function house(t) {
  t.mock.timers.enable({ apis: ['setTimeout', 'setInterval'] })
  const { now } = createClock()
  const accounts = { [KEY]: 1e9 }
  const books = createStore({
    ...{ vendor: providers.yescaptcha, accounts, price: () => 1, solveTimeMs: 1000, seed: '1', now },
  })
  const events = new EventEmitter()
  const watch = createEventStream({
    ...{ store: books, plan: createPlan([], '1'), baseURL: 'http://127.0.0.1:1', events, now },
    counted: () => ({
      ...{ provider: 'yescaptcha', requests: {}, tasks: books.totals, pointsCharged: 0, faults: {}, bans: 0 },
      ...{ balances: books.balances(), connections: { opened: 0, open: 0 }, redirectsFollowed: 0 },
      verifications: { success: 0, failure: 0 },
    }),
  })
  t.after(() => watch.close())
  /** @param {Reader} reader */
  const join = reader => {
    watch.join(/** @type {any} */ (reader), {})
    return reader
  }
  /** A task is created, and the batch that tells so goes out. */
  const happens = () => {
    const task = books.create(KEY, { task: { type: 'any', websiteURL: WEBSITE, websiteKey: SITEKEY } })
    assert.ok(task)
    const { taskId, taskNumber, readyAt } = task
    events.emit('*', { type: 'task:created', taskId, taskNumber, readyAt, points: 1, at: now() })
    t.mock.timers.tick(BATCH_MS)
    return taskNumber
  }
  return { join, happens }
}

test('who reads no more is told nothing until it reads again, and then how things are by then', t => {
  const { join, happens } = house(t)
  const attentive = join(new Reader())
  attentive.readOn()
  const stuck = join(new Reader())
  while (stuck.writableLength <= MAX_BACKLOG) happens()
  const backlog = stuck.writableLength
  for (let more = 0; more < 20; more++) happens()
  assert.equal(stuck.writableLength, backlog, 'nothing piles up any more')

  stuck.readOn()
  assert.equal(stuck.writableLength, 0)
  const heard = stuck.told.at(-1)?.data.counts.tasks.created
  const created = happens()
  assert.ok(created > heard + 20, `${created} created, ${heard} told of`)
  assert.equal(stuck.told.at(-1)?.name, 'everything')
  assert.equal(stuck.told.at(-1)?.data.counts.tasks.created, created)
  assert.equal(stuck.told.at(-1)?.data.rows.at(-1).taskNumber, created)
  happens()
  assert.equal(stuck.told.at(-1)?.name, 'change')

  assert.deepEqual(
    attentive.told.map(({ name }) => name),
    ['everything', ...Array.from({ length: created + 1 }, () => 'change')],
    'who keeps up is told each change all the while',
  )
})
