/**
 * Makes the throw-away certificates under __test__/fixtures/tls with the openssl command: a private CA, a leaf for loopback, an expired one,
 * one for another host and one for the provider that tests reach through a proxy; and self-signed ones, as `openssl req -x509` makes them. The leaves' keys are public: nothing but these tests may ever trust them.
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

/** `key`: that of another certificate. `issuer`: signed with the key of another one. */
const SELF_SIGNED = [
  { name: 'self-signed', subject: '/CN=self-signed', ca: true, hosts: true },
  { name: 'self-signed-leaf', subject: '/CN=self-signed-leaf', ca: false, hosts: true },
  { name: 'self-signed-cn', subject: '/CN=localhost', ca: true, hosts: false },
  { name: 'same-key', subject: '/CN=self-signed', ca: false, hosts: true, key: 'self-signed' },
  { name: 'issued-by-leaf', subject: '/CN=issued', ca: false, hosts: true, issuer: 'self-signed-leaf' },
]

/** @param {string[]} args */
const openssl = (...args) => execFileSync('openssl', args, { cwd: work, stdio: 'pipe' })

/** The authority's own key is not kept: nobody can sign with it afterwards. @param {string} name */
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
${SELF_SIGNED.map(
  ({ name, ca, hosts }) => `[extensions_${name}]
basicConstraints = critical, CA:${ca ? 'TRUE' : 'FALSE'}
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
${hosts ? 'subjectAltName = DNS:localhost,IP:127.0.0.1,IP:::1' : ''}
`,
).join('')}
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
  for (const { name, subject, key, issuer } of SELF_SIGNED) {
    if (key)
      openssl(
        'req',
        '-new',
        '-key',
        keyOf(key),
        '-subj',
        subject,
        '-config',
        'openssl.cnf',
        '-out',
        `${name}.csr`,
      )
    else request(name, subject)
    const by = issuer
      ? ['-cert', join(target, `${issuer}.cert.pem`), '-keyfile', keyOf(issuer)]
      : ['-selfsign', '-keyfile', keyOf(key ?? name)]
    sign(name, UNTIL, ...by, '-extensions', `extensions_${name}`)
  }
} finally {
  rmSync(work, { recursive: true, force: true })
}
