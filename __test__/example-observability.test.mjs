/** Runs examples/observability, and compares what it prints with its README. */

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

  test('the demo of the example observability prints the spans and metrics of its calls', async () => {
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
      ['tasks_created_total ACCOUNT', 2],
      ['unknown_charges_total ACCOUNT', 1],
      ['polls_total ACCOUNT,status="ready"', 1],
      ['retries_total ACCOUNT,code="CONNECTION_FAILED"', 1],
      ['pending_calls call="solveTurnstile",ACCOUNT', 0],
      ['failures_total call="solveTurnstile",ACCOUNT,code="PROVIDER_ERROR",reason="unsolvable"', 1],
      ['failures_total call="solveTurnstile",ACCOUNT,code="CONNECTION_FAILED",reason=""', 1],
      ['call_duration_seconds_count call="solveTurnstile",ACCOUNT,outcome="succeeded"', 1],
    ])) {
      const key = `turnstile_solver_${sample.replace('ACCOUNT', 'provider="ezcaptcha",account="main"')}`
      assert.equal(samples.get(key), value, `${key}\n${stdout}`)
    }
    const printed = [...stdout.matchAll(/^# HELP (\S+)/gm)].map(([, name]) => name).sort()
    const documented = [...readme.matchAll(/^\| `(turnstile_\w+)`/gm)].map(([, name]) => name).sort()
    assert.deepEqual(documented, printed)
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
    const labels = 'call="getBalance",provider="ezcaptcha",account="",code="INVALID_OPTIONS",reason=""'
    assert.ok(stdout.includes(`turnstile_solver_failures_total{${labels}} 1\n`), stdout)
  })

  test('a call that started before the example observability subscribed is in no metric, even if another subscriber got its start', async () => {
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

  test('the example observability shows an unknown charge and a paused account by the label of the call', async () => {
    const code = `
      import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node'
      import { Registry } from 'prom-client'
      import { createTask, getTaskResult } from 'turnstile-solver'
      import { startSandbox } from 'turnstile-solver/sandbox'
      import { listen, metrics, spans } from './telemetry.mjs'
      const registry = new Registry()
      const exporter = new InMemorySpanExporter()
      const tracing = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
      listen(spans(tracing.getTracer('test')), metrics(registry))
      const sandbox = await startSandbox({ provider: 'ezcaptcha' })
      const call = (label, fault, start) => {
        sandbox.addFault(fault)
        return start({ ...sandbox.account, label }).catch(() => {})
      }
      const create = account => createTask({ ...account, websiteURL: 'https://shop.example/', websiteKey: 'key' })
      const poll = account => getTaskResult({ ...account, taskId: '7' })
      await call('lost', { method: 'createTask', fault: 'connection-reset-after-processing' }, create)
      await call('poll', { method: 'getTaskResult', fault: 'unexpected-json' }, poll)
      await call('banned', { method: 'createTask', fault: 'error', errorCode: 'ERROR_IP_BANNED', retryAfter: 90 }, create)
      const values = async name => (await registry.getSingleMetric('turnstile_solver_' + name).get()).values
      console.log(JSON.stringify({
        unknown: await values('unknown_charges_total'),
        paused: await values('account_paused_until_seconds'),
        spans: exporter.getFinishedSpans().map(({ attributes }) => attributes),
      }))
      await sandbox.close()`
    const args = ['--input-type=module', '--eval', code]
    const started = Date.now() / 1000
    const { code: exitCode, stdout, stderr } = await run(process.execPath, args, { cwd: folder })
    assert.equal(exitCode, 0, stderr)
    const { unknown, paused, spans } = JSON.parse(stdout)
    assert.deepEqual(unknown, [{ labels: { provider: 'ezcaptcha', account: 'lost' }, value: 1 }])
    assert.deepEqual(
      paused.map((/** @type {any} */ { labels }) => labels),
      [{ provider: 'ezcaptcha', account: 'banned' }],
    )
    const retryAfterMs = spans[2]['turnstile.retry_after_ms']
    assert.ok(retryAfterMs >= 60_000 && paused[0].value >= started + retryAfterMs / 1000, stdout)
    assert.deepEqual(
      spans.map((/** @type {any} */ span) => [span['turnstile.account'], span['turnstile.may_be_charged']]),
      [
        ['lost', true],
        ['poll', true],
        ['banned', false],
      ],
    )
  })

  test('the type checker accepts the example observability', async () => {
    assert.deepEqual(await compiled(folder), { code: 0, stdout: '' })
  })
})
