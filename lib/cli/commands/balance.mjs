import { EXIT } from '../exit-codes.mjs'
import { accountFlags, libraryOptions, outputFlags, timeFlags } from '../flags.mjs'
import { library } from '../library.mjs'
import { watch } from '../progress.mjs'
import { readKey } from '../secrets.mjs'
import { printJson } from '../terminal.mjs'

const groups = [
  accountFlags,
  timeFlags(30_000),
  outputFlags({
    json: 'the balance and the provider\'s whole reply, or { "error": … }, as one JSON document',
    progress: false,
  }),
]

/** @type {import('../help.mjs').Command} */
export const command = {
  about:
    "Prints the account's balance as a bare number, in the provider's points. What a point costs differs by provider.",
  usage: 'balance --provider NAME [flags]',
  groups,
  examples: ['PROGRAM balance --provider ezcaptcha'],
  exitCodes: true,

  async run({ values, terminal, interrupts, sources, style, talks }) {
    const key = await readKey(values, interrupts)
    if (key) sources.clientKey = key.source
    const progress = watch(terminal, { provider: values.provider, style, phase: 'asking' })
    const balance = await library().getBalance({
      .../** @type {any} */ (libraryOptions(groups, values)),
      clientKey: key?.value,
      signal: interrupts.signal,
    })
    progress.stop()
    if (values.json) await printJson(terminal, { provider: values.provider, ...balance })
    else await terminal.print(String(balance.balance))
    if (talks && terminal.isTTY && terminal.live) terminal.say([[`points at ${values.provider}`, 'dim']])
    return EXIT.ok
  },
}
