// A local registry that has only what was published to it.
import { once } from 'node:events'
import { join } from 'node:path'

/**
 * @param {string} folder for what it stores
 * @returns {Promise<{ url: string, close: () => Promise<void> }>}
 */
export async function startRegistry(folder) {
  const { runServer } = await import('verdaccio')
  const open = { access: '$all', publish: '$all', unpublish: '$all' }
  const server = await runServer(
    /** @type {any} */ ({
      configPath: join(folder, 'config.yaml'),
      storage: join(folder, 'storage'),
      uplinks: {},
      packages: { '**': open },
      web: { enable: false },
      max_body_size: '100mb',
      log: { type: 'file', path: join(folder, 'registry.log'), level: 'warn', format: 'json' },
    }),
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  return {
    url: `http://127.0.0.1:${port}/`,
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}
