// README.md promises nothing that is not there: its program runs, its files, flags, variables and scripts exist.
import { existsSync, readFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { helpText } from '../src/study/args.ts'
import { CQKD, TRIKD } from '../src/study/papers.ts'
import { install, runIn } from './installed.ts'

const test = suite('README')
const readme = readFileSync('README.md', 'utf8')
const source = (file: string) => readFileSync(file, 'utf8')
const all = (pattern: RegExp) => [...new Set([...readme.matchAll(pattern)].map((m) => m[1]))]

test('its program is examples/embed.mjs, runs, and learns', async () => {
  const block = /```js\n([^`]*(?:`[^`]+)*?)```/.exec(readme)![1]
  assert.is(block, source('examples/embed.mjs'))
  assert.ok(block.split('\n').length <= 32, 'it stays short')
  await install()
  const [, loss, right] = /^loss (\S+), (\S+) % right on \S/.exec(await runIn(block))!
  assert.ok(Number(loss) < 0.2 && Number(right) > 93, `loss ${loss}, ${right} % right`)
})

test('the program in docs/training.md runs, learns and classifies', async () => {
  const block = /```js\n(import [^`]*(?:`[^`]+)*?)```/.exec(source('docs/training.md'))![1]
  await install()
  const [right, ...pictures] = (await runIn(block)).trim().split('\n')
  assert.ok(Number.parseFloat(right) > 90 && right.endsWith('% right'), right)
  assert.equal(pictures, ['label 0, found 0', 'label 1, found 1', 'label 2, found 2'])
})

test('the two commands come first', () => {
  const [first, second] = /```sh\n([^`]*)```/
    .exec(readme)![1]
    .split('\n')
    .map((line) => line.split('#')[0].trim())
  assert.is(first, 'npm ci && node bench/cqkd.js')
  assert.is(second, 'npm ci && npm test')
})

test('files it links to or runs exist', () => {
  const linked = all(/\]\((?!https?:)([^)#]+)\)/g)
  const run = all(/node ((?:bench|examples)\/[\w.-]+)/g)
  assert.ok(linked.length > 4 && run.length > 1)
  for (const file of [...linked, ...run]) assert.ok(existsSync(file), file)
})

test('flags and variables it names are known to the programs', () => {
  const help = helpText(CQKD) + helpText(TRIKD)
  for (const flag of all(/(--[a-z][a-z-]+)/g)) assert.match(help, flag)
  const code = ['src/node/cache.ts', 'src/node/datasets.ts'].map(source).join('')
  for (const variable of all(/(WEBGPU_DISTILL_[A-Z]+)/g)) assert.match(code, variable)
})

test.run()
