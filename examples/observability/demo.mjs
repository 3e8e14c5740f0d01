// The spans and metrics of a job that requests three tokens from a sandbox with faults: see README.md.

import { SpanStatusCode } from '@opentelemetry/api'
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node'
import { Registry } from 'prom-client'
import { solveTurnstile } from 'turnstile-solver'
import { startSandbox } from 'turnstile-solver/sandbox'
import { listen, metrics, spans } from './telemetry.mjs'

const exporter = new InMemorySpanExporter()
const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
provider.register()
const tracer = provider.getTracer('demo')
const registry = new Registry()
const stop = listen(spans(tracer), metrics(registry))

const sandbox = await startSandbox({
  provider: 'ezcaptcha',
  solveTimeMs: 500,
  faults: [
    { method: 'getTaskResult', fault: 'connection-reset', task: 1 },
    { method: 'getTaskResult', fault: 'failed-task', task: 2 },
    { method: 'createTask', fault: 'connection-reset-after-processing', task: 3 },
  ],
})
const widget = { websiteURL: 'https://shop.example/login', websiteKey: '0x4AAAAAAAExampleSitekey' }
const solve = () => solveTurnstile({ ...sandbox.account, label: 'main', ...widget, pollIntervalMs: 1000 })

await tracer.startActiveSpan('job', async job => {
  await solve()
  for (let count = 0; count < 2; count++) await solve().catch(({ message }) => console.error(message))
  job.end()
})
stop()
await sandbox.close()

const finished = exporter.getFinishedSpans()
const names = new Map(finished.map(span => [span.spanContext().spanId, span.name]))
for (const { name, parentSpanContext, status, events } of finished) {
  const parent = names.get(parentSpanContext?.spanId ?? '') ?? 'none'
  const ended = status.code === SpanStatusCode.ERROR ? 'failed' : 'ok'
  console.log(
    `span ${name}, in ${parent}, ${ended}: ${events.map(event => event.name).join(' ') || 'no events'}`,
  )
}
console.log(await registry.metrics())
await provider.shutdown()
