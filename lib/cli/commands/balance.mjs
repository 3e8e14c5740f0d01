import { EXIT } from '../exit-codes.mjs'
import { accountFlags, libraryOptions, outputFlags, timeFlags } from '../flags.mjs'
import { printJson } from '../json.mjs'
import { library } from '../library.mjs'
import { showProgress } from '../progress.mjs'
import { readKey } from '../secrets.mjs'

const groups = [
  accountFlags,
  timeFlags(30_000),
  outputFlags({
    json: 'print one JSON document: the balance and the reply of the provider, or { "error": … }',
    progress: false,
  }),
]

/** @type {import('../help.mjs').Command} */
export const command = {
  description:
    "Prints the account's balance as a number, in the provider's points. What a point costs differs between providers.",
  usage: 'balance --provider NAME [flags]',
  groups,
  examples: ['PROGRAM balance --provider ezcaptcha'],
  exitCodes: true,

  async run({ values, terminal, interrupts, secrets, progressFormat, verbose }) {
    const key = await readKey(values, interrupts)
    if (key) secrets.clientKey = key
    const progress = showProgress(terminal, {
      provider: values.provider,
      format: progressFormat,
      phase: 'balance',
    })
    const balance = await library().getBalance({
      .../** @type {any} */ (libraryOptions(groups, values)),
      clientKey: key?.value,
      signal: interrupts.signal,
    })
    progress.stop()
    if (values.json) await printJson(terminal, { provider: values.provider, ...balance })
    else await terminal.print(String(balance.balance))
    if (verbose && terminal.isTTY && terminal.interactive)
      terminal.log([[`points at ${values.provider}`, 'dim']])
    return EXIT.ok
  },
}
