// Runs `smoke.mjs` in a Node.js of the binary's platform.
import { spawnSync } from 'node:child_process'
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { root, UserError } from '../dev/run.mjs'

/** In QEMU it takes seconds; after this time it hangs. */
const limitMs = 180_000

/**
 * @param {string} binary
 * @param {import('./runtimes.mjs').Runtime} runtime
 * @returns {Promise<Omit<import('./results.mjs').Run, 'checks'> & { passed: string[] }>} once the process has ended by itself
 */
export async function smokeTest(binary, { through, command, env = process.env, path = seen => seen }) {
  const folder = mkdtempSync(join(tmpdir(), 'smoke-'))
  const [result, log] = [join(folder, 'result.json'), join(folder, 'log')]
  const output = openSync(log, 'w')
  const started = performance.now()
  try {
    const script = fileURLToPath(new URL('smoke.mjs', import.meta.url))
    const [program, ...args] = [...command, ...[script, binary, result].map(path)]
    // A file and not a pipe: in Wine, Node.js cannot write to one.
    const { status, signal, error } = spawnSync(program, args, {
      cwd: root,
      stdio: ['ignore', output, output],
      timeout: limitMs,
      killSignal: 'SIGKILL',
      env: {
        ...env,
        NODE_OPTIONS: '',
        NAPI_RS_NATIVE_LIBRARY_PATH: path(binary),
        NODE_EXTRA_CA_CERTS: path(join(root, '__test__', 'fixtures', 'tls', 'ca.cert.pem')),
      },
    })
    const seconds = (performance.now() - started) / 1000
    if (status !== 0 || !existsSync(result)) {
      const ended = error?.message ?? signal ?? `exit code ${status}`
      throw new UserError(
        `Node.js${through && ` in ${through}`} ended with ${ended}:\n${readFileSync(log, 'utf8')}`,
      )
    }
    const { version, libc, passed } = JSON.parse(readFileSync(result, 'utf8'))
    return { node: version, libc, through, seconds, passed }
  } finally {
    closeSync(output)
    rmSync(folder, { recursive: true })
  }
}
