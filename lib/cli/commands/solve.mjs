import {
  accountFlags,
  libraryOptions,
  outputFlags,
  pollIntervalFlag,
  taskFlags,
  timeFlags,
} from '../flags.mjs'
import { library } from '../library.mjs'
import { printToken } from '../print-token.mjs'
import { readKey, readProxy } from '../secrets.mjs'

const groups = [
  taskFlags,
  accountFlags,
  timeFlags(120_000, pollIntervalFlag),
  outputFlags({ json: 'print one JSON document: the solution, or { "error": … }' }),
]

/** @type {import('../help.mjs').Command} */
export const command = {
  description:
    'Creates a task, for which the provider charges, waits for its token and prints only the token on standard output.',
  usage: 'solve --provider NAME --url URL --sitekey KEY [flags]',
  groups,
  notes: [
    'With --json an error has a code, a message, the fields of the library (provider, taskId, mayBeCharged, reason, …), the exitCode, and resume, the command that gets the token.',
    'The proxy is a secret too: it is read from TURNSTILE_PROXY or --proxy-file.',
    'Ctrl-C stops waiting and prints the command that gets the token later. A second Ctrl-C exits at once.',
  ],
  examples: [
    'TOKEN=$(PROGRAM solve --provider yescaptcha --url https://shop.example/login --sitekey 0x4AAA…)',
    'PROGRAM solve --provider ezcaptcha --url https://shop.example --sitekey 0x4AAA… --action login --json',
    'secret-tool lookup turnstile key | PROGRAM solve --key-file - --provider yescaptcha …',
  ],
  exitCodes: true,

  async run(context) {
    const { values, interrupts, secrets } = context
    const key = await readKey(values, interrupts)
    const proxy = await readProxy(values, interrupts)
    if (key) secrets.clientKey = key
    if (proxy) secrets.proxy = proxy
    return printToken(context, polling =>
      library().solveTurnstile({
        .../** @type {any} */ (libraryOptions(groups, values)),
        clientKey: key?.value,
        proxy: proxy?.value,
        ...polling,
      }),
    )
  },
}
