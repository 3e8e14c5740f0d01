/**
 * `2captcha-ts`. It uses a legacy protocol (in.php and res.php) with a fixed host, so the sandbox's process has an adapter for that protocol,
 * and the two addresses are replaced. HTTP/1.1 only, with any number of connections.
 */

import { Solver } from '2captcha-ts'

/** @type {import('../lib/clients.mjs').Connect} */
export default function connect({ account, website, pollMs, legacyURL }) {
  const solver = new Solver(account.clientKey, pollMs)
  Object.defineProperties(solver, {
    in: { value: `${legacyURL}/in.php` },
    res: { value: `${legacyURL}/res.php` },
  })
  return async () => {
    const answer = await solver.cloudflareTurnstile({
      pageurl: website.websiteURL,
      sitekey: website.websiteKey,
    })
    return answer.data
  }
}
