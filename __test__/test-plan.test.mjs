import assert from 'node:assert/strict'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { planTests, suiteOf } from '../tools/dev/test-plan.mjs'
import { run } from './support/child.mjs'

const root = join(tmpdir(), 'checkout')
const suites = ['rust', 'javascript', 'types', 'queue-workers', 'browser', 'foreign']
const optional = ['foreign']
const files = [
  '__test__/abort.test.mjs',
  '__test__/page.test.mjs',
  '__test__/browser/page.test.mjs',
  '__test__/queue-workers/workers.test.mjs',
]
const plan = (/** @type {string[]} */ ...words) =>
  Object.fromEntries(planTests(words, { root, suites, optional, files }))

describe('the arguments of npm test', () => {
  test('the arguments of npm test are every suite but the optional ones if there are none', () => {
    assert.deepEqual(
      Object.keys(plan()),
      suites.filter(suite => suite !== 'foreign'),
    )
    assert.deepEqual(Object.values(plan()).flat(), [])
  })

  test('the arguments of npm test name an optional suite, which then runs', () => {
    assert.deepEqual(plan('foreign'), { foreign: [] })
  })

  test('the arguments of npm test name suites, which run in the order given and once each', () => {
    assert.deepEqual(Object.entries(plan('types', 'rust', 'types')), [
      ['types', []],
      ['rust', []],
    ])
  })

  test('the arguments of npm test name test files, which run with their suites', () => {
    assert.deepEqual(plan(files[3], files[0], files[1], files[0]), {
      'queue-workers': [files[3]],
      javascript: [files[0], files[1]],
    })
    assert.deepEqual(plan(`./${files[0]}`), { javascript: [files[0]] })
    assert.deepEqual(plan(join(root, files[2])), { browser: [files[2]] })
  })

  test('the arguments of npm test name a suite and a file of it, which is the whole suite', () => {
    assert.deepEqual(plan(files[2], 'browser'), { browser: [] })
    assert.deepEqual(plan('browser', files[2]), { browser: [] })
  })

  test('the arguments of npm test after "rust" are filters of cargo test, up to the next suite or path', () => {
    assert.deepEqual(plan('rust', 'poll', 'breaker::tests', files[0]), {
      rust: ['poll', 'breaker::tests'],
      javascript: [files[0]],
    })
    assert.deepEqual(plan('rust', 'poll', 'types'), { rust: ['poll'], types: [] })
    assert.deepEqual(plan(files[0], 'rust', 'poll'), { javascript: [files[0]], rust: ['poll'] })
  })

  test('the arguments of npm test are refused by name where they are neither', () => {
    const refused = (/** @type {string[]} */ words, /** @type {RegExp} */ why) =>
      assert.throws(() => plan(...words), why)
    refused(['types', 'pol'], /Neither a suite nor a test file: pol\.\n.*rust, javascript/)
    refused(['rust', 'types', 'pol'], /npm test -- rust pol$/)
    refused(['rust', files[0], 'pol'], /Neither a suite nor a test file: pol\./)
    refused(['rust', '--nocapture'], /Unknown option: --nocapture\./)
    refused(['rust', 'src/poll.rs'], /No such test file: src\/poll\.rs\.$/)
    refused(
      ['page.test.mjs'],
      /: page\.test\.mjs\. Did you mean __test__\/page\.test\.mjs or __test__\/browser\/page\.test\.mjs\?/,
    )
  })

  test('the arguments of npm test end the command before anything is built, if one is wrong', async () => {
    const { code, stderr } = await run(process.execPath, ['tools/dev/test.mjs', 'nonsense'])
    assert.equal(code, 1)
    assert.match(stderr, /Neither a suite nor a test file: nonsense\./)
  })
})

test('a test file outside of the folders of other suites belongs to javascript', () => {
  assert.deepEqual(files.map(suiteOf), ['javascript', 'javascript', 'browser', 'queue-workers'])
})
