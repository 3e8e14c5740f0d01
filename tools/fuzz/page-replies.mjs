// Random pages for the page helper, as both drivers show them: frames, handles, and what they reply to each function.
import {
  addFramed,
  canRead,
  collect,
  describe,
  idOf,
  idsOf,
  indexOf,
  isThere,
  pick,
  sourceOf,
} from '../../lib/page/in-page.mjs'
import { callByName, fill, hasFunction } from '../../lib/page/in-page-apply.mjs'

/** @typedef {ReturnType<typeof import('./sandbox.mjs').createRandom>} Random */

export const KEY = 'test-key-0123456789abcdef'

const texts = [
  ...[
    '',
    'a',
    '#login',
    'form > div',
    'cf-turnstile-response',
    '0x4AAAAAAATestSitekey',
    '0x4AAAAAAATestOther',
  ],
  ...['1x00000000000000000000AA', 'cf-chl-widget-abcde', 'onToken', '__proto__', 'constructor'],
  ...['\u001b[2J', 'a\nb\r', '\u202egpj.exe', '\u200b', '\ud800', 'é🔑', '"><script>', 'a'.repeat(10_000)],
]
const addresses = [
  ...[
    'https://shop.example/login',
    'https://name:secret@shop.example/login?a=1#token',
    'http://127.0.0.1:1/',
  ],
  ...['about:blank', '', 'about:srcdoc', 'blob:https://shop.example/a', 'data:text/html,a', 'not an address'],
  ...['https://ads.example/', 'chrome-error://chromewebdata/', 'javascript:1', 'https://[::1]/', 'http://'],
  'https://challenges.cloudflare.com/cdn-cgi/challenge-platform/h/b/turnstile/f/ov2/av0/rch/abcde/0x4AAAAAAATestSitekey/auto/',
  'https://challenges.cloudflare.com/cdn-cgi/challenge-platform/turnstile/0x4AAAAAAATestSitekey',
  'https://challenges.cloudflare.com/challenge-platform/turnstile/%00/0x4AAAAAAATestSitekey/',
]
/** @type {any[]} */
const odd = [
  ...[
    undefined,
    null,
    true,
    false,
    0,
    -1,
    0.5,
    1e9,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    5n,
    '',
    'length',
    'late',
  ],
  ...[[], [[]], [null], {}, { length: 1 }, { toString: 5 }, new Date(0), new Map(), new Error('odd')],
  ...[
    'wrong selector',
    'called',
    'missing',
    { widgets: {} },
    { widgets: [null] },
    { now: 0, loading: 0, widgets: [] },
  ],
]

/** @param {Random} random */
const anError = ({ pick, chance }) => {
  if (chance(0.3)) return pick([undefined, null, 5, 'a text', {}, Object.create(null)])
  const message = pick([
    ...[
      'Execution context was destroyed',
      'Target closed',
      'JSHandle is disposed!',
      "Attempted to use detached Frame 'A'.",
    ],
    ...texts,
    `TypeError: a.map is not a function\n    at ${pick(texts)}:1:1`,
  ])
  const error = chance(0.5) ? new Error(message) : new TypeError(message)
  if (chance(0.2)) Object.defineProperty(error, 'name', { value: pick(texts) })
  if (chance(0.2)) Object.defineProperty(error, 'stack', { value: pick([undefined, 5, ...texts]) })
  return error
}

/**
 * A page. `leaks` is how many handles were neither disposed of nor lost with an error.
 * @param {Random} random
 * @param {{ wrong?: number }} [options] how probable a wrong reply is
 */
export function createPage(random, { wrong = random.pick([0, 0.01, 0.1, 0.5]) } = {}) {
  const { pick: any, below, chance } = random
  const text = () => any(texts)
  const perhaps = (/** @type {() => unknown} */ make) => (chance(0.5) ? make() : any([undefined, null]))
  const flip = () => chance(0.5)

  const aWidget = () => ({
    sitekey: perhaps(text),
    action: perhaps(text),
    cData: perhaps(text),
    callback: perhaps(text),
    fields: Array.from({ length: below(3) }, text),
    hasToken: flip(),
    widgetId: perhaps(text),
    selector: text(),
    inShadowRoot: flip(),
    token: perhaps(text),
    explicit: flip(),
    chosen: chance(0.7),
    first: any([0, 0, 1, 2, -1, 1e9]),
  })

  const aDescription = () => {
    const widgets = Array.from({ length: any([0, 1, 1, 1, 2, 5]) }, aWidget)
    for (const widget of widgets)
      for (const name of Object.keys(widget)) if (chance(wrong / 5)) Reflect.set(widget, name, any(odd))
    return chance(0.02) ? 'wrong selector' : { now: any([0, 1e6]), loading: chance(0.1), widgets }
  }

  /** @type {Map<unknown, () => unknown>} */
  const replies = new Map(
    /** @type {[unknown, () => unknown][]} */ ([
      [describe, aDescription],
      [isThere, () => true],
      [idsOf, () => Array.from({ length: below(3) }, text)],
      [canRead, () => chance(0.8)],
      [sourceOf, () => any(addresses)],
      [idOf, () => any(['cf-chl-widget-abcde', ...texts])],
      [addFramed, () => undefined],
      [hasFunction, flip],
      [indexOf, () => any([-1, 0, 1])],
      [fill, () => (chance(0.05) ? 'late' : Array.from({ length: below(3) }, text))],
      [callByName, () => any(['called', 'called', 'late', 'missing'])],
    ]),
  )

  /** @param {unknown} asked @param {() => unknown} right */
  const reply = async (asked, right) => {
    if (asked !== isThere || wrong > 0.2) {
      if (chance(wrong / 3)) throw anError(random)
      if (chance(wrong)) return any(odd)
    }
    return right()
  }

  let open = 0
  const aHandle = () => {
    let disposed = false
    open += 1
    const handle = {
      evaluate: (/** @type {unknown} */ asked) => reply(asked, replies.get(asked) ?? (() => 'called')),
      evaluateHandle: (/** @type {unknown} */ asked) =>
        reply(asked, asked === pick ? aHandle : () => undefined),
      async dispose() {
        if (!disposed) open -= 1
        disposed = true
        if (chance(wrong)) throw new Error('Protocol error')
      },
    }
    return handle
  }

  /** @param {any} parent @returns {any} */
  const aFrame = parent => {
    const address = parent ? any(addresses) : any(addresses.slice(0, 3))
    return {
      url: () => address,
      parentFrame: () => parent,
      evaluate: async () => undefined,
      evaluateHandle: (/** @type {unknown} */ asked) =>
        reply(asked, asked === collect ? aHandle : () => undefined),
      frameElement: () => reply(undefined, aHandle),
    }
  }
  const main = aFrame(null)
  const frames = [main]
  for (let more = any([0, 0, 1, 3]); more > 0; more--) frames.push(aFrame(any(frames)))

  const closesAt = chance(0.03) ? below(20) : Number.POSITIVE_INFINITY
  let asked = 0
  const page = /** @type {any} */ ({
    isClosed: () => asked++ >= closesAt,
    mainFrame: () => main,
    frames: () => frames,
    on() {},
    off() {},
  })
  const held = { widget: { selector: text(), websiteURL: 'https://shop.example/', fields: [] }, frame: main }
  return { page, held: { ...held, handle: aHandle() }, leaks: () => open - 1 }
}
