// What binaries for macOS take from Apple's frameworks. zig has no list of their symbols, so the folder next to this file does: each
// was looked up to be there since the oldest macOS that is supported. One that is missing is named by the linker.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export const frameworks = fileURLToPath(new URL('frameworks', import.meta.url))

/** Each framework's symbols, as they are offered to the linker. @returns {Record<string, string[]>} */
export function offered() {
  const names = ['CoreFoundation', 'Security']
  return Object.fromEntries(
    names.map(name => {
      const list = readFileSync(`${frameworks}/${name}.framework/${name}.tbd`, 'utf8')
      return [name, list.match(/\b_k?[A-Z]\w+/g) ?? []]
    }),
  )
}

/**
 * What is offered and not needed: nobody would notice if macOS did not have it.
 *
 * @param {import('./inspect.mjs').Facts} facts
 */
export function idle({ imports = {} }) {
  return Object.entries(offered()).flatMap(([name, symbols]) => {
    const needed = imports[`/System/Library/Frameworks/${name}.framework/Versions/A/${name}`] ?? []
    return symbols.filter(symbol => !needed.includes(symbol))
  })
}
