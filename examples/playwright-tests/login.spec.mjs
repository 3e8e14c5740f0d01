import { expect, test } from './fixtures.mjs'

test('a visitor signs in', async ({ page, answerTurnstile }) => {
  await page.goto('/')
  await page.getByLabel('Name').fill('Ada')
  await answerTurnstile()
  await page.getByRole('button', { name: 'Sign in' }).click()
  await expect(page.getByRole('heading')).toHaveText('Welcome')
  await expect(page.getByText('Hello, Ada.')).toBeVisible()
})

test('nobody signs in without an answer', async ({ page }) => {
  await page.goto('/')
  await page.getByLabel('Name').fill('Ada')
  await page.getByRole('button', { name: 'Sign in' }).click()
  await expect(page.getByRole('alert')).toHaveText('missing-input-response')
})

test('nobody signs in twice with the same answer', async ({ page, answerTurnstile }) => {
  await page.goto('/')
  const { token } = await answerTurnstile()
  for (const says of ['Welcome', 'Not signed in']) {
    const answer = await page.request.post('/', { form: { username: 'Ada', 'cf-turnstile-response': token } })
    expect(await answer.text()).toContain(says)
  }
})
