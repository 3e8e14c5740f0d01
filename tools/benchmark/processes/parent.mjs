/** Handles the calls of the parent process over IPC. */

/**
 * @param {Record<string, (value: any) => unknown>} handlers
 */
export function serveParent(handlers) {
  process.on(
    'message',
    async (/** @type {{ id: number, call: string, value: unknown }} */ { id, call, value }) => {
      try {
        send({ id, result: await handlers[call](value) })
      } catch (error) {
        send({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) })
      }
    },
  )
  process.on('disconnect', () => process.exit())
  send({ ready: true })
}

/** @param {object} message */
const send = message => process.send?.(message)
