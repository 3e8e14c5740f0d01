import { bashCompletion } from '../completion/bash.mjs'
import { fishCompletion } from '../completion/fish.mjs'
import { completionTree } from '../completion/tree.mjs'
import { zshCompletion } from '../completion/zsh.mjs'
import { EXIT } from '../exit-codes.mjs'
import { helpFlag } from '../flags.mjs'
import { UsageError } from '../problems.mjs'
import { commandLine, oneOf } from '../words.mjs'

/** @type {Record<string, (tree: import('../completion/tree.mjs').Tree) => string>} */
const shells = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion }

/** @type {import('../help.mjs').Command} */
export const command = {
  about:
    'Prints a script for a shell, which then completes commands, flags and values when Tab is pressed. It completes the name turnstile-solver, so that has to be installed: npm install --global turnstile-solver.',
  usage: 'completion SHELL',
  operand: { name: 'SHELL', choices: Object.keys(shells) },
  groups: [{ title: 'Flags', flags: [helpFlag] }],
  notes: ['To have it in every new shell, let the shell read it when it starts:'],
  examples: [
    // The bash of macOS, which is an old one, reads nothing by: source <(…)
    `echo 'eval "$(turnstile-solver completion bash)"' >> ~/.bashrc`,
    "echo 'source <(turnstile-solver completion zsh)' >> ~/.zshrc   # below compinit",
    'turnstile-solver completion fish > ~/.config/fish/completions/turnstile-solver.fish',
  ],

  async run({ operand, terminal }) {
    if (operand === undefined)
      throw new UsageError('which shell is it for?', {
        next: `It is ${oneOf(Object.keys(shells))}: ${commandLine(['completion', 'bash'])}`,
      })
    await terminal.print(shells[operand](await completionTree()))
    return EXIT.ok
  },
}
