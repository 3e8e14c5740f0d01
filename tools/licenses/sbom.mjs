// The components of the binaries, as CycloneDX.
import { label } from './crates.mjs'

/** @typedef {import('./crates.mjs').Crate} Crate */

const std = {
  type: 'library',
  'bom-ref': 'rust-std',
  name: 'rust-std',
  description: 'The standard library of the Rust compiler that built the binary, statically linked',
  scope: 'required',
  licenses: [{ expression: 'MIT OR Apache-2.0' }],
}

/** @param {string} crate `name version` */
const purl = crate => `pkg:cargo/${crate.replace(' ', '@')}`

/**
 * @param {{ crates: Crate[], direct: string[] }} linked
 * @param {{ name: string, version: string, license: string }} manifest of the package
 */
export function sbomText({ crates, direct }, { name, version, license }) {
  const product = `pkg:npm/${name}@${version}`
  const sbom = {
    bomFormat: 'CycloneDX',
    specVersion: '1.5',
    version: 1,
    metadata: {
      lifecycles: [{ phase: 'build' }],
      component: {
        type: 'library',
        'bom-ref': product,
        name,
        version,
        licenses: [{ expression: license }],
        purl: product,
      },
    },
    components: [...crates.map(component), std],
    dependencies: [
      { ref: product, dependsOn: [...direct.map(purl), std['bom-ref']] },
      ...crates.map(crate => ({ ref: purl(label(crate)), dependsOn: crate.dependencies.map(purl) })),
    ],
  }
  return `${JSON.stringify(sbom, null, 2)}\n`
}

/** @param {Crate} crate */
function component(crate) {
  const { name, version, description, licence, checksum, repository } = crate
  return {
    type: 'library',
    'bom-ref': purl(label(crate)),
    name,
    version,
    ...(description ? { description } : {}),
    scope: 'required',
    hashes: [{ alg: 'SHA-256', content: checksum }],
    licenses: [{ expression: licence }],
    purl: purl(label(crate)),
    ...(repository ? { externalReferences: [{ type: 'vcs', url: repository }] } : {}),
  }
}
