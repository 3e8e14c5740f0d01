import {
  accountFlags,
  libraryOptions,
  outputFlags,
  pollIntervalFlag,
  taskIdFlag,
  timeFlags,
} from '../flags.mjs'
import { library } from '../library.mjs'
import { deliver } from '../print-token.mjs'
import { readKey } from '../secrets.mjs'

const groups = [
  { title: 'Task', flags: [taskIdFlag] },
  accountFlags,
  timeFlags(120_000, pollIntervalFlag),
  outputFlags({ json: 'the whole solution, or { "error": … }, as one JSON document on standard output' }),
]

/** @type {import('../help.mjs').Command} */
export const command = {
  about:
    'Waits for a task that exists and prints its token: after a Ctrl-C, a crash or a timeout, what is paid for is fetched and not bought again. Providers keep a result for about five minutes.',
  usage: 'wait --provider NAME --task-id ID [flags]',
  groups,
  examples: ['PROGRAM wait --provider yescaptcha --task-id c526f3db-728d-4815-93c3-1cc2cdf4f66d'],
  exitCodes: true,

  async run(context) {
    const { values, interrupts, sources } = context
    const key = await readKey(values, interrupts)
    if (key) sources.clientKey = key.source
    return deliver(context, polling =>
      library().waitForTask({
        .../** @type {any} */ (libraryOptions(groups, values)),
        clientKey: key?.value,
        ...polling,
      }),
    )
  },
}
