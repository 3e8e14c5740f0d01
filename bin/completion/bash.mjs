/** The completion for bash. Without the package bash-completion, which not everybody has. */

import { spellings, valueKind } from './tree.mjs'

/** @param {import('./tree.mjs').Tree} tree */
export function bashCompletion({ flags, branches }) {
  const first = [...branches.map(({ name }) => name), ...flags.flatMap(spellings)]
  return `# Completion of turnstile-solver for bash, printed by: turnstile-solver completion bash
_turnstile_solver() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD - 1]} words=
  COMPREPLY=()
  # Readline takes --flag=value for three words.
  if [[ $word == = ]]; then
    word=
  elif [[ $before == = ]] && ((COMP_CWORD > 2)); then
    before=\${COMP_WORDS[COMP_CWORD - 2]}
  fi
  if ((COMP_CWORD == 1)); then
    words='${first.join(' ')}'
  else
    case "\${COMP_WORDS[1]} $before" in
${branches.flatMap(branchCases).join('\n')}
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -F _turnstile_solver turnstile-solver`
}

/** @param {import('./tree.mjs').Branch} branch */
function branchCases({ name, flags, operands }) {
  /** @param {import('./tree.mjs').Flag} flag */
  const after = flag =>
    spellings(flag)
      .map(spelling => `'${name} ${spelling}'`)
      .join(' | ')
  const cases = flags.flatMap(flag => {
    const does = {
      nothing: undefined,
      choice: `words='${flag.choices?.join(' ')}'`,
      path: 'compopt -o default 2>/dev/null; return',
      text: 'return',
    }[valueKind(flag)]
    return does === undefined ? [] : [`      ${after(flag)}) ${does} ;;`]
  })
  const words = [...operands, ...flags.flatMap(spellings)].join(' ')
  return [...cases, `      '${name} '*) words='${words}' ;;`]
}
