/**
 * Makes the throw-away certificates under __test__/fixtures/tls with the openssl command: a private CA, a leaf for loopback, an expired one,
 * one for another host and one for the provider that tests reach through a proxy. The leaves' keys are public: only these tests may trust them.
 *
 *     node tools/dev/make-test-certificates.mjs
 */

import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const target = fileURLToPath(new URL('../../__test__/fixtures/tls/', import.meta.url))
const work = mkdtempSync(join(tmpdir(), 'certificates-'))
const FROM = '20240101000000Z'
const UNTIL = '21240101000000Z'
const LONG_AGO = '20240102000000Z'

const LEAVES = [
  { name: 'localhost', hosts: 'DNS:localhost,IP:127.0.0.1,IP:::1', until: UNTIL },
  { name: 'expired', hosts: 'DNS:localhost,IP:127.0.0.1,IP:::1', until: LONG_AGO },
  { name: 'wrong-host', hosts: 'DNS:elsewhere.test', until: UNTIL },
  { name: 'provider', hosts: 'DNS:api.example.test', until: UNTIL },
]

/** @param {string[]} args */
const openssl = (...args) => execFileSync('openssl', args, { cwd: work, stdio: 'pipe' })

/** The authority's own key is not kept, so that no other certificate can be signed with it. @param {string} name */
const keyOf = name => join(name === 'ca' ? work : target, `${name}.key.pem`)

/** @param {string} name @param {string} subject */
const request = (name, subject) => {
  const key = keyOf(name)
  openssl('genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', key)
  chmodSync(key, 0o644)
  openssl('req', '-new', '-key', key, '-subj', subject, '-config', 'openssl.cnf', '-out', `${name}.csr`)
}

/** @param {string} name @param {string} until @param {string[]} how */
const sign = (name, until, ...how) =>
  openssl(
    ...[
      'ca',
      '-batch',
      '-notext',
      '-config',
      'openssl.cnf',
      '-in',
      `${name}.csr`,
      '-startdate',
      FROM,
      '-enddate',
      until,
    ],
    ...['-out', join(target, `${name}.cert.pem`), ...how],
  )

const config = `
[req]
distinguished_name = subject
[subject]
[ca]
default_ca = authority
[authority]
database = index.txt
serial = serial
new_certs_dir = .
default_md = sha256
policy = anything
unique_subject = no
[anything]
commonName = supplied
[extensions_ca]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
${LEAVES.map(
  ({ name, hosts }) => `[extensions_${name}]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = ${hosts}
`,
).join('')}`

try {
  mkdirSync(target, { recursive: true })
  writeFileSync(join(work, 'openssl.cnf'), config)
  writeFileSync(join(work, 'index.txt'), '')
  writeFileSync(join(work, 'serial'), '1000\n')

  request('ca', '/CN=turnstile-solver test CA')
  sign('ca', UNTIL, '-selfsign', '-keyfile', keyOf('ca'), '-extensions', 'extensions_ca')
  for (const { name, until } of LEAVES) {
    request(name, `/CN=turnstile-solver test ${name}`)
    const issuer = ['-cert', join(target, 'ca.cert.pem'), '-keyfile', keyOf('ca')]
    sign(name, until, ...issuer, '-extensions', `extensions_${name}`)
  }
} finally {
  rmSync(work, { recursive: true, force: true })
}
