/** TypeScript with each kind of module resolution, and bundlers with the package outside of the bundle and inside. */

import assert from 'node:assert/strict'
import { cpSync, existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import * as esbuild from 'esbuild'
import webpack from 'webpack'
import { startSandbox } from '../../lib/sandbox/index.mjs'
import { capture } from '../dev/child.mjs'
import { root, target, tool } from './lib/context.mjs'
import { usual as npm, project } from './lib/managers.mjs'

const user = project(npm)
const consumers = join(root, 'tools', 'packaging', 'consumers')
const packageName = `turnstile-solver-${target}`

/** @type {import('../../lib/sandbox/index.mjs').Sandbox} */
let sandbox
let options = ''

before(async () => {
  await user.install(npm.add)
  cpSync(consumers, user.folder, { recursive: true })
  cpSync(join(root, '__test__', 'types'), user.folder, { recursive: true })
  sandbox = await startSandbox({ provider: 'yescaptcha', solveTimeMs: 0 })
  const page = { websiteURL: 'https://shop.example/login', websiteKey: '0x4AAAAAAAExampleSitekey' }
  options = JSON.stringify({ ...sandbox.account, ...page, pollIntervalMs: 1000 })
})
after(() => sandbox.close())

describe('TypeScript', { concurrency: 2 }, () => {
  const compilers = {
    'TypeScript 5': tool('typescript', 'bin', 'tsc'),
    'TypeScript 7': join(root, 'node_modules', 'typescript', 'bin', 'tsc'),
  }
  const files = ['accepted.mts', 'accepted.cts', 'refused.mts', 'refused.cts', 'typed.mts']
  const strict = ['--strict', '--noEmit', '--pretty', 'false', '--target', 'es2023', '--skipLibCheck']
  const node = ['--types', 'node', '--typeRoots', join(root, 'node_modules', '@types')]
  const common = [...strict, ...node, '--lib', 'es2023,esnext.disposable']
  const modes = {
    node16: ['--module', 'node16', '--moduleResolution', 'node16'],
    nodenext: ['--module', 'nodenext', '--moduleResolution', 'nodenext'],
    bundler: ['--module', 'preserve', '--moduleResolution', 'bundler'],
  }

  for (const [compiler, path] of Object.entries(compilers)) {
    for (const [mode, flags] of Object.entries(modes)) {
      test(`${compiler} finds the types of what is installed, resolved as ${mode}`, async () => {
        const args = [path, ...common, ...flags, ...files]
        const { code, stdout } = await capture(process.execPath, args, { cwd: user.folder })
        assert.deepEqual([code, stdout], [0, ''])
      })
    }
  }
})

/**
 * Bundles solve.cjs; `outside` names what is required at run time.
 *
 * @typedef {(name: string, outside?: string[], extra?: object) => Promise<string>} Bundle
 */

/** @type {Record<'esbuild' | 'webpack', Bundle>} */
const bundlers = {
  async esbuild(name, outside = [], extra = {}) {
    const outfile = join(user.folder, `${name}.cjs`)
    const entryPoints = [join(user.folder, 'solve.cjs')]
    const how = {
      bundle: true,
      platform: /** @type {const} */ ('node'),
      logLevel: /** @type {const} */ ('silent'),
    }
    await esbuild.build({ ...how, entryPoints, outfile, external: outside, ...extra })
    return outfile
  },
  async webpack(name, outside = [], extra = {}) {
    const filename = `${name}.cjs`
    const config = {
      mode: /** @type {const} */ ('production'),
      target: 'node20',
      context: user.folder,
      entry: './solve.cjs',
      output: { path: user.folder, filename },
      externals: Object.fromEntries(outside.map(request => [request, `commonjs ${request}`])),
      ...extra,
    }
    return new Promise((resolve, reject) => {
      webpack(config, (error, stats) => {
        if (error) reject(error)
        else if (stats?.hasErrors()) reject(new Error(stats.toString({ all: false, errors: true })))
        else resolve(join(user.folder, filename))
      })
    })
  },
}

/** Settings with which each copies a binary and replaces its import with the address. */
const asFiles = {
  esbuild: { loader: { '.node': 'file' } },
  webpack: { module: { rules: [{ test: /\.node$/, type: 'asset/resource' }] } },
}

for (const [name, bundle] of /** @type {['esbuild' | 'webpack', Bundle][]} */ (Object.entries(bundlers))) {
  describe(name, { concurrency: 2 }, () => {
    test('with the package left out makes a bundle that solves', async () => {
      await solves(await bundle(`${name}-package`, ['turnstile-solver']))
    })

    test('with only the binary left out makes a bundle that solves', async () => {
      await solves(await bundle(`${name}-binary`, [packageName]))
    })

    test('with nothing left out fails, and names the binary', async () => {
      await assert.rejects(bundle(`${name}-whole`), error => {
        assert.match(String(error), /\bloader\b/)
        assert.match(String(error), /turnstile-solver\.linux-x64-gnu\.node/)
        return true
      })
      assert.ok(!existsSync(join(user.folder, `${name}-whole.cjs`)) || name === 'webpack')
    })

    test('that replaces the binary with its address makes a bundle whose error names the fix', async () => {
      await refuses(await bundle(`${name}-file`, [], asFiles[name]))
    })

    test('that did not find the binary makes a bundle whose error names the fix', async () => {
      // For example, a bundle made on one system, or without optional packages, that runs on another.
      const alone = project(npm)
      await alone.install(npm.addWithoutOptional ?? [])
      const inside = join(alone.folder, 'node_modules')
      const resolving = {
        esbuild: { alias: { 'turnstile-solver': join(inside, 'turnstile-solver') } },
        webpack: {
          resolve: { alias: { 'turnstile-solver$': join(inside, 'turnstile-solver') } },
          ignoreWarnings: [() => true],
        },
      }
      const file = await bundle(`${name}-missing`, [], resolving[name])
      const copy = join(alone.folder, `${name}-missing.cjs`)
      cpSync(file, copy)
      rmSync(inside, { recursive: true })
      await refuses(copy)
    })
  })
}

/** @param {string} file */
async function solves(file) {
  const { code, stdout, stderr } = await capture(process.execPath, [file, options], { cwd: user.folder })
  assert.deepEqual([code, stderr], [0, ''])
  assert.match(stdout, /^0\.\S{100,}\n$/)
}

/** @param {string} file */
async function refuses(file) {
  const { code, stderr } = await capture(process.execPath, [file, options], { cwd: user.folder })
  assert.equal(code, 1)
  const lines = [
    'Error: turnstile-solver cannot load its native binary on linux x64 with glibc.',
    `A bundler took the JavaScript in, but ${packageName} cannot be bundled.`,
    "To fix it, leave turnstile-solver out of the bundle: add it to the bundler's externals.",
  ]
  assert.ok(stderr.includes(lines.join('\n')), stderr)
  assert.match(stderr, /reason: 'bundled'/)
}
