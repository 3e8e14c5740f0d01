/**
 * One solve over whatever sends a request: create, wait, poll. Everything here is ASCII, so that text is read and written as latin1.
 *
 * @param {import('../lib/clients.mjs').Setting} setting
 * @param {(path: string, body: string, done: (error: Error | null, text?: string) => void) => void} send
 * @returns {import('../lib/clients.mjs').Solve}
 */
export function poller({ account, website, pollMs }, send) {
  const prefix = new URL(account.baseURL).pathname.replace(/\/$/, '')
  const { clientKey } = account
  const createBody = JSON.stringify({ clientKey, task: { type: account.taskType, ...website } })

  return () =>
    new Promise((resolve, reject) => {
      /** @param {string} path @param {string} body @param {(reply: any) => void} use */
      const call = (path, body, use) =>
        send(path, body, (error, text) => {
          if (error) return reject(error)
          try {
            const reply = JSON.parse(/** @type {string} */ (text))
            if (reply.errorId !== 0) throw new Error(reply.errorCode)
            use(reply)
          } catch (unreadable) {
            reject(unreadable)
          }
        })

      call(`${prefix}/createTask`, createBody, ({ taskId }) => {
        const body = JSON.stringify({ clientKey, taskId })
        const poll = () =>
          call(`${prefix}/getTaskResult`, body, ({ status, solution }) => {
            if (status === 'ready') resolve(solution.token)
            else setTimeout(poll, pollMs)
          })
        setTimeout(poll, pollMs)
      })
    })
}
