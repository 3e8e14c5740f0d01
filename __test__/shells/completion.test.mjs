import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { completionTree, spellings } from '../../bin/completion/tree.mjs'
import { run, start } from '../support/cli.mjs'

const { branches } = await completionTree()

/** How each shell is started without anybody's settings, and how it reads the completion. */
const shells = {
  bash: { command: 'bash --norc --noprofile -i', load: 'source ./completion' },
  zsh: {
    command: 'zsh -f -i',
    load: 'autoload -Uz compinit; compinit -u -D; unsetopt zle_bracketed_paste; source ./completion',
  },
  fish: { command: 'fish --no-config -i', load: 'source ./completion' },
}

/** @typedef {keyof typeof shells} Shell */

/**
 * A folder with the completion in it, and a turnstile-solver that prints what it was given.
 * @param {import('node:test').TestContext} t
 * @param {Shell} shell
 */
async function house(t, shell) {
  const folder = mkdtempSync(join(tmpdir(), 'turnstile-solver-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const { code, stdout, stderr } = await run(['completion', shell])
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' })
  writeFileSync(join(folder, 'completion'), stdout)
  writeFileSync(join(folder, 'the-key.txt'), '')
  mkdirSync(join(folder, 'path'))
  const echo = '#!/bin/sh\nprintf "GIVEN"\nprintf " <%s>" "$@"\necho " END"\n'
  writeFileSync(join(folder, 'path/turnstile-solver'), echo, { mode: 0o755 })
  return folder
}

/**
 * Types a line, Tab and all, at a shell on a pseudo-terminal; answers with the words that the command was then given.
 * @param {import('node:test').TestContext} t
 * @param {Shell} shell
 * @param {string} keys
 */
async function typed(t, shell, keys) {
  const folder = await house(t, shell)
  const { command, load } = shells[shell]
  const { child, output, ended, said } = start(['-qec', `cd '${folder}' && exec ${command}`, '/dev/null'], {
    command: ['script'],
    env: {
      TERM: 'dumb',
      SHELL: '/bin/sh',
      HOME: folder,
      XDG_DATA_HOME: folder,
      XDG_CONFIG_HOME: folder,
      PATH: `${folder}/path:${process.env.PATH}`,
      LC_ALL: 'C.UTF-8',
    },
  })
  ended.catch(() => {})
  t.after(() => child.kill('SIGKILL'))
  // Split, so that the echo of what is typed is not taken for the answer.
  child.stdin.write(`${load}; printf 'REA%s\\n' DY\r`)
  await said(/READY/)
  child.stdin.write(`turnstile-solver ${keys}\r`)
  await said(/GIVEN.* END/)
  child.stdin.write('exit\r')
  // Shells write into their folder as they leave.
  await ended
  const [, words] = /GIVEN(.*) END/.exec(output.stdout) ?? ['', '']
  // Both forms are the same to the program; zsh prefers the one with the sign.
  return [...words.matchAll(/<([^>]*)>/g)].flatMap(([, word]) => word.split(/(?<=^--[\w-]+)=/))
}

for (const shell of /** @type {Shell[]} */ (Object.keys(shells))) {
  describe(`Tab in ${shell}`, { concurrency: 2 }, () => {
    /** @type {[because: string, keys: string, given: string[]][]} */
    const cases = [
      ['a command', 'bal\t', ['balance']],
      ['a flag', 'solve --sitek\tx', ['solve', '--sitekey', 'x']],
      ['a provider', 'solve --provider yes\t', ['solve', '--provider', 'yescaptcha']],
      ['a provider after the sign', 'solve --provider=yes\t', ['solve', '--provider', 'yescaptcha']],
      ['a fault', 'sandbox --fault redir\t', ['sandbox', '--fault', 'redirect']],
      ['the path of a file', 'wait --key-file the-k\t', ['wait', '--key-file', 'the-key.txt']],
      ['a shell', 'completion z\t', ['completion', 'zsh']],
      ['a command to be told about', 'help sand\t', ['help', 'sandbox']],
      ['no file where text is meant', 'solve --action the-k\t', ['solve', '--action', 'the-k']],
      ["not another command's flag", 'balance --sitek\t', ['balance', '--sitek']],
    ]
    for (const [because, keys, given] of cases)
      test(`completes ${because}`, async t => assert.deepEqual(await typed(t, shell, keys), given))
  })
}

describe('every flag of every command', () => {
  for (const { name, flags } of branches.filter(branch => branch.flags.length > 0)) {
    test(`${name}: bash and fish offer each, and none besides`, async t => {
      const expected = flags.flatMap(spellings).filter(spelling => spelling.startsWith('--'))
      const [bash, fish] = await Promise.all([house(t, 'bash'), house(t, 'fish')])
      const inBash = await run(
        [
          '--norc',
          '-c',
          `source ./completion; COMP_WORDS=("$@"); COMP_CWORD=2; _turnstile_solver; printf '%s\\n' "\${COMPREPLY[@]}"`,
          'bash',
          'turnstile-solver',
          name,
          '--',
        ],
        { command: ['env', '-C', bash, 'bash'] },
      )
      const line = `source ./completion; complete -C 'turnstile-solver ${name} --'`
      const inFish = await run(['--no-config', '-c', line], {
        command: ['env', '-C', fish, 'fish'],
        env: { HOME: fish },
      })
      for (const { stdout, stderr } of [inBash, inFish]) {
        assert.equal(stderr, '')
        const offered = stdout
          .trim()
          .split('\n')
          .map(text => text.split('\t')[0])
        assert.deepEqual(offered.sort(), expected.toSorted())
      }
    })
  }
})
