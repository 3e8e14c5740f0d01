/** Prints the exports of the package, or why it does not load. */
try {
  console.log(JSON.stringify({ loaded: Object.keys(require('turnstile-solver')) }))
} catch (error) {
  const { code, reason, platform, arch, libc, packageName, message } = error
  console.log(JSON.stringify({ code, reason, platform, arch, libc, packageName, message }))
}
