// The symbols that binaries for macOS use of Apple's frameworks. zig has no list of them, so the folder next to this file has one: each
// symbol exists since the oldest supported macOS. The linker names one that is missing.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export const frameworks = fileURLToPath(new URL('frameworks', import.meta.url))

/** Each framework's symbols, as they are declared to the linker. @returns {Record<string, string[]>} */
export function declaredSymbols() {
  const names = ['CoreFoundation', 'Security']
  return Object.fromEntries(
    names.map(name => {
      const list = readFileSync(`${frameworks}/${name}.framework/${name}.tbd`, 'utf8')
      return [name, list.match(/\b_k?[A-Z]\w+/g) ?? []]
    }),
  )
}

/**
 * Symbols that are declared and not needed: no test would fail if macOS did not have them.
 *
 * @param {import('./inspect.mjs').Facts} facts
 */
export function unusedSymbols({ imports = {} }) {
  return Object.entries(declaredSymbols()).flatMap(([name, symbols]) => {
    const needed = imports[`/System/Library/Frameworks/${name}.framework/Versions/A/${name}`] ?? []
    return symbols.filter(symbol => !needed.includes(symbol))
  })
}
