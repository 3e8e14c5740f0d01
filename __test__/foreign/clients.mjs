/**
 * The clients for Node.js. `node clients.mjs NAME BASE_URL KEY` solves one Turnstile task, and prints `{ token }`, or `{ error }` with the
 * client's own error.
 */

import { createRequire } from 'node:module'
import { join } from 'node:path'

const [name, baseURL, clientKey] = process.argv.slice(2)
const websiteURL = 'https://shop.example/login'
const websiteKey = '0x4AAAAAAAExampleSitekey'
const load = createRequire(join(process.env.FOREIGN_CLIENTS ?? '', 'package.json'))

/** @type {Record<string, () => Promise<string>>} */
const clients = {
  /** Its base URL is a constant, so an interceptor of its HTTP client replaces it. */
  async '@antiadmin/anticaptchaofficial'() {
    const client = load('@antiadmin/anticaptchaofficial')
    const axios = load('axios')
    axios.interceptors.request.use((/** @type {{ url: string }} */ request) => ({
      ...request,
      url: request.url.replace('https://api.anti-captcha.com', baseURL),
    }))
    client.setAPIKey(clientKey)
    client.shutUp()
    client.settings.firstAttemptWaitingInterval = 0
    client.settings.normalWaitingInterval = 0
    return client.solveTurnstileProxyless(websiteURL, websiteKey)
  },

  async '@zennolab_com/capmonstercloud-client'() {
    const {
      CapMonsterCloudClientFactory: factory,
      ClientOptions,
      TurnstileRequest,
    } = load('@zennolab_com/capmonstercloud-client')
    const client = factory.Create(new ClientOptions({ clientKey, serviceUrl: baseURL }))
    const timeouts = {
      firstRequestDelay: 0,
      firstRequestNoCacheDelay: 0,
      requestsInterval: 0,
      timeout: 300_000,
    }
    const { error, solution } = await client.Solve(new TurnstileRequest({ websiteURL, websiteKey }), timeouts)
    if (error) throw error
    return solution.token
  },
}

try {
  console.log(JSON.stringify({ token: await clients[name]() }))
} catch (error) {
  console.log(JSON.stringify({ error: String(error) }))
}
// A client may keep connections open.
process.exit()
