import { parseArgs } from 'node:util'
import { clients, modes } from './clients.mjs'

export const help = `npm run bench -- [flags]

  --quick             a look: N = 1, 100, 1000, two rounds, the small parts short (about 7 minutes)
  --parts <names>     any of compare, delivery, single, pending, load, saturation (default: all)
  --clients <names>   any of ${Object.keys(clients).join(', ')}
  --modes <names>     any of ${Object.keys(modes).join(', ')}
  --n <numbers>       solves started together (default 1,100,1000,5000,20000)
  --rounds <number>   (default 5; 3 for 20000)
  --poll <ms>         poll interval (default 3000)
  --ready <ms>        from created to ready (default 5000), or a range: 5000-8000
  --name <name>       writes results/<name>.json and draws the plots; "final" is the committed
                      one, and goes into docs/cost.md
  --show <name>       runs nothing: prints the tables of results/<name>.json and draws its plots again
`

const PARTS = ['compare', 'delivery', 'single', 'pending', 'load', 'saturation']

/** @param {string[]} args */
export function parseFlags(args) {
  const text = { type: /** @type {const} */ ('string') }
  const yes = { type: /** @type {const} */ ('boolean') }
  const options = {
    ...{ quick: yes, help: yes, parts: text, clients: text, modes: text, n: text, rounds: text },
    ...{ poll: text, ready: text, name: text, show: text },
  }
  const { values } = parseArgs({ args, options })
  const { quick = false } = values
  const [least, most = least] = (values.ready ?? '5000').split('-').map(Number)
  const flags = {
    help: values.help ?? false,
    quick,
    parts: list(values.parts, PARTS, 'part'),
    clients: list(values.clients, Object.keys(clients), 'client'),
    modes: /** @type {import('./clients.mjs').Mode[]} */ (list(values.modes, Object.keys(modes), 'mode')),
    counts: (values.n?.split(',') ?? (quick ? [1, 100, 1000] : [1, 100, 1000, 5000, 20_000])).map(Number),
    rounds: values.rounds === undefined ? undefined : Number(values.rounds),
    pollMs: Number(values.poll ?? 3000),
    readyMs: /** @type {[number, number]} */ ([least, most]),
    name: values.name ?? new Date().toISOString().replaceAll(/[:.]/g, '-'),
    show: values.show,
  }
  const numbers = [...flags.counts, flags.rounds ?? 1, flags.pollMs, least, most]
  if (!numbers.every(number => Number.isInteger(number) && number > 0))
    throw new Error(`Not a whole number.\n\n${help}`)
  return flags
}

/** @typedef {ReturnType<typeof parseFlags>} Flags */

/** @param {string | undefined} given @param {string[]} known @param {string} what */
function list(given, known, what) {
  const names = given?.split(',') ?? known
  for (const name of names) if (!known.includes(name)) throw new Error(`No such ${what}: ${name}.\n\n${help}`)
  return names
}
