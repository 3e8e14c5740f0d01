import { expect, test } from './fixtures.mjs'

test('a visitor signs in', async ({ page, solveTurnstile }) => {
  await page.goto('/')
  await page.getByLabel('Name').fill('Ada')
  await solveTurnstile()
  await page.getByRole('button', { name: 'Sign in' }).click()
  await expect(page.getByRole('heading')).toHaveText('Welcome')
  await expect(page.getByText('Hello, Ada.')).toBeVisible()
})

test('signing in without a token fails', async ({ page }) => {
  await page.goto('/')
  await page.getByLabel('Name').fill('Ada')
  await page.getByRole('button', { name: 'Sign in' }).click()
  await expect(page.getByRole('alert')).toHaveText('missing-input-response')
})

test('signing in twice with the same token fails', async ({ page, solveTurnstile }) => {
  await page.goto('/')
  const { token } = await solveTurnstile()
  for (const says of ['Welcome', 'Not signed in']) {
    const response = await page.request.post('/', {
      form: { username: 'Ada', 'cf-turnstile-response': token },
    })
    expect(await response.text()).toContain(says)
  }
})
