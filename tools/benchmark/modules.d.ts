// The packages that are installed in this folder only, so that `npm run check` passes without them.
declare module '2captcha-ts'
declare module 'vega'
