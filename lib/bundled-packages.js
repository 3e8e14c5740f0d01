// @ts-nocheck Only the package of one system is installed, and none in a clone.
'use strict'

/**
 * Requires the package of a system, in a bundle. The names are literals, because bundlers, and tools that trace the files of a
 * deployment, follow no others; they are in a `try`, so that those which are not installed are no errors to a bundler.
 *
 * @param {string} name
 * @returns {{ native?: any, cause?: unknown }}
 */
module.exports = function requireBundled(name) {
  try {
    switch (name) {
      case 'turnstile-solver-linux-x64-gnu':
        return { native: require('turnstile-solver-linux-x64-gnu') }
      case 'turnstile-solver-linux-arm64-gnu':
        return { native: require('turnstile-solver-linux-arm64-gnu') }
      case 'turnstile-solver-linux-arm-gnueabihf':
        return { native: require('turnstile-solver-linux-arm-gnueabihf') }
      case 'turnstile-solver-linux-x64-musl':
        return { native: require('turnstile-solver-linux-x64-musl') }
      case 'turnstile-solver-linux-arm64-musl':
        return { native: require('turnstile-solver-linux-arm64-musl') }
      case 'turnstile-solver-darwin-x64':
        return { native: require('turnstile-solver-darwin-x64') }
      case 'turnstile-solver-darwin-arm64':
        return { native: require('turnstile-solver-darwin-arm64') }
      case 'turnstile-solver-win32-x64-msvc':
        return { native: require('turnstile-solver-win32-x64-msvc') }
      case 'turnstile-solver-win32-arm64-msvc':
        return { native: require('turnstile-solver-win32-arm64-msvc') }
      default:
        return {}
    }
  } catch (cause) {
    return { cause }
  }
}
