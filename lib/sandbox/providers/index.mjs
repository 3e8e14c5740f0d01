/** All providers. */

import { anticaptcha, capmonster, capsolver, custom, twoCaptcha } from './compatible.mjs'
import { ezcaptcha } from './ezcaptcha.mjs'
import { yescaptcha } from './yescaptcha.mjs'

/** @type {Readonly<Record<string, import('./record.mjs').ProviderRecord>>} */
export const providers = Object.freeze(
  Object.fromEntries(
    [ezcaptcha, yescaptcha, custom, twoCaptcha, anticaptcha, capmonster, capsolver].map(record => [
      record.name,
      record,
    ]),
  ),
)

/** @type {Readonly<Record<string, readonly string[]>>} */
export const errorCodes = Object.freeze(
  Object.fromEntries(Object.values(providers).map(({ name, codes }) => [name, codes])),
)
