/** `providers`: what each takes, as the validator has it too. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { providers } from '../index.js'
import { validate } from '../lib/client.js'
import * as support from './support/calls.mjs'

const values = {
  action: 'login',
  cData: 'x',
  proxy: 'http://user:password@proxy.example:8080',
  developerId: 1,
}

describe('providers', () => {
  test('providers are those of the tests, each with a default task type or none', () => {
    assert.deepEqual(
      providers.map(({ name, taskTypes: [first] }) => [name, first]),
      support.providers.map(name => [name, name === 'custom' ? undefined : support.taskTypes[name]]),
    )
  })

  test('the list of providers is frozen', () => {
    for (const frozen of [providers, ...providers, ...providers.map(({ taskTypes }) => taskTypes)])
      assert.ok(Object.isFrozen(frozen))
  })

  for (const provider of providers) {
    const { name, baseURL, taskTypes } = provider
    const { baseURL: _, ...options } = support.required('createTask', '', { provider: name })

    test(`the list of providers says that ${name} ${baseURL ? 'needs no' : 'needs a'} baseURL`, () => {
      assert.equal(validate('createTask', options)?.option, baseURL ? undefined : 'baseURL')
    })

    const account = { ...options, baseURL: baseURL ?? 'https://api.example' }

    for (const [field, value] of Object.entries(values)) {
      const taken = provider[/** @type {keyof typeof values} */ (field)]
      const given = field === 'developerId' ? (support.developerIdOf(name) ?? value) : value
      test(`the list of providers says that ${name} ${taken ? 'takes' : 'does not take'} ${field}`, () => {
        assert.equal(
          validate('createTask', { ...account, [field]: given })?.option,
          taken ? undefined : field,
        )
      })
    }

    test(`the list of providers says that ${name} takes ${taskTypes.length > 0 ? `the task types ${taskTypes} and no other` : 'any task type'}`, () => {
      for (const taskType of taskTypes)
        assert.equal(validate('createTask', { ...account, taskType }), undefined)
      const other = validate('createTask', { ...account, taskType: 'OtherTask' })
      assert.equal(other?.option, taskTypes.length > 0 ? 'taskType' : undefined)
    })
  }
})
