/** examples/observability runs, and its README shows what it prints. */

import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { run } from './support/child.mjs'
import { blocksOf, read } from './support/documents.mjs'
import { compiled, prepared } from './support/example.mjs'

const readme = read('examples/observability/README.md')

describe('examples/observability', () => {
  let folder = ''
  before(async () => {
    folder = await prepared('observability')
  })

  test('the example observability makes spans and metrics of two calls', async () => {
    const { code, stdout, stderr } = await run(process.execPath, ['demo.mjs'], { cwd: folder })
    assert.equal(code, 0, stderr)
    const shown = blocksOf(readme).find(({ language }) => language === 'text')
    assert.ok(shown && stdout.startsWith(shown.code), stdout)
    const samples = new Map(
      [...stdout.matchAll(/^(turnstile_solver_\w+)\{(.*)\} (\S+)$/gm)].map(([, name, labels, value]) => [
        `${name} ${labels}`,
        Number(value),
      ]),
    )
    for (const [sample, value] of /** @type {const} */ ([
      ['turnstile_solver_tasks_created_total provider="ezcaptcha"', 2],
      ['turnstile_solver_polls_total provider="ezcaptcha",status="ready"', 1],
      ['turnstile_solver_retries_total provider="ezcaptcha",code="CONNECTION_FAILED"', 1],
      ['turnstile_solver_pending_calls call="solveTurnstile",provider="ezcaptcha"', 0],
      [
        'turnstile_solver_failures_total call="solveTurnstile",provider="ezcaptcha",code="PROVIDER_ERROR",reason="unsolvable"',
        1,
      ],
      [
        'turnstile_solver_call_duration_seconds_count call="solveTurnstile",provider="ezcaptcha",outcome="succeeded"',
        1,
      ],
    ])) {
      assert.equal(samples.get(sample), value, `${sample}\n${stdout}`)
    }
    const told = [...stdout.matchAll(/^# HELP (\S+)/gm)].map(([, name]) => name).sort()
    const documented = [...readme.matchAll(/^\| `(turnstile_\w+)`/gm)].map(([, name]) => name).sort()
    assert.deepEqual(documented, told)
  })

  test('the code of the README of the example observability counts the calls of a service', async () => {
    const code = blocksOf(readme).find(({ language }) => language === 'js')?.code
    const service = `${code}
      import { getBalance } from 'turnstile-solver'
      await getBalance({ provider: 'ezcaptcha', clientKey: '' }).catch(() => {})
      console.log(await register.getSingleMetricAsString('turnstile_solver_failures_total'))`
    const args = ['--input-type=module', '--eval', service]
    const { code: exitCode, stdout, stderr } = await run(process.execPath, args, { cwd: folder })
    assert.equal(exitCode, 0, stderr)
    const labels = 'call="getBalance",provider="ezcaptcha",code="INVALID_OPTIONS",reason=""'
    assert.ok(stdout.includes(`turnstile_solver_failures_total{${labels}} 1\n`), stdout)
  })

  test('a call that began before it listened is in no metric, also where another subscriber heard it begin', async () => {
    const code = `
      import { subscribe } from 'node:diagnostics_channel'
      import { Registry } from 'prom-client'
      import { getBalance } from 'turnstile-solver'
      import { listen, metrics } from './telemetry.mjs'
      subscribe('turnstile-solver:call', () => {})
      const registry = new Registry()
      const before = getBalance({ provider: 'ezcaptcha', clientKey: '' }).catch(() => {})
      listen(metrics(registry))
      await before
      await getBalance({ provider: 'ezcaptcha', clientKey: '' }).catch(() => {})
      await getBalance({ provider: 'ezcaptcha', get clientKey() { throw 0 } }).catch(() => {})
      console.log(await registry.getSingleMetricAsString('turnstile_solver_pending_calls'))
      console.log(await registry.getSingleMetricAsString('turnstile_solver_failures_total'))`
    const args = ['--input-type=module', '--eval', code]
    const { code: exitCode, stdout, stderr } = await run(process.execPath, args, { cwd: folder })
    assert.equal(exitCode, 0, stderr)
    const pending = [...stdout.matchAll(/^turnstile_solver_pending_calls\{.*\} (\S+)$/gm)].map(
      ([, value]) => value,
    )
    assert.deepEqual(new Set(pending), new Set(['0']), stdout)
    const failures = [...stdout.matchAll(/^turnstile_solver_failures_total\{.*\} (\S+)$/gm)]
    assert.deepEqual(
      failures.map(([, value]) => value),
      ['2'],
    )
  })

  test('the type checker accepts the example observability', async () => {
    assert.deepEqual(await compiled(folder), { code: 0, stdout: '' })
  })
})
