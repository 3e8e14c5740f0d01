// What may be in the packages, and how large they may be. A new file at the top or a new folder has to be listed here.

const documents = [
  'CHANGELOG.md',
  'LICENSE',
  'README.md',
  'SECURITY.md',
  'THIRD-PARTY-LICENSES.md',
  'sbom.cdx.json',
]
const library = ['index.d.ts', 'index.js']

/** The files at the top of the main package: these, and no others. */
export const topFiles = ['package.json', ...library, ...documents]

/** Its folders: everything that is committed in them ships, and the CommonJS builds; all names match these patterns. */
export const folders = {
  docs: /\.md$/,
  lib: /\.(mjs|cjs|d\.mts|d\.cts|js|css|html|svg)$/,
}

/** The CommonJS build of a file that is written as an ES module, if it has one. @param {string} path */
export function commonJsOf(path) {
  // The dashboard's own scripts run in a browser.
  if (!/^lib\/(page|sandbox)\//.test(path) || path.includes('/assets/')) return undefined
  const built = path.replace(/\.mjs$/, '.cjs').replace(/\.d\.mts$/, '.d.cts')
  return built === path ? undefined : built
}

/** Not shipped: the pictures of the documents, which are larger than everything else together, and the records of decisions. */
export const repositoryOnly = ['docs/images', 'docs/decisions']

/** The licences and components of the binary, in every package. */
export const notices = ['LICENSE', 'THIRD-PARTY-LICENSES.md', 'sbom.cdx.json']

/** The maximum sizes in bytes, packed and unpacked. */
export const budgets = {
  main: { size: 288 << 10, unpackedSize: 1280 << 10 },
  binary: { size: 2048 << 10, unpackedSize: 4096 << 10 },
}
