/** The commands, and the flags of the program itself. */

/** @typedef {{ summary: string, load: () => Promise<{ command: import('./help.mjs').Command }> }} Entry */

/** @type {Record<string, Entry>} */
export const commands = {
  demo: {
    summary: 'get and verify a token of each provider on this machine, without a key, a network or a charge',
    load: () => import('./commands/demo.mjs'),
  },
  solve: {
    summary: 'create a task, wait for its token, print the token',
    load: () => import('./commands/solve.mjs'),
  },
  wait: {
    summary: 'wait for a task that was created before, and print its token',
    load: () => import('./commands/wait.mjs'),
  },
  balance: {
    summary: "print the account's balance in points",
    load: () => import('./commands/balance.mjs'),
  },
  sandbox: {
    summary: 'run a local mock of a provider, for tests',
    load: () => import('./commands/sandbox.mjs'),
  },
}

/** Flags without a command. Flags of commands are not here, because they need the addon. @type {readonly import('./flags.mjs').Flag[]} */
export const programFlags = [
  { name: 'help', short: 'h', description: 'print this help; after a command, the help of that command' },
  { name: 'version', short: 'v', description: 'print the version' },
]
