/** Tells what the package is when it is loaded, or why it cannot be. */
try {
  console.log(JSON.stringify({ loaded: Object.keys(require('turnstile-solver')) }))
} catch (error) {
  const { code, reason, platform, arch, libc, packageName, message } = error
  console.log(JSON.stringify({ code, reason, platform, arch, libc, packageName, message }))
}
