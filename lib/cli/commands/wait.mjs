import {
  accountFlags,
  libraryOptions,
  outputFlags,
  pollIntervalFlag,
  taskIdFlag,
  timeFlags,
} from '../flags.mjs'
import { library } from '../library.mjs'
import { printToken } from '../print-token.mjs'
import { readKey } from '../secrets.mjs'

const groups = [
  { title: 'Task', flags: [taskIdFlag] },
  accountFlags,
  timeFlags(120_000, pollIntervalFlag),
  outputFlags({ json: 'print one JSON document: the solution, or { "error": … }' }),
]

/** @type {import('../help.mjs').Command} */
export const command = {
  description:
    'Waits for a task that was created before and prints its token. After a Ctrl-C, a crash or a timeout, this gets the token of the paid task without paying again. Providers keep results for about five minutes.',
  usage: 'wait --provider NAME --task-id ID [flags]',
  groups,
  examples: ['PROGRAM wait --provider yescaptcha --task-id c526f3db-728d-4815-93c3-1cc2cdf4f66d'],
  exitCodes: true,

  async run(context) {
    const { values, interrupts, secrets } = context
    const key = await readKey(values, interrupts)
    if (key) secrets.clientKey = key
    return printToken(context, polling =>
      library().waitForTask({
        .../** @type {any} */ (libraryOptions(groups, values)),
        clientKey: key?.value,
        ...polling,
      }),
    )
  },
}
