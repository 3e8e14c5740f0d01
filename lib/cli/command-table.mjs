/** The program's commands and its own flags: what `--help` and the run itself know of them. */

/** @typedef {{ summary: string, load: () => Promise<{ command: import('./help.mjs').Command }> }} Entry */

/** @type {Record<string, Entry>} */
export const commands = {
  demo: {
    summary: 'a token from each provider, on this machine alone: no key, no network, no points',
    load: () => import('./commands/demo.mjs'),
  },
  solve: {
    summary: 'create a task, wait for its token, print it',
    load: () => import('./commands/solve.mjs'),
  },
  wait: {
    summary: 'wait for a task that exists: after a Ctrl-C, a crash, a timeout',
    load: () => import('./commands/wait.mjs'),
  },
  balance: {
    summary: "print the account's balance in points",
    load: () => import('./commands/balance.mjs'),
  },
  sandbox: {
    summary: 'run a stand-in for a provider, for tests and for trying things out',
    load: () => import('./commands/sandbox.mjs'),
  },
}

/** What may stand in place of a command. No flag of a command: reading those needs the addon. @type {readonly import('./flags.mjs').Flag[]} */
export const programFlags = [
  { name: 'help', short: 'h', help: 'this text; after a command, the text about that command' },
  { name: 'version', short: 'v', help: 'the version' },
]
