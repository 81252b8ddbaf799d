import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { tuneCases, tuneShape, tuningReport } from '../../src/bench/tuning.ts'
import { chooseCases } from '../../src/cases/choose.ts'
import { storedTuning } from '../../src/node/tuning.ts'
import { tuningOf } from '../../src/tune/tuning.ts'
import { engine } from '../device.ts'
import { memoryFiles } from '../memoryFiles.ts'

const test = suite('bench tuning')

test('shapes are those of the bench', () => {
  const shape = { n: 64, c: 16, h: 28, w: 20, k: 32 }
  assert.equal(tuneShape({ shape: '64x16x28x20:32:3/2', pass: 'dW' }), {
    ...{ ...shape, kernel: 3, stride: 2, padding: 1, passes: ['dW'] },
  })
  assert.equal(tuneShape({ shape: '64x16x28x20:32:1', pass: 'forward' }), {
    ...{ ...shape, kernel: 1, stride: 1, padding: 0, passes: ['forward'] },
  })
  assert.equal(tuneShape({ shape: '64x16x28x20:32:3', pass: 'folded' }), {
    ...{ ...shape, kernel: 3, stride: 1, padding: 1, bias: true, passes: ['forward'] },
  })
})

test('a run is stored, and a store that cannot be read is told before it', async () => {
  const store = { folder: 'tuning', files: memoryFiles() }
  const cases = chooseCases({ op: 'conv2d', shapes: ['8x3x5x5:4:3'], filter: ['dX'] })
  const said: string[] = []
  const options = { rounds: 1, quick: true }
  const { tuning, path } = await tuneCases(engine, cases, options, (line) => said.push(line), store)
  assert.match(said.join('\n'), /^1\/1 conv2d dX 8x3x5x5:4:3 stride 1 padding 1: \w+$/)
  assert.is(tuning.trials[0].key, 'conv2d dX 8x3x5x5:4:3 stride 1 padding 1')
  assert.equal(await storedTuning(engine.info, store), tuning)
  await store.files.writeAtomic(path, '')
  const error = await tuneCases(engine, cases, options, (line) => said.push(line), store).then(
    () => null,
    (caught) => caught,
  )
  assert.match(error.message, /is not JSON: .*; remove it and tune again/)
  assert.is(said.length, 1, 'nothing was timed')
})

test('the table shows every kernel, what is wrong and what was chosen', () => {
  const seconds = (median: number) => ({ median, best: median, q1: median * 0.9, q3: median * 1.1, n: 7 })
  const tried = [
    { kernel: 'strip', right: true, deviation: 1e-7, compileMs: 812.4, seconds: seconds(0.002) },
    { kernel: 'lanes', right: true, deviation: 2e-7, compileMs: 3, seconds: seconds(0.001) },
    { kernel: 'wave', right: false, deviation: 0.5, compileMs: 3, seconds: null },
    {
      kernel: 'big',
      right: false,
      refused: 'too much',
      deviation: Number.POSITIVE_INFINITY,
      compileMs: 0,
      seconds: null,
    },
  ]
  const place = { adapter: 'Some GPU', driver: 'one', subgroupSize: 32 }
  const tuning = tuningOf(place, [{ key: 'conv2d dX of it', default: 'strip', chosen: 'lanes', tried }])
  const text = tuningReport(tuning, 'there.json')
  assert.match(text, /^Some GPU, subgroups of 32\n/)
  assert.match(text, /\n +strip +2\.00 +±10 % +7 +100 % +1\.0e-7 +812\n\* +lanes +1\.00 +±10 % +7 +50 % /)
  assert.match(text, /\n +wave +WRONG +5\.0e-1 +3\n/)
  assert.match(text, /\n +big +REFUSED\n/)
  assert.match(text, '\nThis device does not compile:\nbig: too much\n\n1 of 1 take another kernel')
  assert.match(text, /Stored in there\.json/)
})

test.run()
