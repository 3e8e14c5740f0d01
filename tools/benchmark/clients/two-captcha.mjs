/**
 * `2captcha-ts`. It speaks an older protocol (in.php and res.php) to a host that is written into it, so the process of the sandbox runs an
 * adapter for that protocol, and the two addresses are replaced. HTTP/1.1 only, connections without bound.
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
