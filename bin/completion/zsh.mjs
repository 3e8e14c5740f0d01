/** The completion for zsh: to be sourced, or to be found on its fpath as `_turnstile-solver`. */

import { quoted, valueKind } from './tree.mjs'

/** @param {string} text */
const word = text => quoted(text, `'\\''`)

/** A text inside a specification, where these signs have a meaning. @param {string} text */
const plain = text => text.replaceAll(/[\\[\]:]/g, '\\$&')

/** @param {import('./tree.mjs').Tree} tree */
export function zshCompletion({ flags, branches }) {
  return `#compdef turnstile-solver
# Completion of turnstile-solver for zsh, printed by: turnstile-solver completion zsh
_turnstile_solver() {
  local curcontext="$curcontext" state line
  typeset -A opt_args
  local -a commands
  commands=(
${branches.map(({ name, summary }) => `    ${word(`${name}:${summary}`)}`).join('\n')}
  )
  _arguments -C \\
${flags.map(flag => `    ${specification(flag)} \\`).join('\n')}
    '1:command:->command' '*::argument:->argument'
  case $state in
    command) _describe command commands ;;
    argument)
      case $words[1] in
${branches.map(branchCase).join('\n')}
      esac ;;
  esac
}
if [[ $funcstack[1] == _turnstile-solver ]]; then
  _turnstile_solver "$@"
else
  compdef _turnstile_solver turnstile-solver
fi`
}

/** @param {import('./tree.mjs').Branch} branch */
function branchCase({ name, flags, operands }) {
  const operand = operands.length > 0 ? [word(`1:argument:(${operands.join(' ')})`)] : []
  const specifications = [...flags.map(specification), ...operand]
  return `        ${name})\n          _arguments \\\n            ${specifications.join(' \\\n            ')} ;;`
}

/**
 * One flag, excluded once it is given unless it may be repeated.
 * @param {import('./tree.mjs').Flag} flag
 */
function specification(flag) {
  const { name, short, help, value = '', choices = [], many } = flag
  const values = { nothing: '', choice: `(${choices.join(' ')})`, path: '_files', text: ' ' }[valueKind(flag)]
  const takes = values === '' ? '' : `:${plain(value)}:${values}`
  const about = word(`[${plain(help)}]${takes}`)
  if (short) return `'(-${short} --${name})'{-${short},--${name}}${about}`
  return `${word(`${many ? '*' : ''}--${name}${values === '' ? '' : '='}`)}${about}`
}
