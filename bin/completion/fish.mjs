/** The completion for fish. */

import { quoted, valueKind } from './tree.mjs'

/** @param {string} text */
const word = text => quoted(text.replaceAll('\\', '\\\\'), "\\'")

/** @param {import('./tree.mjs').Tree} tree */
export function fishCompletion({ flags, branches }) {
  const first = '__turnstile_solver_first'
  return [
    '# Completion of turnstile-solver for fish, printed by: turnstile-solver completion fish',
    `function ${first}`,
    '    test (count (commandline -opc)) -eq 1',
    'end',
    'function __turnstile_solver_in',
    '    set -l words (commandline -opc)',
    '    test (count $words) -gt 1; and test "$words[2]" = "$argv[1]"',
    'end',
    'complete -c turnstile-solver -e',
    'complete -c turnstile-solver -f',
    ...branches.map(({ name, summary }) => `${rule(first)} -a ${name} -d ${word(summary)}`),
    ...flags.map(flag => `${rule(first)} ${flagRule(flag)}`),
    ...branches.flatMap(({ name, flags: own, operands }) => {
      const within = rule(`__turnstile_solver_in ${name}`)
      const values = operands.length > 0 ? [`${within} -a ${word(operands.join(' '))}`] : []
      return [...values, ...own.map(flag => `${within} ${flagRule(flag)}`)]
    }),
  ].join('\n')
}

/** @param {string} condition */
const rule = condition => `complete -c turnstile-solver -n ${word(condition)}`

/** @param {import('./tree.mjs').Flag} flag */
function flagRule(flag) {
  const { name, short, help, choices = [] } = flag
  const value = { nothing: '', choice: ` -x -a ${word(choices.join(' '))}`, path: ' -r -F', text: ' -x' }
  return `-l ${name}${short ? ` -s ${short}` : ''}${value[valueKind(flag)]} -d ${word(help)}`
}
