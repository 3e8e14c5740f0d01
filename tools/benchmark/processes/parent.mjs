/** The line to the parent process: requests come in, each is answered once. */

/**
 * @param {Record<string, (value: any) => unknown>} handlers
 */
export function answerParent(handlers) {
  process.on(
    'message',
    async (/** @type {{ id: number, call: string, value: unknown }} */ { id, call, value }) => {
      try {
        tell({ id, result: await handlers[call](value) })
      } catch (error) {
        tell({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) })
      }
    },
  )
  process.on('disconnect', () => process.exit())
  tell({ ready: true })
}

/** @param {object} message */
const tell = message => process.send?.(message)
