import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type BenchOptions, helpText, parseArguments } from '../../src/bench/flags.ts'
import { chooseCases, FAMILIES } from '../../src/cases/choose.ts'
import { UsageError } from '../../src/study/usage.ts'

const test = suite('bench flags')
const parse = (...argv: string[]) => parseArguments(argv) as BenchOptions
const refused = (argv: string[], message: RegExp) =>
  assert.throws(
    () => parseArguments(argv),
    (error: Error) => error instanceof UsageError && message.test(error.message) && !error.message.includes('\n'),
  )

test('what is given is what is asked for', () => {
  const options = parse(
    '--op',
    'conv2d',
    '--shape',
    '1x2x3x4:5:3',
    '--shape=2x2x2x2:2:1',
    '--filter',
    'dX,dW',
    '--json',
  )
  assert.equal(options.shapes, ['1x2x3x4:5:3', '2x2x2x2:2:1'])
  assert.equal(options.filter, ['dX', 'dW'])
  assert.is(options.json, true)
  assert.is(options.step, false)
  assert.is(parse('--rounds', '12').rounds, 12)
  assert.is(parse('--rounds', '12').op, undefined)
  assert.is(parseArguments(['--step', '--help']), 'help')
  assert.is(parse('--tune', '--shape', '1x2x3x4:5:3').op, 'conv2d')
})

test('what cannot be is one line that says what can', () => {
  refused(['--fast'], /^unknown flag --fast, the nearest is --list; --help tells all$/)
  refused(['--rounds', 'many'], /--rounds many: a whole number from 1 to 1000/)
  refused(['--shape', '3'], /--shape needs --op/)
  refused(['--kernel', 'mine.wgsl'], /--kernel needs --op/)
  refused(['--step', '--op', 'relu'], /--op and --step: one or the other/)
  refused(['--first-step'], /--first-step needs --step/)
  refused(['--once'], /--once needs --step/)
  refused(['--tune', '--step'], /--tune and --step: one or the other/)
  refused(['--tune', '--compare', 'old.json'], /--tune and --compare: one or the other/)
  refused(['--tune', '--op', 'relu'], /--tune --op relu: only conv2d has kernels to choose from/)
})

test('help names every flag and how every shape is written', () => {
  const help = helpText(FAMILIES.map(({ op, syntax }) => [op, syntax]))
  for (const flag of ['--op', '--trace', '--compare', '--first-step', '--adapter']) assert.match(help, flag)
  for (const { op, syntax } of FAMILIES) assert.ok(help.includes(op) && help.includes(syntax))
  assert.ok(help.split('\n').every((line) => line.length <= 120))
})

test('cases: names are unique, a stem has no input gradient, quick is a part of all', () => {
  const all = chooseCases({}).map(({ name }) => name)
  assert.is(new Set(all).size, all.length)
  assert.ok(all.includes('conv2d dW 64x1x28x28:16:3'))
  assert.not.ok(all.includes('conv2d dX 64x1x28x28:16:3'))
  const quick = chooseCases({ quick: true }).map(({ name }) => name)
  assert.ok(quick.length > 20 && quick.every((name) => all.includes(name)))
  assert.equal(
    chooseCases({ op: 'conv2d', shapes: ['1x3x8x8:2:3/2'] }).map(({ pass }) => pass),
    ['forward', 'dX', 'dW', 'folded'],
  )
  assert.equal(
    chooseCases({ filter: ['ece', 'sgd step 8'] }).map(({ name }) => name),
    ['ece forward 10000x10', 'sgd step 80000'],
  )
})

test('cases: an unknown op or an unreadable shape is refused', () => {
  assert.throws(() => chooseCases({ op: 'fft' }), /--op fft: one of conv2d, batchNorm/)
  for (const shape of ['64', '64x16x28x28', '64x0x28x28:16:3', '64x16x28x28:16:3/0']) {
    assert.throws(() => chooseCases({ op: 'conv2d', shapes: [shape] }), /: conv2d takes NxCxHxW:K:SIDE/)
  }
})

test.run()
