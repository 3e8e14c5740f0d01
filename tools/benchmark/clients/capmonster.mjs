/** `@zennolab_com/capmonstercloud-client`, with the same poll interval as everyone. HTTP/1.1 only, connections without bound. */

import {
  CapMonsterCloudClientFactory,
  ClientOptions,
  TurnstileRequest,
} from '@zennolab_com/capmonstercloud-client'

/** @type {import('../lib/clients.mjs').Connect} */
export default function connect({ account, website, pollMs, timeoutMs }) {
  const { baseURL: serviceUrl, clientKey } = account
  const client = CapMonsterCloudClientFactory.Create(new ClientOptions({ clientKey, serviceUrl }))
  const timeouts = {
    firstRequestDelay: pollMs,
    firstRequestNoCacheDelay: pollMs,
    requestsInterval: pollMs,
    timeout: timeoutMs,
  }
  return async () => {
    const request = new TurnstileRequest(website)
    // The type name differs between the providers of this protocol.
    Object.assign(request, { type: account.taskType })
    const { solution, error } = await client.Solve(request, timeouts)
    if (!solution) throw new Error(error)
    return solution.token
  }
}
