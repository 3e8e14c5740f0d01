/** Finds the name that an unknown one stands for: the name of the same thing in another client, or a misspelling. */

/** Names, normalized, that other clients and the library use. @type {Record<string, readonly string[]>} */
export const FLAG_ALIASES = {
  url: [
    'pageurl',
    'siteurl',
    'websiteurl',
    'targeturl',
    'page',
    'website',
    'site',
    'link',
    'href',
    'referer',
  ],
  sitekey: ['websitekey', 'datasitekey', 'googlekey', 'turnstilekey', 'captchakey', 'k'],
  action: ['pageaction', 'dataaction', 'metadataaction'],
  cdata: ['data', 'datacdata', 'pagedata', 'metadatacdata', 'chlpagedata'],
  'task-type': ['type', 'method', 'captchatype'],
  'extra-task-fields': ['extra', 'fields', 'taskfields', 'params', 'task'],
  'extra-request-fields': ['requestfields', 'callbackurl', 'pingback', 'languagepool'],
  'developer-id': ['softid', 'appid', 'devid', 'referralid', 'affiliateid'],
  'task-id': ['id', 'captchaid', 'requestid', 'task'],
  provider: ['service', 'vendor', 'solver'],
  'base-url': ['baseurl', 'baseuri', 'apiurl', 'apihost', 'endpoint', 'hostname', 'server', 'domain', 'host'],
  'key-file': ['keypath', 'apikeyfile', 'secretfile'],
  'proxy-file': ['proxypath'],
  timeout: ['maxtimeout', 'maxwait', 'deadline', 'timelimit', 'solvetimeout'],
  'request-timeout': ['httptimeout', 'connecttimeout'],
  'poll-interval': ['interval', 'pollinginterval', 'polltime', 'delay'],
  key: ['clientkey', 'apikey', 'apitoken', 'token', 'secret'],
  'solve-time': ['delay', 'latency', 'solvetimems', 'duration'],
  price: ['cost'],
  fault: ['faults', 'error', 'errors'],
  port: ['listen', 'p'],
  json: ['format', 'output', 'o', 'j'],
  quiet: ['silent', 's'],
}

/** @type {Record<string, readonly string[]>} */
export const COMMAND_ALIASES = {
  solve: ['token', 'create', 'createtask', 'solveturnstile', 'get', 'run'],
  wait: ['resume', 'result', 'fetch', 'poll', 'gettaskresult', 'waitfortask'],
  balance: ['getbalance', 'credits', 'points', 'account'],
  sandbox: ['mock', 'server', 'start', 'serve'],
  demo: ['example', 'try'],
}

/**
 * The known name that a name stands for: by an alias, otherwise by its spelling.
 * @param {string} name
 * @param {readonly string[]} known
 * @param {Record<string, readonly string[]>} [aliases]
 * @returns {string | undefined}
 */
export function suggest(name, known, aliases = {}) {
  const text = normalizeName(name)
  const same =
    known.find(candidate => normalizeName(candidate) === text) ??
    known.find(candidate => aliases[candidate]?.includes(text))
  // An alias of what is not known here is no misspelling of something else.
  if (same || Object.values(aliases).some(names => names.includes(text))) return same
  return closest(
    name,
    known.map(candidate => [candidate, candidate]),
  )
}

/** @param {string} name */
export const normalizeName = name => name.toLowerCase().replaceAll(/[^a-z0-9]/g, '')

/**
 * The value whose spelling is nearest, if one is near enough.
 * @template T
 * @param {string} name
 * @param {readonly (readonly [spelling: string, value: T])[]} known
 * @returns {T | undefined}
 */
export function closest(name, known) {
  const text = normalizeName(name)
  let best = {
    edits: Math.max(2, Math.floor(text.length / 3)) + 1,
    value: /** @type {T | undefined} */ (undefined),
  }
  for (const [spelling, value] of known) {
    const word = normalizeName(spelling)
    const isPrefix = text.length >= 3 && (word.startsWith(text) || text.startsWith(word))
    const edits = isPrefix ? Math.min(1, editDistance(text, word)) : editDistance(text, word)
    if (edits < best.edits) best = { edits, value }
  }
  return best.value
}

/**
 * The Damerau-Levenshtein distance (optimal string alignment).
 * @param {string} a
 * @param {string} b
 */
function editDistance(a, b) {
  /** @type {number[][]} */
  const rows = [Array.from({ length: b.length + 1 }, (_, j) => j)]
  for (let i = 1; i <= a.length; i++) {
    rows[i] = [i]
    for (let j = 1; j <= b.length; j++) {
      const substitution = rows[i - 1][j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1)
      let least = Math.min(rows[i - 1][j] + 1, rows[i][j - 1] + 1, substitution)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        least = Math.min(least, rows[i - 2][j - 2] + 1)
      rows[i][j] = least
    }
  }
  return rows[a.length][b.length]
}
