import { defineConfig } from '@playwright/test'

const { CHROME_PATH, CI } = process.env

export default defineConfig({
  testMatch: '*.spec.mjs',
  forbidOnly: Boolean(CI),
  // A provider takes up to two minutes.
  timeout: 180_000,
  reporter: 'list',
  use: { launchOptions: CHROME_PATH ? { executablePath: CHROME_PATH } : {} },
})
